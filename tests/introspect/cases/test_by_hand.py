"""A mapping that a person wrote, with every key that `migrate init` does not write: migrated and verified."""

from __future__ import annotations

import psycopg
import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated

SOURCE = """
CREATE TABLE people (id INTEGER PRIMARY KEY, first TEXT, last TEXT, cents INTEGER, meta TEXT, gone TEXT);
INSERT INTO people VALUES
  (1, 'Ann', 'Lee', 1999, '{"boss": 2, "plan": "pro"}', NULL),
  (2, 'Bo', NULL, 5, '{', NULL),
  (3, 'Cy', 'Day', NULL, NULL, NULL),
  (4, 'Di', 'Orr', 1, '{"boss": 1}', '2024-01-01');
CREATE TABLE notes (id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES people, body TEXT,
  readers TEXT, topic TEXT REFERENCES topics);
INSERT INTO notes VALUES (1, 1, 'one', '1, 3,9', 'sea'), (2, 4, 'two', '[1]', NULL),
  (3, 4, 'three', NULL, 'x'), (4, 2, 'four', '[1, "2", 1]', 'sky');
CREATE TABLE topics (code TEXT PRIMARY KEY, title TEXT) WITHOUT ROWID;
INSERT INTO topics VALUES ('sea', 'Sea'), ('sky', 'Sky');
"""
DDL = """
CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT NOT NULL, last TEXT, amount DECIMAL(12,2), plan TEXT,
  boss TEXT REFERENCES person (id));
CREATE TABLE topic (id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, title TEXT);
CREATE TABLE note (id INTEGER PRIMARY KEY, author TEXT NOT NULL REFERENCES person (id), body TEXT,
  "topicId" TEXT REFERENCES topic (id));
CREATE TABLE "_ReadNotes" ("A" INTEGER NOT NULL REFERENCES note (id),
  "B" TEXT NOT NULL REFERENCES person (id), CONSTRAINT "_ReadNotes_AB_pkey" PRIMARY KEY ("A", "B"));
"""
MAPPING = """
[tables.people]
target = "person"
key = ["id"]
ids = "cuid"
where = "gone IS NULL"
columns.id = {to = "id", as = "id"}
columns.name = {to = "name", sql = "first || coalesce(' ' || last, '')"}
columns.last = {to = "last"}
columns.cents = {to = "amount", as = "decimal", scale = 2, sql = "cents / 100.0"}
columns.plan = {to = "plan", sql = "json_extract(meta, '$.plan')", otherwise = "null"}
columns.gone = {drop = "it is NULL"}
columns.boss.to = "boss"
columns.boss.as = "reference"
columns.boss.of = "people"
columns.boss.sql = "meta ->> '$.boss'"
columns.boss.otherwise = "null"
[tables.notes]
target = "note"
key = ["id"]
columns.id = {to = "id", as = "id"}
columns.author = {to = "author", as = "reference", of = "people", dangling = "reject"}
columns.body = {to = "body"}
columns.topic = {to = "topicId", as = "reference", of = "topics", dangling = "null"}
columns.readers.as = "references"
columns.readers.of = "people"
columns.readers.dangling = "null"
columns.readers.to_table = "_ReadNotes"
columns.readers.row = "A"
columns.readers.to = "B"
[tables.topics]
target = "topic"
key = ["code"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.code = {to = "code"}
columns.title = {to = "title"}
"""


@pytest.fixture(scope="module")
def mine(migrated: MakeCase) -> Migrated:
    found = migrated(script=SOURCE, mapping=MAPPING, ddl=DDL)
    assert found.run.code == 0, found.run.out + found.run.err
    return found


def test_columns_made_by_expressions_are_published(mine: Migrated) -> None:
    assert [tuple(map(str, row)) for row in mine.rows("person", "name", "last", "amount", "plan")] == [
        ("Ann Lee", "Lee", "19.99", "pro"),
        ("Bo", "None", "0.05", "None"),
        ("Cy Day", "Day", "None", "None"),
    ]
    bosses = "SELECT p.name, b.name FROM person p JOIN person b ON b.id = p.boss"
    assert mine.query(bosses) == [("Ann Lee", "Bo")]
    assert mine.warnings == [
        ("notes", "readers", "dangling_left_out", 1),
        ("people", "boss", "expression_failed_left_out", 1),
        ("people", "plan", "expression_failed_left_out", 1),
    ]


def test_rows_that_a_condition_leaves_out_are_excluded_and_what_refers_to_them_dangles(
    mine: Migrated,
) -> None:
    assert mine.fates == [
        ("notes", "rejected", "dangling", "author", 2),
        ("people", "excluded", "where", None, 1),
    ]
    assert mine.rows("note", "id", "body") == [(1, "one"), (4, "four")]


def test_a_list_is_published_as_rows_of_a_table_between_two_others(mine: Migrated) -> None:
    readers = 'SELECT "A", name FROM "_ReadNotes" JOIN person ON id = "B" ORDER BY 1, 2'
    assert mine.query(readers) == [(1, "Ann Lee"), (1, "Cy Day"), (4, "Ann Lee"), (4, "Bo")]


def test_new_ids_are_published_next_to_a_key_that_stays(mine: Migrated) -> None:
    topics = 'SELECT note.id, code FROM note JOIN topic ON topic.id = "topicId" ORDER BY 1'
    assert mine.query(topics) == [(1, "sea"), (4, "sky")]


def test_every_check_holds_and_a_second_mapping_gives_the_same_cells(mine: Migrated) -> None:
    found = mine.verify()
    assert found.code == 0, found.out + found.err
    by_name = {one["name"]: one for one in found.document["checks"]}
    for name in ("deep", "lineage", "cells", "reconciliation"):
        assert by_name[name]["passed"], by_name[name]
        assert by_name[name]["applies"]


def test_a_lost_row_of_a_list_is_noticed_by_the_default_checks(mine: Migrated) -> None:
    with psycopg.connect(mine.url, autocommit=True) as target:
        lost = target.execute('DELETE FROM "_ReadNotes" WHERE "A" = 4 RETURNING "A", "B"').fetchall()
    found = mine.verify(deep=False)
    with psycopg.connect(mine.url, autocommit=True) as target:
        target.cursor().executemany('INSERT INTO "_ReadNotes" VALUES (%s, %s)', lost)
    assert found.code == 1
    assert "1 of 13 checks failed:\n  keyless: " in found.err
