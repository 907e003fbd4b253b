"""Columns that an expression makes: their values, the rows on which it fails, what reads and counts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappers.base import SourceTables
from mappers.declarative.mapping_file import MappingError, read_mapping
from mappers.declarative.validate import find_misfits
from migrate.postgres.catalog import Column
from migrate.snapshot.workspace import Workspace
from tests.mappers.declarative.map_rows import bind, migrated
from tests.mappers.studio.runner import legacy_file

PEOPLE = """
CREATE TABLE people (id INTEGER PRIMARY KEY, first TEXT, last TEXT, cents INTEGER, meta TEXT, day TEXT);
INSERT INTO people VALUES
  (1, 'Ann', 'Lee', 1999, '{"boss": 2, "plan": "pro"}', '2024-02-29'),
  (2, 'Bo', NULL, 5, '{', 'now'),
  (3, 'Cy', 'Day', NULL, NULL, '2024-01-01');
CREATE TABLE bare (code TEXT PRIMARY KEY, owner) WITHOUT ROWID;
INSERT INTO bare VALUES ('b', '1'), ('a', '{"x'), ('c', '3');
"""
MAPPING = """
[tables.people]
target = "P"
key = ["id"]
ids = "cuid"
columns.id = {to = "id", as = "id"}
columns.name = {to = "name", sql = "first || coalesce(' ' || last, '')"}
columns.last = {to = "last"}
columns.cents = {to = "amount", as = "decimal", scale = 2, sql = "cents / 100.0"}
columns.plan = {to = "plan", sql = "json_extract(meta, '$.plan')", otherwise = "POLICY"DEFAULT}
columns.boss.to = "boss"
columns.boss.as = "reference"
columns.boss.of = "people"
columns.boss.sql = "meta ->> '$.boss'"
columns.boss.otherwise = "null"
columns.boss.dangling = "null"
columns.day = {to = "year", as = "integer", sql = "strftime('%Y', day)", otherwise = "null"}
[tables.bare]
target = "B"
key = ["code"]
columns.code = {to = "code"}
columns.owner = {to = "owner", as = "reference", of = "people", sql = "json(owner)"}
"""


def mapping(policy: str, default: str = "") -> str:
    return MAPPING.replace("POLICY", policy).replace("DEFAULT", default)


def test_values_are_made_from_several_columns_and_cast_like_any_other(tmp_path: Path) -> None:
    out = migrated(tmp_path, PEOPLE, mapping("null"))
    found = {row["name"]: row for row in out.rows("P")}
    assert {name: (row["last"], row["amount"], row["plan"]) for name, row in found.items()} == {
        "Ann Lee": ("Lee", "19.99", "pro"),
        "Bo": (None, "0.05", None),
        "Cy Day": ("Day", None, None),
    }
    assert found["Ann Lee"]["boss"] == found["Bo"]["id"]
    assert [found[name]["year"] for name in ("Ann Lee", "Bo", "Cy Day")] == [2024, None, 2024]


def test_a_row_on_which_an_expression_fails_is_rejected_by_the_name_of_its_entry(tmp_path: Path) -> None:
    out = migrated(tmp_path, PEOPLE, mapping("reject"))
    assert out.fates.rows() == [
        ("bare", "a", "rejected", "expression_failed", "owner"),
        ("people", "2", "rejected", "expression_failed", "plan"),
    ]
    boss = [row["boss"] for row in out.rows("P")]
    assert boss == [None, None]  # the row that it refers to is gone
    assert [row["code"] for row in out.rows("B")] == ["b", "c"]


@pytest.mark.parametrize(
    ("policy", "default", "rule", "plan"),
    [
        ("null", "", "expression_failed_left_out", None),
        ("null", ', default = "free"', "expression_failed_left_out", None),
        ("default", ', default = "free"', "expression_failed_replaced", "free"),
    ],
)
def test_a_value_that_cannot_be_computed_is_left_out_or_replaced(
    tmp_path: Path, policy: str, default: str, rule: str, plan: str | None
) -> None:
    out = migrated(tmp_path, PEOPLE, mapping(policy, default))
    assert ("people", "2", "plan", rule) in out.warning_set()
    assert next(row["plan"] for row in out.rows("P") if row["name"] == "Bo") == plan
    assert ("people", "2", "day", "expression_failed_left_out") in out.warning_set()


def test_a_column_goes_to_what_the_expressions_make_that_read_it(tmp_path: Path) -> None:
    project = bind(legacy_file(tmp_path / "snapshot.db", PEOPLE), mapping("null"))
    went = project.lineage().went_to
    assert went["people", "first"] == "P.name"
    assert went["people", "last"] == "P.last, P.name"
    assert went["people", "meta"] == "P.plan, P.boss"
    assert went["people", "cents"] == "P.amount"


def test_filled_cells_are_those_of_the_expression_failed_ones_among_them(tmp_path: Path) -> None:
    snapshot = legacy_file(tmp_path / "snapshot.db", PEOPLE)
    project = bind(snapshot, mapping("null"))
    (people,) = (cells for cells in project.cells if cells.source == "people")
    with Workspace(snapshot, tmp_path / "x.db") as workspace:
        project.prepare(workspace)
        frame = next(iter(workspace.stream(people.sql)))
    counts = dict(
        zip([name for name, _ in people.columns], frame.drop("source_id").count().row(0), strict=True)
    )
    assert counts["plan"] == 2
    assert counts["name"] == 3
    assert counts["day"] == 3


CHOSEN = """
[tables.users]
target = "U"
key = ["id"]
where = "gone IS NULL"
columns.id = {to = "id"}
columns.gone = {drop = "those with one are left out"}
[tables.notes]
target = "N"
key = ["id"]
columns.id = {to = "id", as = "integer"}
columns.user = {to = "user", as = "reference", of = "users", dangling = "POLICY"}
"""
USERS = """
CREATE TABLE users (id TEXT, gone TEXT);
INSERT INTO users VALUES ('a', '2024'), ('a', NULL), ('b', NULL), ('b', NULL), ('c', '2023'), ('a', '2020');
CREATE TABLE notes (id INTEGER PRIMARY KEY, user TEXT);
INSERT INTO notes VALUES (1, 'a'), (2, 'b'), (3, 'c');
"""


@pytest.mark.parametrize(
    ("policy", "users"), [("null", ["a", "b", None]), ("keep", ["a", "b", "c"]), ("reject", ["a", "b"])]
)
def test_rows_are_left_out_by_a_condition_and_references_to_them_dangle(
    tmp_path: Path, policy: str, users: list[str | None]
) -> None:
    out = migrated(tmp_path, USERS, CHOSEN.replace("POLICY", policy))
    assert [row["id"] for row in out.rows("U")] == ["a", "b"]
    assert [row["user"] for row in out.rows("N")] == users
    # A row that is left out never takes the place of one with the same key; each has a name of its own.
    fates = out.fates.filter(out.fates["source_table"] == "users").rows()
    assert [(key, fate, reason, detail) for _, key, fate, reason, detail in fates] == [
        ("a#1", "excluded", "where", None),
        ("a#6", "excluded", "where", None),
        ("b#4", "merged", "same_key", "id"),
        ("c", "excluded", "where", None),
    ]


def test_a_row_of_which_the_condition_fails_is_rejected(tmp_path: Path) -> None:
    chosen = CHOSEN.replace("gone IS NULL", "json_extract(gone, '$.x') IS NULL").replace("POLICY", "null")
    out = migrated(tmp_path, USERS.replace("'2023'", "'{'"), chosen)
    assert ("users", "c", "rejected", "expression_failed", "where") in out.fates.rows()
    assert {row["id"] for row in out.rows("U")} == {"a", "b"}


def test_the_columns_of_a_condition_decide_and_its_mistakes_are_named(tmp_path: Path) -> None:
    project = bind(legacy_file(tmp_path / "snapshot.db", USERS), CHOSEN.replace("POLICY", "null"))
    assert ("users", "gone") in project.lineage().deciding
    assert project.chosen == {"users": "gone IS NULL"}
    wrong = read_mapping(
        HEAD.replace("key =", 'where = "aa = 1"\nkey =') + 'columns.x = {to = "x", sql = "a||b"}'
    )
    assert find_misfits(wrong, TABLES, TARGET) == ["tables.t.where: there is no column aa; did you mean a?"]
    with pytest.raises(MappingError, match="`where` chooses rows of a migrated table"):
        read_mapping('version = 1\n[tables.t]\nleft_out = "no"\nwhere = "a"')


TABLES = SourceTables({"t": ["id", "a", "b"]})
TARGET = {"T": [Column("id", "text"), Column("x", "text")]}
HEAD = 'version = 1\n[tables.t]\ntarget = "T"\nkey = ["id"]\ncolumns.id = {to = "id", as = "id"}\n'


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('columns.x = {to = "x", sql = "a || b"}', []),
        ('columns.x = {to = "x", sql = "a"}', ["tables.t.columns.b is missing: give it `to` or `drop`"]),
        (
            'columns.x = {to = "x", sql = "a || bb || b"}',
            [
                "tables.t.columns.x.sql: there is no column bb; did you mean b?",
                "tables.t.columns.a is missing: give it `to` or `drop`",
                "tables.t.columns.b is missing: give it `to` or `drop`",
            ],
        ),
        (
            'columns.a = {to = "x", sql = "b"}',
            [
                "tables.t.columns.a: its `sql` does not read a; give the expression an entry of another "
                "name, and a `to` or `drop`"
            ],
        ),
    ],
)
def test_every_column_of_the_source_still_has_its_place(lines: str, said: list[str]) -> None:
    assert find_misfits(read_mapping(HEAD + lines), TABLES, TARGET) == said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('columns.x = {drop = "no", sql = "a"}', "`sql` gives a column its values; it needs `to`"),
        ('columns.x = {to = "x", as = "id", sql = "a"}', "and cannot be the key (`id`)"),
        ('columns.x = {to = "x", sql = 7}', "tables.t.columns.x.sql: must be text"),
        ('columns.x = {to = "x", slq = "a"}', "tables.t.columns.x.slq: unknown key; did you mean sql?"),
    ],
)
def test_keys_that_do_not_go_together_are_named(lines: str, said: str) -> None:
    with pytest.raises(MappingError) as error:
        read_mapping(HEAD + lines)
    assert said in str(error.value)


def test_a_key_cannot_be_made_by_an_expression() -> None:
    with pytest.raises(MappingError, match="id names rows, so it cannot be made by `sql`"):
        read_mapping(HEAD.replace('as = "id"', 'sql = "id + 1"'))
