"""Values that are chosen, divided, read by a format, by words, or masked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mappers.base import SourceTables
from mappers.declarative.mapping_file import MappingError, read_mapping
from mappers.declarative.validate import find_misfits
from migrate.postgres.catalog import Column
from migrate.snapshot.workspace import Workspace
from tests.mappers.declarative.map_rows import bind, migrated
from tests.mappers.studio.runner import legacy_file


def values(folder: Path, cells: list[Any], options: str, column: Column | None = None) -> dict[str, Any]:
    """Return what cells (SQL literals) of the column v become, by their text; what is rejected is missing."""
    rows = ", ".join(f"({n}, {cell})" for n, cell in enumerate(cells))
    source = f"CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES {rows};"
    mapping = f"""
        [tables.t]
        target = "T"
        key = ["id"]
        columns.id = {{to = "id", as = "integer"}}
        columns.v = {{to = "v", {options}}}"""
    target = None if column is None else {"T": [Column("id", "integer"), column]}
    out = migrated(folder, source, mapping, target)
    return {cells[row["id"]]: row["v"] for row in out.rows("T")}


def test_a_whole_number_is_divided_exactly_whatever_its_size_and_form(tmp_path: Path) -> None:
    cells = ["1999", "5", "-5", "-1999", "0", "9223372036854775807", "-9223372036854775808", "1999.0"]
    cells += ["'1999'", "12.5", "NULL", "'n/a'", "x'31'"]
    found = values(tmp_path, cells, 'as = "decimal", scale = 3, divide = 100')
    assert found == {
        "1999": "19.99", "5": "0.05", "-5": "-0.05", "-1999": "-19.99", "0": "0",
        "9223372036854775807": "92233720368547758.07", "-9223372036854775808": "-92233720368547758.08",
        "1999.0": "19.99", "'1999'": "19.99", "12.5": "0.125", "NULL": None,
    }  # fmt: skip


def test_other_divisors_and_floats(tmp_path: Path) -> None:
    assert values(tmp_path, ["90", "'x'"], 'as = "real", divide = 60, otherwise = "null"') == {
        "90": 1.5,
        "'x'": None,
    }


def test_text_is_read_by_the_format_that_is_given_and_in_no_other_way(tmp_path: Path) -> None:
    cells = ["'31.12.2023 23:30'", "'1.2.2024 1:05'", "'2024-01-01'", "'31.02.2024 10:00'", "''", "NULL"]
    options = 'as = "timestamp", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin", empty = "null"'
    found = values(tmp_path, cells, options)
    assert {cell: value and str(value) for cell, value in found.items()} == {
        "'31.12.2023 23:30'": "2023-12-31 22:30:00",
        "'1.2.2024 1:05'": "2024-02-01 00:05:00",
        "''": None,
        "NULL": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "options", "value"),
    [
        ("'12/31/2023'", 'as = "date", format = "%m/%d/%Y"', "2023-12-31"),
        (
            "'2023-12-31T10:00:00+0200'",
            'as = "timestamp", format = "%Y-%m-%dT%H:%M:%S%z", zone = "Asia/Tokyo"',
            "2023-12-31 08:00:00",
        ),
        ("'31-Dec-23 07:15 PM'", 'as = "timestamp", format = "%d-%b-%y %I:%M %p"', "2023-12-31 19:15:00"),
        ("1704067200123456", 'as = "timestamp", unit = "us"', "2024-01-01 00:00:00.123000"),
        ("1704067200123999999", 'as = "timestamp", unit = "ns"', "2024-01-01 00:00:00.124000"),
    ],
)
def test_formats_and_units_of_instants(tmp_path: Path, cell: str, options: str, value: str) -> None:
    assert str(values(tmp_path, [cell], options)[cell]) == value


def test_words_are_the_booleans_that_the_mapping_says(tmp_path: Path) -> None:
    cells = ["'ja'", "'nein'", "'yes'", "1", "2", "NULL"]
    options = 'as = "boolean", values = { ja = true, nein = false, "1" = false }'
    assert values(tmp_path, cells, options) == {"'ja'": True, "'nein'": False, "1": False, "NULL": None}


PEOPLE = """
CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT, name TEXT, phone TEXT, note TEXT, created TEXT,
  seen TEXT);
INSERT INTO people VALUES (1, 'ann@example.org', 'Ann', '1', 'x', '2024-01-01', ''),
  (2, 'bo@example.org', 'Ann', '', NULL, '2024-01-02', '2024-05-05'),
  (3, NULL, NULL, NULL, 'y', '2024-01-03', NULL);
