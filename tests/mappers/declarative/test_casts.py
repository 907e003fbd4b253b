"""Every cast against its row-by-row counterpart, over cells of every storage class."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from migrate.postgres.catalog import Column
from tests.mappers.declarative import python_casts
from tests.mappers.declarative.map_rows import migrated
from tests.mappers.declarative.python_casts import MISFIT

INT32 = (-(2**31), 2**31 - 1)
#: kind, its further settings, the type of its column, and the cast by row
CASTS: Mapping[str, tuple[str, Column, Callable[[Any], Any]]] = {
    "integer": ("", Column("v", "integer"), lambda v: python_casts.integer(v, *INT32)),
    "bigint": ("", Column("v", "bigint"), lambda v: python_casts.integer(v, -(2**63), 2**63 - 1)),
    "boolean": ("", Column("v", "boolean"), python_casts.boolean),
    "real": ("", Column("v", "double precision"), python_casts.real),
    "decimal": (
        ", scale = 2",
        Column("v", "numeric(65,2)", scale=2),
        lambda v: python_casts.decimal(v, 2),
    ),
    "timestamp": ("", Column("v", "timestamp(3) without time zone"), python_casts.moment),
    "json": (', invalid = "%s"', Column("v", "jsonb"), python_casts.document),
    "text": ("", Column("v", "text"), python_casts.text),
    "bytes": ("", Column("v", "bytea"), python_casts.raw),
}
KINDS = {"bigint": "integer"}

digits = st.text("0123456789", min_size=1, max_size=4)
numbers = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-", "+", " "]),
    digits,
    st.sampled_from(["", ".", ".5", ".10", ".125", ".000"]),
    st.sampled_from(["", "", "e3", "E-2", "e400", " "]),
)
moments = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(
        ["2024-02-29", "2023-02-29", "1969-12-31", "0000-01-01", "0001-01-01", "9999-12-31", "2024-1-1"]
    ),
    st.sampled_from(["", " 10:00", "T10:00:00", " 23:59:59", "T24:00:00", " 10:61", "  10:00"]),
    st.sampled_from(["", ".5", ".123456", ".9999", ".1235"]),
    st.sampled_from(["", "Z", "+05:30", "-0800", " Z"]),
)
documents = st.sampled_from(
    ["{}", "[1,2]", '{"a":1,"a":2}', '"x"', "null", " [1] ", "[1e400]", "{'a':1}", "[01]", "[1.]", "NaN",
     "[",
     r'"\u0000"', r'"\\u0000"', r'"\ud83d"', r'"\ud83d\ude00"', r'"\\ud83d"', '"\t"', '"\\/"',
     r'"\ude00\ud83d"',
     "1234567890123456789012345"]
)  # fmt: skip
words = st.sampled_from(
    ["true", "F", "Yes", "off", "maybe", "", " ", "CURRENT_TIMESTAMP", "\0a", "é", "x\u2028"]
)
texts = st.one_of(numbers, moments, documents, words, st.text(max_size=6).filter(lambda t: t.isprintable()))
cells = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, 2, 2**31, -(2**31), 2**53 + 1, 1709287200, 1709287200123]),
    st.floats(allow_nan=False),
    st.sampled_from(
        [1.0, -0.0, 0.1, 12.345, 0.1 + 0.2, 1e20, 1709287200.5, 2460370.9, 9.223372036854775807e18]
    ),
    texts,
    st.binary(max_size=4),
)


def source(folder: Path, values: list[Any], script: str) -> None:
    with closing(sqlite3.connect(folder / "snapshot.db", isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + script)
        for kind in CASTS:
            connection.executemany(f"INSERT INTO {kind} VALUES (?, ?)", list(enumerate(values)))


def section(kind: str, policy: str) -> str:
    more = CASTS[kind][0] % ("null" if policy == "null" else "reject") if kind == "json" else CASTS[kind][0]
    return f"""
    [tables.{kind}]
    target = "{kind}"
    key = ["id"]
    columns.id = {{to = "id", as = "integer"}}
    columns.v = {{to = "v", as = "{KINDS.get(kind, kind)}", otherwise = "{policy}", now = "{policy}"{more}}}
    """


def is_same(found: Any, expected: Any, value: Any) -> bool:
    """Return whether a cell is what it should be; beyond 15 digits a float has more than one print."""
    if isinstance(value, float) and isinstance(expected, str) and len(expected) > 16:
        return expected == found or float(found) == value
    return repr(found) == repr(expected)


TARGET = {kind: [Column("id", "integer"), cast[1]] for kind, cast in CASTS.items()}


@given(st.lists(cells, min_size=1, max_size=30))
@example([5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), "1e400", 9007199254740993])
@example([-(2**63), 2**63 - 1])
@example(["2024-01-01T10:00:00.9995Z", 99999999999, 100000000, 99999999, "9999-12-31 23:59:59.9999"])
@settings(max_examples=20, deadline=None)
def test_a_cell_becomes_what_its_kind_says_or_is_left_out_with_a_warning(values: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source(folder, values, "".join(f"CREATE TABLE {kind} (id INTEGER PRIMARY KEY, v);" for kind in CASTS))
        out = migrated(folder, "", "".join(section(kind, "null") for kind in CASTS), TARGET)
    left_out = {
        (table, int(key)) for table, key, _, rule in out.warnings.rows() if rule.endswith("_left_out")
    }
    for kind, (_, _, cast) in CASTS.items():
        found = {row["id"]: row["v"] for row in out.rows(kind)}
        for number, value in enumerate(values):
            expected = cast(value)
            if expected is MISFIT:
                assert found[number] is None, (kind, value)
                assert (kind, number) in left_out, (kind, value)
            else:
                assert is_same(found[number], expected, value), (kind, value)
                assert (kind, number) not in left_out, (kind, value)


@given(st.lists(cells, min_size=1, max_size=30))
@settings(max_examples=12, deadline=None)
def test_what_refers_to_a_row_that_does_not_fit_is_rejected_with_it(values: list[Any]) -> None:
    tables = "".join(
        f"CREATE TABLE {kind} (id INTEGER PRIMARY KEY, v); CREATE TABLE c_{kind} (id INTEGER PRIMARY KEY);"
        for kind in CASTS
    )
    children = "".join(
        f'tables.c_{kind} = {{target = "c_{kind}", columns.id = '
        f'{{to = "id", as = "reference", of = "{kind}"}}}}\n'
        for kind in CASTS
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source(folder, values, tables)
        with closing(sqlite3.connect(folder / "snapshot.db")) as connection, connection:
            for kind in CASTS:
                connection.execute(f"INSERT INTO c_{kind} SELECT id FROM {kind}")
        mapping = children + "".join(section(kind, "reject") for kind in CASTS)
        out = migrated(folder, "", mapping, TARGET, batch_keys=7)
    for kind, (_, _, cast) in CASTS.items():
        kept = {number for number, value in enumerate(values) if cast(value) is not MISFIT}
        assert {row["id"] for row in out.rows(kind)} == kept, kind
        assert {int(row["id"]) for row in out.rows(f"c_{kind}")} == kept, kind


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("s", 1709287200, "2024-03-01 10:00:00"),
        ("s", "1709287200.5", "2024-03-01 10:00:00.500000"),
        ("s", -1.5, "1969-12-31 23:59:58.500000"),
        ("s", 5, "1970-01-01 00:00:05"),
        ("ms", 1709287200123, "2024-03-01 10:00:00.123000"),
        ("ms", 5, "1970-01-01 00:00:00.005000"),
        ("s", 1709287200123, "None"),
        ("ms", "2024-03-01", "2024-03-01 00:00:00"),
    ],
)
def test_numbers_are_read_in_the_unit_that_the_file_names(
    tmp_path: Path, unit: str, value: Any, expected: str
) -> None:
    cell = repr(value)
    mapping = f"""
    [tables.t]
    target = "t"
    columns.at = {{to = "at", as = "timestamp", unit = "{unit}", otherwise = "null"}}
    """
    out = migrated(tmp_path, f"CREATE TABLE t (at); INSERT INTO t VALUES ({cell})", mapping)
    assert str(out.rows("t")[0]["at"]) == expected
