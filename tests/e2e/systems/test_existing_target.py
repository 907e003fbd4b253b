"""A database migrated into a Prisma target that is there already, whose names and types are its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.schema_fingerprint import fingerprint
from tests.introspect.scaffold.test_onto_existing import SOURCE, TARGET
from tests.tools.commands import migrate, query

OLD = """
    INSERT INTO "User" VALUES ('old', 'old@example.com', false, NULL, NULL, NULL, '2020-01-01', '2020-01-01');
    INSERT INTO "BlogPost" VALUES ('old post', 'old', 'before', 1, 1);
    INSERT INTO "_prisma_migrations" VALUES ('applied');
"""

READINGS = """
    CREATE TABLE reading (taken TEXT, value REAL);
    INSERT INTO reading VALUES ('2024-01-02 03:04:05', 1.5), ('2024-01-02 03:04:05', 1.5), (NULL, NULL);
"""


@pytest.fixture
def folder(database: str, tmp_path: Path) -> Path:
    """A mapping onto the target, drafted from a source whose names differ."""
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as source:
        source.executescript(SOURCE + READINGS)
    with psycopg.connect(database, autocommit=True) as target:
        target.execute(TARGET)
        target.execute(OLD)
        target.execute('CREATE TABLE "Readings" (taken timestamp(3), value double precision)')
    words = ("--source", str(tmp_path / "legacy.db"), "--out", str(tmp_path / "mapping"))
    drafted = migrate("init", *words, "--target", "env:DATABASE_URL", code=1, DATABASE_URL=database)
    assert "Fix before running: User.updatedAt is required" in drafted.out
    return tmp_path / "mapping"


def run(folder: Path, database: str, *words: str, code: int = 0):
    where = ("--config", str(folder / "config.toml"), "--work", str(folder / "work"))
    return migrate(*words, *where, code=code, DATABASE_URL=database)


@pytest.mark.slow
def test_what_is_missing_is_named_until_it_is_given_and_then_all_goes_where_the_names_say(
    folder: Path, database: str
) -> None:
    with psycopg.connect(database) as target:
        schema_before = fingerprint(target, "public")
    refused = run(folder, database, "run", "--yes", code=1)
    assert "the target column User.updatedAt is required and not filled" in refused.err
    assert query(database, 'SELECT id FROM "User"') == [("old",)]

    mapping = folder / "mapping.toml"
    constants = '\n[tables.users.constants]\nupdatedAt = "2026-01-31 00:00:00"\n'
    mapping.write_text(mapping.read_text() + constants)
    summary = run(folder, database, "run", "--yes", "--json").json()
    flows = {flow["table"]: (flow["rows"], flow["migrated"], flow["rejected"]) for flow in summary["flows"]}
    assert flows == {
        "users": (4, 3, {"required": 1}),  # joined is '' where the target wants an instant
        "blog_post": (2, 1, {"dangling": 1}),
        "tag": (1, 1, {}),
        "reading": (3, 3, {}),
    }
    assert summary["left_out"] == {"metrics": ["the target has no table for it", 0]}
    held = 'SELECT email, "isAdmin", level::text, score::text, nickname FROM "User" ORDER BY email'
    assert query(database, held) == [
        ("a@example.com", True, "GOLD", None, None),
        ("c@example.com", False, "GOLD", "2.0", "c"),
        ("d@example.com", False, "GOLD", "2.0", "c"),
    ]
    lost = {(one["table"], one["column"]) for one in summary["changed"] if one["lost"]}
    assert lost == {("users", "score"), ("users", "nickname"), ("blog_post", "views"), ("blog_post", "state")}
    post = 'SELECT u.email, p.views, p.state FROM "BlogPost" p JOIN "User" u ON u.id = p.author'
    assert query(database, post) == [("a@example.com", None, None)]
    assert query(database, 'SELECT id, label FROM "Tag"') == [(7, "x")]
    assert query(database, 'SELECT id FROM "_prisma_migrations"') == [("applied",)]
    with psycopg.connect(database) as target:
        assert fingerprint(target, "public") == schema_before

    run(folder, database, "verify", "--published", "--deep")
    with psycopg.connect(database, autocommit=True) as target:
        target.execute("""UPDATE "Readings" SET value = 2 WHERE ctid = (SELECT min(ctid) FROM "Readings")""")
    noticed = run(folder, database, "verify", "--published", code=1)
    assert "keyless" in noticed.err
    with psycopg.connect(database, autocommit=True) as target:
        target.execute("""UPDATE "Readings" SET value = 1.5 WHERE value = 2""")
    run(folder, database, "rollback", "--yes")
    assert query(database, 'SELECT id FROM "User"') == [("old",)]
    assert query(database, 'SELECT id FROM "BlogPost"') == [("old post",)]
