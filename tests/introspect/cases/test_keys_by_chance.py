"""Keys that count from 1 in every table are those of no other table, unless a name says so."""

from __future__ import annotations

import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated, require_green

SCRIPT = """
    CREATE TABLE customer (uid INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE person (party_id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE party (party_id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE node (nid INTEGER PRIMARY KEY, title TEXT);
    CREATE TABLE node_counter (nid INTEGER PRIMARY KEY, total INTEGER);
    CREATE TABLE "люди" ("ид" INTEGER PRIMARY KEY, "имя" TEXT);
    CREATE TABLE "заказы" ("ид" INTEGER PRIMARY KEY, "" TEXT);
    CREATE TABLE a (x INTEGER, y INTEGER, z TEXT, PRIMARY KEY (x, y));
    CREATE TABLE f (id INTEGER PRIMARY KEY, aa INTEGER, bb INTEGER, n INTEGER REFERENCES gone,
        FOREIGN KEY (bb, aa) REFERENCES a (y, x));
    INSERT INTO customer VALUES (1, 'a'), (2, 'b'), (3, 'c');
    INSERT INTO party VALUES (1, 'p'), (2, 'q'), (3, 'r');
    INSERT INTO person VALUES (1, 'p'), (3, 'r');
    INSERT INTO node VALUES (1, 'x'), (2, 'y');
    INSERT INTO node_counter VALUES (1, 100), (2, 5);
    INSERT INTO "люди" VALUES (1, 'Анна'), (2, 'Яна');
    INSERT INTO "заказы" VALUES (1, 'one'), (2, 'two');
    INSERT INTO a VALUES (0, 1, 'a'), (1, 0, 'b');
    INSERT INTO f VALUES (1, 0, 1, 1), (2, 1, 0, 0);
"""


@pytest.fixture(scope="module")
def done(migrated: MakeCase) -> Migrated:
    return require_green(migrated(script=SCRIPT))


@pytest.mark.parametrize("table", ["customer", "party", "node", "люди", "заказы"])
def test_a_key_is_its_own(done: Migrated, table: str) -> None:
    assert done.mapping[table]["ids"] == "cuid"


def test_a_key_that_names_the_other_table_is_shared(done: Migrated) -> None:
    joined = done.query(
        "SELECT (SELECT count(*) FROM person JOIN party USING (party_id)),"
        " (SELECT count(*) FROM node_counter JOIN node USING (nid))"
    )
    assert joined == [(2, 2)]


def test_a_column_without_a_name_is_migrated(done: Migrated) -> None:
    assert done.column("заказы", "_") == ["one", "two"]


def test_a_foreign_key_may_name_a_keys_columns_in_another_order(done: Migrated) -> None:
    rows = done.query("SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'f'::regclass")
    assert len(rows) == 1
    assert done.rows("f", "aa", "bb") == [(0, 1), (1, 0)]


@pytest.mark.parametrize("column", ["x", "y"])
def test_a_part_of_a_key_is_no_flag(done: Migrated, column: str) -> None:
    assert not done.marked("a", column)


@pytest.mark.parametrize("column", ["aa", "bb", "n"])
def test_a_column_that_a_constraint_names_is_no_flag(done: Migrated, column: str) -> None:
    assert "as boolean" not in done.line("f", column)


def test_keys_of_several_kinds_are_held_as_text_or_get_ids_of_their_own(migrated: MakeCase) -> None:
    found = migrated(
        script="CREATE TABLE t (a REAL, b NUMERIC, PRIMARY KEY (a, b));"
        "CREATE TABLE u (a ANY, b INT, PRIMARY KEY (a, b));"
        "INSERT INTO t VALUES (1700000000123, 1), (2.5, 'x'), ('a', 3.0), ('b', 'y'), (7, 1e300);"
        "INSERT INTO u VALUES ('a', 1), (x'', 1), (x'41', 2), (5, 3);"
    )
    assert (found.init.code, found.run.code) == (0, 0), found.run.err
    assert found.mapping["u"]["key"] == []
    assert found.column("t", "a") == ["1700000000123.0", "2.5", "7.0", "a", "b"]
    assert found.verify().code == 0


def test_a_key_cannot_keep_old_ids_among_new_ones(migrated: MakeCase) -> None:
    found = migrated(
        script="CREATE TABLE party (party_id INTEGER PRIMARY KEY, n TEXT);"
        "CREATE TABLE person (party_id INTEGER PRIMARY KEY REFERENCES party, n TEXT);"
        "INSERT INTO party VALUES (1, 'p'); INSERT INTO person VALUES (1, 'p');",
        edits=(('of = "party", dangling = "reject"', 'of = "party", dangling = "keep"'),),
    )
    assert found.run.code == 1
    assert (
        'tables.person.columns.party_id: a key cannot keep old ids among new ones; use dangling = "reject"'
        in (found.run.out + found.run.err)
    )
