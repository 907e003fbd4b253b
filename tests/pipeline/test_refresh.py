"""Catching up at the cut-over: the old application writes to its sqld after the rows were published."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers.libsql import LibsqlServer
from tests.tools.commands import Done, content, migrate, query

_LEGACY = """
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL, name TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people(id), total INTEGER);
INSERT INTO people VALUES (1, 'ada@example.com', 'Ada'), (2, 'bob@example.com', 'Bob');
INSERT INTO orders VALUES (1, 1, 250), (2, 2, 990), (3, 2, 10);
CREATE TABLE plans (id INTEGER PRIMARY KEY, label TEXT, price REAL, since TEXT);
INSERT INTO plans VALUES (1, 'Free', 0, '2024-01-01 00:00:00'), (2, 'Pro', 9.5, 'soon'), (3, x'41', 1, NULL);
"""
_LATER = """
INSERT INTO people VALUES (3, 'eve@example.com', 'Eve');
UPDATE people SET name = 'Ada L.' WHERE id = 1;
DELETE FROM orders WHERE id = 3;
INSERT INTO orders VALUES (4, 3, 77)
"""


@dataclass
class Evening:
    """A source that is written to, a target, and somebody who types."""

    source: LibsqlServer
    database: str
    folder: Path

    def type(self, *words: str, code: int | None = 0, **extra: str) -> Done:
        own = ("--yes",) if words[0] in ("run", "rollback") else ()
        files = ("--config", "m/config.toml") if words[0] != "status" else ()
        return migrate(
            *words, *own, *files, cwd=self.folder, code=code, DATABASE_URL=self.database, **extra
        )  # fmt: skip

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return query(self.database, text)

    def write(self, text: str) -> None:
        """Write to the target, as the new application does."""
        with psycopg.connect(self.database) as connection:
            connection.execute(text.encode())


@pytest.fixture
def evening(tmp_path: Path, database: str) -> Iterator[Evening]:
    with sqlite3.connect(tmp_path / "legacy.db") as connection:
        connection.executescript(_LEGACY)
    with LibsqlServer(tmp_path / "sqld", content=tmp_path / "legacy.db") as source:
        words = ("--source", source.url, "--target", "env:DATABASE_URL", "--out", "m")
        migrate("init", *words, cwd=tmp_path, DATABASE_URL=database)
        made = Evening(source, database, tmp_path)
        made.type("run")
        yield made


def test_what_the_source_has_got_since_is_caught_up(evening: Evening) -> None:
    ids = dict(evening.rows("SELECT email, id FROM people"))
    evening.source.load_script(_LATER)
    evening.write("UPDATE people SET name = 'written by the new application' WHERE email LIKE 'bob@%'")
    refused = evening.type("run", "--refresh", code=1)
    assert not (evening.folder / "work/previous-snapshot.db").exists()
    assert "people: 1 row changed" in refused.err
    assert "`migrate run --refresh --discard-changes --config m/config.toml`" in refused.err
    assert '"outcome": "published"' in (evening.folder / "work/state.json").read_text()  # nothing was begun

    evening.type("run", "--refresh", "--discard-changes")
    people = dict(evening.rows("SELECT email, id FROM people"))
    assert {email: people[email] for email in ids} == ids  # derived: the same again
    assert sorted(evening.rows("SELECT name FROM people")) == [("Ada L.",), ("Bob",), ("Eve",)]
    orders = evening.rows("SELECT o.total, p.name FROM orders o JOIN people p ON p.id = person_id ORDER BY 1")
    assert orders == [(77, "Eve"), (250, "Ada L."), (990, "Bob")]
    assert evening.rows("SELECT count(*) FROM migrate_ledger.id_map WHERE entity = 'people'") == [(3,)]


@pytest.mark.slow
def test_a_rollback_goes_to_before_the_refresh_or_to_before_the_first_run(evening: Evening) -> None:
    evening.source.load_script(_LATER)
    evening.write("UPDATE people SET name = 'written by the new application' WHERE email LIKE 'bob@%'")
    first = content(evening.database)
    evening.type("run", "--refresh", "--discard-changes")
    second = content(evening.database)
    evening.type("verify", "--published")
    evening.type("rollback")
    assert content(evening.database) == first
    refused = evening.type("rollback", "--first", code=2)
    assert "`migrate rollback --undo --config" in refused.err
    evening.type("rollback", "--undo")
    assert content(evening.database) == second
    said = evening.type("rollback", "--first").out
    assert "hold what they held before the first run (0 rows)" in said
    assert evening.rows("SELECT count(*) FROM people") == [(0,)]
    assert evening.rows("SELECT count(*) FROM migrate_ledger.id_map") == [(0,)]
    assert "Already rolled back" in evening.type("rollback", "--first").out
    evening.type("rollback", "--undo")
    assert content(evening.database) == second
    assert evening.rows("SELECT count(*) FROM migrate_ledger.id_map WHERE entity = 'people'") == [(3,)]


@pytest.mark.slow
def test_a_refresh_that_is_killed_goes_on_and_one_that_is_given_up_leaves_the_rows(evening: Evening) -> None:
    first = content(evening.database)
    evening.source.load_script(_LATER)
    evening.type("run", "--refresh", code=None, MIGRATE_KILL_AT="orders:batch")
    assert content(evening.database) == first
    evening.type("run", "--refresh")
    second = content(evening.database)
    assert second != first

    evening.source.load_script("DELETE FROM orders WHERE id = 4")
    evening.type("run", "--refresh", code=None, MIGRATE_KILL_AT="backup:kept")
    said = evening.type("rollback").out
    assert "`migrate run --refresh --config" in said
    assert "`migrate run --refresh` catches up again" in evening.type("status").out
    assert content(evening.database) == second
    evening.type("run", "--refresh")
    assert (4,) not in evening.rows("SELECT total FROM orders")
    assert evening.rows("SELECT count(*) FROM orders") == [(2,)]
    evening.type("rollback", "--first")
    assert evening.rows("SELECT count(*) FROM people") == [(0,)]


@pytest.mark.slow
def test_rows_that_are_written_while_it_runs_are_not_lost(evening: Evening) -> None:
    evening.type("run", "--refresh", code=None, MIGRATE_KILL_AT="snapshot:end")
    evening.write("INSERT INTO people (id, email) VALUES ('new', 'new@example.com')")
    refused = evening.type("run", "--refresh", code=1)
    assert "has written to people since the publication" in refused.err
    assert ("new@example.com",) in evening.rows("SELECT email FROM people")


@pytest.mark.slow
def test_only_published_rows_are_refreshed(evening: Evening) -> None:
    assert "exclude each other" in evening.type("run", "--refresh", "--fresh", code=2).err
    assert "belongs to --refresh" in evening.type("run", "--discard-changes", code=2).err
    assert "there is no run in" in evening.type("run", "--refresh", "--work", "other", code=2).err
    evening.type("rollback")
    assert "the publication was rolled back" in evening.type("run", "--refresh", code=2).err
    evening.type("run", code=None, MIGRATE_KILL_AT="people:batch")
    assert "this run has published nothing yet" in evening.type("run", "--refresh", code=2).err


def test_a_table_without_a_change_is_taken_over_and_not_mapped_again(evening: Evening) -> None:
    plans = evening.rows("SELECT * FROM plans ORDER BY id")
    evening.source.load_script(_LATER)
    evening.type("run", "--refresh", code=None, MIGRATE_KILL_AT="take_over:uncommitted")
    done = evening.type("run", "--refresh", MIGRATE_TRACE_TO=str(evening.folder / "points"))
    points = (evening.folder / "points").read_text().split()
    assert "plans: no row has changed since the publication; plans is taken over" in done.err
    assert "take_over:committed" in points
    assert "orders:batch" in points  # it refers to people, who were changed
    assert "plans:batch" not in points
    assert evening.rows("SELECT * FROM plans ORDER BY id") == plans
    assert not (evening.folder / "work/previous-snapshot.db").exists()
    evening.type("verify", "--published", "--deep")
    # The ledger says of the table what it would say if it had been mapped again.
    latest = "(SELECT run_id FROM migrate_ledger.publication ORDER BY id DESC LIMIT 1)"
    for table, where in (("warning", "source_table = 'plans'"), ("batch", "mapper = 'plans'")):
        runs = f"SELECT run_id = {latest}, count(*) FROM migrate_ledger.{table} WHERE {where} GROUP BY 1"
        counts = dict(evening.rows(runs))
        assert counts[True] == counts[False] > 0
    assert evening.rows("SELECT count(*) FROM migrate_ledger.id_map WHERE entity = 'plans'") == [(3,)]
    taken = content(evening.database)
    evening.type("run", "--refresh", "--discard-changes")  # maps all tables again
    assert content(evening.database) == taken


@pytest.mark.slow
def test_a_table_that_refers_to_a_changed_one_is_mapped_again(evening: Evening) -> None:
    evening.source.load_script("DELETE FROM orders WHERE person_id = 2; DELETE FROM people WHERE id = 2")
    done = evening.type("run", "--refresh")
    assert "plans is taken over" in done.err
    assert "orders is taken over" not in done.err
    evening.source.load_script("UPDATE plans SET price = price + 1")
    done = evening.type("run", "--refresh")
    assert [word for word in ("people", "orders", "plans") if f"{word} is taken over" in done.err] == [
        "people", "orders"
    ]  # fmt: skip
    evening.type("verify", "--published", "--deep")
    evening.write("UPDATE people SET name = 'by hand'")
    done = evening.type("run", "--refresh", "--discard-changes")
    assert "is taken over" not in done.err
    assert evening.rows("SELECT name FROM people") == [("Ada",)]
