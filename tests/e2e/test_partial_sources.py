"""Sources that lack whole generations of tables, through the command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from migrate.postgres.embedded import EmbeddedServer
from tests.e2e.test_run import SETTINGS
from tests.tools.commands import migrate, query

TIDY = """
CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, displayname TEXT, email TEXT, password TEXT,
                    status TEXT, created_at TEXT);
INSERT INTO users VALUES (1, 'a', 'A', 'a@example.com', NULL, 'active', '2020-01-01'),
                         (2, 'b', 'B', 'b@example.com', NULL, '', NULL);
CREATE TABLE profile (user_id INTEGER NOT NULL, first_name TEXT, homestudio TEXT);
INSERT INTO profile VALUES (1, 'Al', '3');
"""
OLD = """
CREATE TABLE shows_users (id INTEGER PRIMARY KEY, username TEXT, email TEXT NOT NULL, password TEXT NOT NULL,
                          joined TEXT NOT NULL, status INTEGER NOT NULL, role_id INTEGER NOT NULL);
INSERT INTO shows_users VALUES (1, 'a', 'a@example.com', '', '2020-01-01 00:00:00', 1, 2);
"""


@pytest.mark.slow
@pytest.mark.parametrize(("script", "people", "studios"), [(TIDY, 2, 1), (OLD, 1, 0)])
def test_a_source_may_lack_whole_generations(tmp_path: Path, script: str, people: int, studios: int) -> None:
    legacy, work = tmp_path / "legacy.db", tmp_path / "work"
    with sqlite3.connect(legacy) as connection:
        connection.executescript(script)
    done = migrate("run", "--work", str(work), "--yes", **{**SETTINGS, "MIGRATE__SOURCE__URL": str(legacy)})
    assert "because the source has no rows for them" in done.out
    with EmbeddedServer(work) as server:
        counts = query(
            server.url(),
            "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM studios),"
            " (SELECT count(*) FROM messages)",
        )
    assert counts == [(people, studios, 0)]
