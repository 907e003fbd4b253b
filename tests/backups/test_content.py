"""Which tables hold other rows than were recorded."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from backups.content import Change, changed_since, list_tables
from migrate.postgres.table_checksum import Content, measure
from tests.backups.conftest import SCHEMA, Live


def _changes(live: Live, contents: Mapping[str, Content]) -> list[Change]:
    with psycopg.connect(live.address, autocommit=True) as conn:
        return changed_since(conn, SCHEMA, contents, measure)


def test_untouched_tables_are_no_changes(live: Live) -> None:
    assert _changes(live, live.contents()) == []


def test_inserted_altered_and_dropped_rows_are_changes(live: Live) -> None:
    before = live.contents()
    live.run("INSERT INTO empty VALUES ('x')")
    live.run("UPDATE users SET email = 'two@example.com' WHERE id = 'u2'")
    live.run("DROP TABLE counted")
    changes = _changes(live, before)
    assert changes == [Change("counted", 1000, None), Change("empty", 0, 1), Change("users", 3, 3)]
    assert [str(change) for change in changes] == [
        "counted: the table is gone (it had 1,000 rows)",
        "empty: 0 rows before, 1 now",
        "users: rows or columns were changed (3 rows, as before)",
    ]


def test_swapped_values_of_two_rows_are_a_change(live: Live) -> None:
    before = live.contents()
    live.run("UPDATE counted SET what = CASE n WHEN 1 THEN 'w2' ELSE 'w1' END WHERE n <= 2")
    assert [change.table for change in _changes(live, before)] == ["counted"]


def test_tables_of_extensions_views_and_foreign_tables_are_not_listed(live: Live) -> None:
    live.run("CREATE VIEW people AS SELECT id FROM users")
    live.run("CREATE MATERIALIZED VIEW seen AS SELECT id FROM users")
    live.run("CREATE TABLE parts (n integer) PARTITION BY RANGE (n)")
    live.run("CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (1) TO (10)")
    live.run("CREATE EXTENSION citext")
    live.run("CREATE TABLE owned (id text)")
    live.run("ALTER EXTENSION citext ADD TABLE owned")
    with psycopg.connect(live.address) as conn:
        assert list_tables(conn, SCHEMA) == (
            "_prisma_migrations", "counted", "empty", "odd values", "part_1", "parts", "users"
        )  # fmt: skip
