"""What becomes of cells that do not fit, are missing, or stand for something else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from mappers.declarative.mapping import describe_mapping
from migrate.postgres.catalog import Column
from migrate.snapshot.workspace import Workspace
from tests.mappers.declarative.map_rows import bind, migrated
from tests.mappers.studio.runner import Outcome, legacy_file


def one_column(folder: Path, values: str, line: str, to: Column | None = None) -> Outcome:
    """Map a table t with a column v, whose values `values` lists in SQL."""
    rows = "".join(f"INSERT INTO t (v) VALUES ({value});" for value in values.split("|"))
    mapping = f"""
    [tables.t]
    target = "T"
    key = ["id"]
    columns.id = {{to = "id", as = "integer"}}
    columns.v = {{to = "v", {line}}}
    """
    target = {"T": [Column("id", "integer"), to]} if to else None
    return migrated(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, v);" + rows, mapping, target)


def values(out: Outcome) -> list[object]:
    return [row["v"] for row in out.rows("T")]


def rules(out: Outcome) -> list[tuple[str, str]]:
    return [(key, rule) for _, key, _, rule in out.warnings.sort("source_id", "rule").rows()]


def test_a_row_is_rejected_with_the_column_that_does_not_fit(tmp_path: Path) -> None:
    out = one_column(tmp_path, "1|'x'|NULL", 'as = "integer"')
    assert values(out) == [1, None]
    assert out.fates.rows() == [("t", "2", "rejected", "invalid_integer", "v")]


def test_a_default_stands_for_null_and_for_what_does_not_fit(tmp_path: Path) -> None:
    out = one_column(tmp_path, "1|'x'|NULL", 'as = "integer", otherwise = "default", default = 7')
    assert values(out) == [1, 7, 7]
    assert rules(out) == [("2", "invalid_integer_replaced"), ("3", "null_replaced")]


def test_null_in_a_required_column_costs_the_row_its_place(tmp_path: Path) -> None:
    required = Column("v", "integer", not_null=True)
    out = one_column(tmp_path, "1|'x'|NULL", 'as = "integer", otherwise = "null"', required)
    assert values(out) == [1]
    assert {fate[1:] for fate in out.fates.rows()} == {
        ("2", "rejected", "required", "v"),
        ("3", "rejected", "required", "v"),
    }


def test_blank_text_may_be_null(tmp_path: Path) -> None:
    out = one_column(tmp_path, "''|' '|'a'", 'empty = "null"')
    assert values(out) == [None, " ", "a"]
    assert rules(out) == [("1", "empty_as_null")]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("reject", ["abc"]), ("null", ["abc", None]), ("default", ["abc", "-"])],
)
def test_no_text_is_cut_to_the_length_of_its_column(
    tmp_path: Path, policy: str, expected: list[str | None]
) -> None:
    short = Column("v", "character varying(3)", max_length=3)
    default = ', default = "-"' if policy == "default" else ""
    out = one_column(tmp_path, "'abc'|'äöüß'", f'otherwise = "{policy}"{default}', short)
    assert values(out) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("reject", [dt.datetime(2024, 1, 1)]),  # noqa: DTZ001
        ("null", [dt.datetime(2024, 1, 1), None]),  # noqa: DTZ001
        ('default", default = "2000-01-01', [dt.datetime(2024, 1, 1), dt.datetime(2000, 1, 1)]),  # noqa: DTZ001
    ],
)
def test_the_words_for_now_have_a_policy_of_their_own(
    tmp_path: Path, policy: str, expected: list[object]
) -> None:
    line = f'as = "timestamp", otherwise = "null", now = "{policy}"'
    out = one_column(tmp_path, "'2024-01-01'|'CURRENT_TIMESTAMP'", line)
    assert values(out) == expected


@pytest.mark.parametrize("batch_keys", [1, 1000])
def test_parts_of_a_millisecond_are_rounded_and_counted(tmp_path: Path, batch_keys: int) -> None:
    written = (
        "'2024-01-01 00:00:00.1235'|'2024-01-01 00:00:00.123000'|' 2024-01-01T00:00:00,1230001Z'"
        "|1704067200.0005|'2024-13-01 00:00:00.1235'|'2024-01-01 00:00:00.123+03:00'|NULL"
    )
    line = 'as = "timestamp", otherwise = "null"'
    out = one_column(tmp_path, written, line)
    parts = [None if value is None else value.microsecond for value in values(out)]
    assert parts == [124_000, 123_000, 123_000, 1_000, None, 123_000, None]
    assert rules(out) == [("5", "invalid_timestamp_left_out")]
    table = '[tables.t]\ntarget = "T"\nkey = ["id"]\ncolumns.id = { drop = "-" }\n'
    mapping = f'{table}columns.v = {{to = "v", {line}}}'
    snapshot = tmp_path / "snapshot.db"
    with Workspace(snapshot, tmp_path / "counting.db", batch_keys=batch_keys) as workspace:
        counted = bind(snapshot, mapping).counted(workspace)
    assert counted == [("t", "v", "rounded_to_milliseconds", 3)]


def test_a_day_is_no_moment_within_it(tmp_path: Path) -> None:
    out = one_column(tmp_path, "'2024-01-01'|'2024-01-01T00:00:00Z'|'2024-01-01 00:00:01'", 'as = "date"')
    assert values(out) == [dt.date(2024, 1, 1)] * 2
    assert out.fates.rows() == [("t", "3", "rejected", "invalid_date", "v")]


def test_a_closed_set_goes_by_its_values(tmp_path: Path) -> None:
    role = Column("v", '"Role"', enum=("ADMIN", "USER"))
    line = 'as = "enum", values = {admin = "ADMIN", "1" = "USER"}, otherwise = "null"'
    out = one_column(tmp_path, "'admin'|1|'ADMIN'|'other'|NULL", line, role)
    assert values(out) == ["ADMIN", "USER", None, None, None]
    assert rules(out) == [("3", "invalid_enum_left_out"), ("4", "invalid_enum_left_out")]


def test_without_values_the_labels_of_the_target_stay(tmp_path: Path) -> None:
    role = Column("v", '"Role"', enum=("ADMIN", "USER"))
    out = one_column(tmp_path, "'ADMIN'|'admin'", 'as = "enum"', role)
    assert values(out) == ["ADMIN"]


@pytest.mark.parametrize(
    ("invalid", "expected"),
    [
        ("wrap", ['{"a":1,"a":2}', '"plain \\"x\\"\\n"', '"{\\"a\\":\\"\\\\u0000\\"}"']),
        ("null", ['{"a":1,"a":2}', None, None]),
        ("reject", ['{"a":1,"a":2}']),
    ],
)
def test_what_jsonb_refuses_is_wrapped_left_out_or_rejected(
    tmp_path: Path, invalid: str, expected: list[str | None]
) -> None:
    cells = '\'{"a":1,"a":2}\'|\'plain "x"\n\'|\'{"a":"\\u0000"}\''
    out = one_column(tmp_path, cells, f'as = "json", invalid = "{invalid}"')
    assert values(out) == expected
    assert ("1", "name_twice_last_kept") in rules(out)


@pytest.mark.parametrize(
    ("document", "twice"),
    [
        ('{"a":{"a":1}}', False),
        ('[{"a":1},{"a":2}]', False),
        ('{"a":[{"b":1,"c":{"b":1}},{"b":1}],"b":2}', False),
        ('{"x":{"b":1,"c":"{\\"b\\":1}","b":2}}', True),
        ('{"k":"}{","l":{"k":1},"k":2}', True),
        ('{"k" : ": ","l":"k","k":1}', True),
        ('{"k":"\\"k\\":"}', False),
    ],
)
def test_a_name_that_an_object_has_twice_is_seen_at_any_depth(
    tmp_path: Path, document: str, twice: bool
) -> None:
    out = one_column(tmp_path, f"'{document}'", 'as = "json"')
    assert [rule for _, rule in rules(out)] == ["name_twice_last_kept"] * twice


def test_constants_fill_what_no_column_does(tmp_path: Path) -> None:
    mapping = """
    [tables.t]
    target = "T"
    columns.a = {to = "a"}
    constants = {n = 5, at = "2024-01-01", yes = true}
    """
    target = {
        "T": [
            Column("a", "text"),
            Column("n", "integer"),
            Column("at", "timestamp(3) without time zone"),
            Column("yes", "boolean"),
        ]
    }
    out = migrated(tmp_path, "CREATE TABLE t (a); INSERT INTO t VALUES ('x');", mapping, target)
    assert out.rows("T") == [{"a": "x", "n": 5, "at": dt.datetime(2024, 1, 1), "yes": True}]  # noqa: DTZ001


def test_stages_follow_the_references_and_avoid_the_names_of_others(tmp_path: Path) -> None:
    source = "CREATE TABLE a (id INTEGER PRIMARY KEY, b); CREATE TABLE b (id INTEGER PRIMARY KEY, a);"
    source += "CREATE TABLE c (id INTEGER PRIMARY KEY, b);"
    legacy_file(tmp_path / "snapshot.db", source)
    one = '[tables.{0}]\ntarget = "{1}"\nkey = ["id"]\ncolumns.id = {{to = "id"}}\n'
    other = 'columns.{0} = {{to = "{0}", as = "reference", of = "{0}"}}\n'
    mapping = one.format("c", "verify") + other.format("b") + one.format("a", "A") + other.format("b")
    made = bind(tmp_path / "snapshot.db", mapping + one.format("b", "B") + other.format("a"))
    assert [stage.name for stage in made.stages] == ["A", "B", "table verify"]
    assert describe_mapping(made.mapping).tables_filled == ("A", "B", "verify")
    assert made.unknown == ()
