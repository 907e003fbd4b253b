"""A mapping that a person wrote, with every key that `migrate init` does not write: migrated and verified."""

from __future__ import annotations

import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated

SOURCE = """
CREATE TABLE people (id INTEGER PRIMARY KEY, first TEXT, last TEXT, cents INTEGER, meta TEXT, unread INTEGER);
INSERT INTO people VALUES
  (1, 'Ann', 'Lee', 1999, '{"boss": 2, "plan": "pro"}', 0),
  (2, 'Bo', NULL, 5, '{', 1),
  (3, 'Cy', 'Day', NULL, NULL, 2);
"""
DDL = """
CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT NOT NULL, last TEXT, amount DECIMAL(12,2), plan TEXT,
  boss TEXT REFERENCES person (id));
"""
MAPPING = """
[tables.people]
target = "person"
key = ["id"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.name = {to = "name", sql = "first || coalesce(' ' || last, '')"}
columns.last = {to = "last"}
columns.cents = {to = "amount", as = "decimal", scale = 2, sql = "cents / 100.0"}
columns.plan = {to = "plan", sql = "json_extract(meta, '$.plan')", otherwise = "null"}
columns.unread = {drop = "nobody reads it"}
columns.boss.to = "boss"
columns.boss.as = "reference"
columns.boss.of = "people"
columns.boss.sql = "meta ->> '$.boss'"
columns.boss.otherwise = "null"
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
    assert mine.fates == []
    assert mine.warnings == [
        ("people", "boss", "expression_failed_left_out", 1),
        ("people", "plan", "expression_failed_left_out", 1),
    ]


def test_every_check_holds_and_a_second_mapping_gives_the_same_cells(mine: Migrated) -> None:
    found = mine.verify()
    assert found.code == 0, found.out + found.err
    by_name = {one["name"]: one for one in found.document["checks"]}
    for name in ("deep", "lineage", "cells", "reconciliation"):
        assert by_name[name]["passed"], by_name[name]
        assert by_name[name]["applies"]
