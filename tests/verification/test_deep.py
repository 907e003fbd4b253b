"""The comparison of every cell with what the mappers give."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.postgres.catalog import Column
from tests.verification.mapped_rows import SHAPES, remap
from tests.verification.planted import MESSAGE
from tests.verification.world import ANA, BOSS, GUS, ROWS, World, new
from verification.canonical import cells_of, expected_row


@pytest.fixture
def mapped(world: World) -> World:
    world.changes["remap"] = remap
    return world


def test_rows_as_the_mappers_give_them_pass(mapped: World) -> None:
    result = mapped.check("deep")
    assert result.passed, result.findings
    assert result.looked_at == sum(len(ROWS[table]) for table in SHAPES)


@pytest.mark.parametrize(
    ("statement", "key", "columns"),
    [
        ("UPDATE staging.messages SET content = content || ' ' WHERE id = %s", MESSAGE, "content"),
        ("UPDATE staging.messages SET is_read = NULL WHERE id = %s", MESSAGE, "is_read"),
        (
            "UPDATE staging.messages SET created_at = created_at + interval '1 millisecond' WHERE id = %s",
            MESSAGE,
            "created_at",
        ),
        ("UPDATE staging.users SET points = 1.51, email = 'x' WHERE id = %s", BOSS, "email, points"),
        ("UPDATE staging.users SET nickname = NULL WHERE id = %s", GUS, "nickname"),
        ("UPDATE staging.users SET nickname = '' WHERE id = %s", ANA, "nickname"),
        ("UPDATE staging.users SET seen = NULL WHERE id = %s", BOSS, "seen"),
    ],
)
def test_a_changed_cell_is_named_by_table_key_and_column(
    mapped: World, statement: str, key: str, columns: str
) -> None:
    mapped.plant(statement, key)
    result = mapped.check("deep")
    (finding,) = result.findings
    assert finding.table == statement.split()[1].removeprefix("staging.")
    assert (finding.key, finding.column, result.total) == (key, columns, 1)


def test_a_lost_row_and_a_row_too_many_are_named(mapped: World) -> None:
    mapped.plant("DELETE FROM staging.messages WHERE id = %s", MESSAGE)
    mapped.plant("INSERT INTO staging.messages (id) VALUES ('more')")
    found = {(finding.key, finding.what.split(",")[0]) for finding in mapped.check("deep").findings}
    assert found == {(MESSAGE, "the mapper produces this row"), ("more", "the table has this row")}


def test_columns_that_no_mapper_gives_are_the_targets_own(mapped: World) -> None:
    mapped.changes["remap"] = lambda _: (
        (table, frame.drop("email", strict=False)) for table, frame in remap()
    )
    mapped.plant("UPDATE staging.users SET email = 'another' WHERE id = %s", BOSS)
    assert mapped.check("deep").passed


def test_rows_of_a_table_that_no_mapper_fills_are_counted(mapped: World) -> None:
    mapped.changes["remap"] = lambda _: (pair for pair in remap() if pair[0] != "studios")
    (finding,) = mapped.check("deep").findings
    assert (finding.table, finding.what) == ("studios", "no mapper produces these rows")


def test_a_mapped_table_that_is_not_filled_is_named(mapped: World) -> None:
    mapped.changes["tables"] = {name: shape for name, shape in SHAPES.items() if name != "studios"}
    assert {finding.table for finding in mapped.check("deep").findings} == {"studios"}


def test_many_changed_rows_are_named_up_to_the_limit_and_counted(mapped: World) -> None:
    rows = pl.DataFrame({"id": [new("many", n) for n in range(120)], "owner_id": "a", "rank": 1})
    mapped.changes["remap"] = lambda _: iter([("studios", rows)])
    mapped.changes["tables"] = {"studios": SHAPES["studios"]}
    mapped.target.execute("TRUNCATE staging.studios")
    with mapped.target.cursor() as cursor:
        cursor.executemany("INSERT INTO staging.studios VALUES (%s, 'b', 1)", rows.select("id").rows())
    result = mapped.check("deep")
    assert (len(result.findings), result.total) == (50, 120)
    assert {finding.column for finding in result.findings} == {"owner_id"}


TYPES = {
    "smallint": (pl.Series([1, -2, None], dtype=pl.Int16), "integer"),
    "numeric(11,8)": (pl.Series(["53.80075", "-0.10000000", None]), "numeric"),
    "numeric(10,2)": (pl.Series([Decimal("100.00"), Decimal("-0.50"), None]), "numeric"),
    "numeric(4,0)": (pl.Series(["100", "-20", None]), "numeric"),
    "boolean": (pl.Series([True, False, None]), "boolean"),
    "bytea": (pl.Series([b"\x00\xff", b"", None]), "bytea"),
    "date": (pl.Series([dt.date(2020, 2, 29), dt.date(1, 1, 1), None]), "date"),
    "double precision": (
        pl.Series([1.0, 0.1, 0.1 + 0.2, -0.0, 1e20, 1e-7, 5e-324, 1.7976931348623157e308, None]),
        "double precision",
    ),
    "jsonb": (
        pl.Series(
            ['{"b": 1.10, "a": [1,2], "b":2}', '"x"', "null", " { } ", "12345678901234567890.50", None]
        ),
        "jsonb",
    ),
    "json": (pl.Series(['{"b":1, "a":2}', None]), "json"),
    "uuid": (pl.Series(["6f1b1f6e-58a5-4a0e-9c3c-0d6c6c2f1a11", None]), "uuid"),
    "timestamp(3) without time zone": (
        pl.Series([1_577_836_800_500, 0, None]).cast(pl.Datetime("ms")),
        "timestamp",
    ),
    "timestamp(6) without time zone": (pl.Series(["2020-01-01 00:00:00.123456", None]), "timestamp"),
    "timestamp with time zone": (
        pl.Series([1_593_601_200_000_000, None]).cast(pl.Datetime("us", "Europe/London")),
        "timestamptz",
    ),
    "text": (pl.Series(["", "-", "3:abc", "a\n\r\t\"'\\,", "😀é", "\u0085 \x1f", None]), "text"),
}


@pytest.mark.parametrize("kind", TYPES)
def test_cells_of_each_type_have_one_form_on_both_sides(world: World, kind: str) -> None:
    values, plain = TYPES[kind]
    shape = SHAPES["studios"]
    column = Column("value", kind)
    table = type(shape)("cells", (Column("id", "text"), column), ("id",))
    rows = pl.DataFrame({"id": [str(n) for n in range(values.len())], "value": values})
    world.target.execute(f"CREATE TABLE staging.cells (id text, value {plain})")  # type: ignore[arg-type]
    with world.target.cursor() as cursor:
        cursor.executemany("INSERT INTO staging.cells VALUES (%s, %s)", rows.rows())
    world.changes |= {"tables": {"cells": table}, "remap": lambda _: iter([("cells", rows)])}
    assert world.check("deep").findings == ()
    world.plant("UPDATE staging.cells SET value = NULL WHERE id = '0'")
    assert [finding.column for finding in world.check("deep").findings] == ["value"]


def test_a_row_may_have_more_cells_than_a_function_takes_arguments(world: World) -> None:
    columns = (Column("id", "text"), *(Column(f"c{n}", "text") for n in range(120)))
    rows = pl.DataFrame({column.name: ["a", None] for column in columns}).with_columns(
        id=pl.Series(["1", "2"])
    )
    names = ", ".join(f"{column.name} text" for column in columns)
    world.target.execute(f"CREATE TABLE staging.wide ({names})")  # type: ignore[arg-type]
    with world.target.cursor() as cursor:
        cursor.executemany(f"INSERT INTO staging.wide VALUES ({', '.join(['%s'] * 121)})", rows.rows())  # type: ignore[arg-type]
    table = type(SHAPES["studios"])("wide", columns, ("id",))
    world.changes |= {"tables": {"wide": table}, "remap": lambda _: iter([("wide", rows)])}
    assert world.check("deep").passed
    world.plant("UPDATE staging.wide SET c119 = 'b' WHERE id = '1'")
    assert [finding.column for finding in world.check("deep").findings] == ["c119"]


@given(st.lists(st.one_of(st.none(), st.text()), min_size=1, max_size=6))
def test_the_text_of_a_row_gives_its_cells_back(cells: list[str | None]) -> None:
    columns = [Column(f"c{n}", "text") for n in range(len(cells))]
    frame = pl.DataFrame([cells], schema=dict.fromkeys((c.name for c in columns), pl.String), orient="row")
    text = frame.select(expected_row(frame, columns)).item()
    assert cells_of(text) == cells