CREATE TABLE logins (id INTEGER PRIMARY KEY, who TEXT);
INSERT INTO logins VALUES (1, 'bo@example.org');
"""
MASKED = """
[tables.people]
target = "P"
key = ["id"]
ids = "keep"
columns.id = {to = "id", as = "integer"}
columns.mail = {to = "mail", mask = "email"}
columns.name = {to = "name", mask = "name"}
columns.phone = {to = "phone", mask = "hash"}
columns.note = {to = "note", mask = "null"}
columns.created = {to = "created", as = "timestamp"}
columns.seen = {to = "updated", as = "timestamp", from = ["seen", "created"]}
[tables.logins]
target = "L"
key = ["id"]
columns.id = {to = "id", as = "integer"}
columns.who = {to = "who", mask = "email"}
"""


def test_the_same_person_is_the_same_other_person_everywhere(tmp_path: Path) -> None:
    out = migrated(tmp_path, PEOPLE, MASKED)
    people = out.rows("P")
    mails = [row["mail"] for row in people]
    assert all(mail.endswith("@example.invalid") for mail in mails[:2])
    assert mails[0] != mails[1] == out.rows("L")[0]["who"]
    assert mails[2] is None
    assert people[0]["name"] == people[1]["name"] != "Ann"
    assert people[0]["name"].startswith("Person ")
    assert (len(people[0]["phone"]), people[1]["phone"], people[2]["phone"]) == (24, "", None)
    assert [row["note"] for row in people] == [None, None, None]


def test_masked_cells_are_counted_and_their_columns_stay_in_the_lineage(tmp_path: Path) -> None:
    snapshot = legacy_file(tmp_path / "snapshot.db", PEOPLE)
    project = bind(snapshot, MASKED)
    with Workspace(snapshot, tmp_path / "x.db") as workspace:
        counted = {
            (table, column): cells
            for table, column, rule, cells in project.counted(workspace)
            if rule == "masked"
        }
    assert counted == {
        ("people", "mail"): 2, ("people", "name"): 2, ("people", "phone"): 2, ("people", "note"): 2,
        ("logins", "who"): 1,
    }  # fmt: skip
    assert project.lineage().went_to["people", "note"] == "P.note"


def test_the_first_column_that_holds_something_gives_the_value(tmp_path: Path) -> None:
    out = migrated(tmp_path, PEOPLE, MASKED)
    assert [str(row["updated"])[:10] for row in out.rows("P")] == ["2024-01-01", "2024-05-05", "2024-01-03"]
    went = bind(tmp_path / "snapshot.db", MASKED).lineage().went_to
    assert went["people", "created"] == "P.created, P.updated"


def test_a_constant_is_read_as_any_value(tmp_path: Path) -> None:
    source = "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);"
    kinds = {"text": '"it\'s"', "boolean": "true", "integer": "-3", "decimal": "1.50", "date": '"2024-01-02"'}
    lines = "".join(
        f'columns.{kind} = {{to = "{kind}", as = "{kind}", constant = {value}}}\n'
        for kind, value in kinds.items()
    )
    mapping = f'[tables.t]\ntarget = "T"\nkey = ["id"]\ncolumns.id = {{to = "id", as = "integer"}}\n{lines}'
    (row,) = migrated(tmp_path, source, mapping).rows("T")
    assert [str(row[kind]) for kind in kinds] == ["it's", "True", "-3", "1.5", "2024-01-02"]


HEAD = 'version = 1\n[tables.t]\ntarget = "T"\nkey = ["id"]\ncolumns.id = {to = "id"}\n'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('to = "x", divide = 100', '`divide` gives a number with a fraction: as = "decimal", or "real"'),
        ('to = "x", as = "decimal", divide = 1', "must be 2 or more"),
        ('to = "x", sql = "a", from = ["a"]', "give either `sql` or `from`"),
        ('to = "x", from = []', "name a column at least, or leave `from` out"),
        ('drop = ""', "must not be empty"),
        ('to = "x", constant = 1, from = ["a"]', "give either `constant` or `from`"),
        ('to = "x", values = { a = "b" }', "`values` are those of an enum or a boolean"),
        ('to = "x", items = "integer"', "`items` are the parts of a list"),
        ('drop = "no", from = ["a"]', "`from` gives a column its values; it needs `to`"),
        ('to = "x", format = "%d.%m.%Y"', "`format` is for text that is an instant"),
        ('to = "x", as = "date", format = "%d.%m"', "%d.%m does not describe a date"),
        ('to = "x", as = "boolean", values = { ja = "yes" }', "`values` of a boolean are true or false"),
        ('to = "x", as = "enum", values = { ja = true }', "`values` of an enum are its labels in quotes"),
        ('to = "x", mask = "emial"', "did you mean email?"),
        ('to = "x", as = "integer", mask = "hash"', "`mask` is for text that is migrated"),
        ('to = "x", as = "timestamp", unit = "m"', "did you mean ms?"),
    ],
)
def test_keys_that_do_not_go_together_are_named(line: str, said: str) -> None:
    with pytest.raises(MappingError) as caught:
        read_mapping(f"{HEAD}columns.a = {{{line}}}")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ('from = ["b", "a"]', Column("x", "text"), "tables.t.columns.x.from: there is no column"),
        ('as = "decimal", divide = 10', Column("x", "numeric"), "x.divide: there is no column"),
        ('sql = "a", mask = "null"', Column("x", "text", not_null=True), 'so `mask` cannot be "null"'),
        ('sql = "a", mask = "email"', Column("x", "varchar(20)", max_length=20), "does not fit"),
        ('sql = "a", mask = "email"', Column("x", "character varying(20)", max_length=20), "makes 37"),
        ('sql = "a", mask = "hash"', Column("x", "uuid"), "a masked text does not fit T.x, which is uuid"),
    ],
)  # fmt: skip
def test_what_does_not_fit_source_or_target_is_named(line: str, column: Column, said: str) -> None:
    mapping = read_mapping(f'{HEAD}columns.x = {{to = "x", {line}}}\ncolumns.a = {{drop = "no"}}')
    found = find_misfits(mapping, SourceTables({"t": ["id", "a"]}), {"T": [Column("id", "text"), column]})
    assert any(said in one for one in found), found


def test_a_key_is_never_masked() -> None:
    with pytest.raises(MappingError, match="id names rows, so it cannot be masked"):
        read_mapping(HEAD.replace('to = "id"', 'to = "id", mask = "hash"'))
