"""Sums over every cell of a table's rows, the same for a mapper's frame and for the rows on the server.

A cell becomes a number: text by its CRC-32C (before PostgreSQL 18, which has no such function, by the first
32 bits of its MD5), a number, a boolean and a timestamp by its value. A row's number adds up those of its
cells, each with a weight of its own, and is squared: a value that moves to another column or row changes the
sum, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString, NamedTuple

import polars as pl
import polars_hash  # noqa: F401  registers the expression namespace `nchash`
import psycopg
from psycopg import sql

from verification.canonical import ARRAYS
from verification.context import Column

#: a cell is reduced modulo this prime, or is 32 bits of a hash; NULL is a number that no cell has
_PRIME: Final = 2**31 - 1
_NULL: Final = 2**32
#: the lower bits of a row's number: the square of it fits 64 bits
_LOW: Final = 2**31 - 1
_HALF: Final = 2**32
#: the first version with crc32c()
_HAS_CRC: Final = 180_000
_TEXTS: Final = ("text", "character varying")
_INTEGERS: Final = ("smallint", "integer", "bigint")


class CellSum(NamedTuple):
    """The number of rows, and the sum of their numbers."""

    rows: int
    total: int

    def plus(self, other: CellSum) -> CellSum:
        """Return the sum over the rows of both."""
        return CellSum(self.rows + other.rows, self.total + other.total)


NOTHING: Final = CellSum(0, 0)


def hash_of(connection: psycopg.Connection[Any]) -> str:
    """Return the name of the hash that this server computes fast."""
    return "crc32c" if connection.info.server_version >= _HAS_CRC else "md5"


def summable(column: Column, given: pl.DataType) -> bool:
    """Return whether a cell of this type is one number on both sides.

    Documents, arrays of fractions, decimals, floats and dates are not: PostgreSQL may print them in another
    form than they were given.
    """
    if column.generated or (column.type.endswith("[]") and column.type not in ARRAYS):
        return False
    if given == pl.String and column.type in ARRAYS:
        return True
    if given == pl.String:
        return column.type.startswith(_TEXTS) or column.enum is not None
    if given == pl.Boolean:
        return column.type == "boolean"
    if given.is_integer():
        return column.type in _INTEGERS
    if not isinstance(given, pl.Datetime) or not column.type.startswith("timestamp"):
        return False
    # PostgreSQL rounds to the precision of the column.
    return "(" not in column.type or ("(3)" in column.type and given.time_unit == "ms")


def sum_frame(frame: pl.DataFrame, columns: Sequence[Column], hash_: str) -> CellSum:
    """Return the sum over the rows of a frame; `columns` are summable ones of it."""
    if frame.is_empty():
        return NOTHING
    numbers = [
        _given(column, frame.schema[column.name], hash_).fill_null(_NULL) * _weight(place)
        for place, column in enumerate(columns)
    ]
    row = frame.select((pl.sum_horizontal(pl.lit(0, pl.Int64), *numbers) & _LOW).alias("row"))["row"]
    if len(row) < frame.height:  # no column at all
        return CellSum(frame.height, 0)
    square = row * row
    return CellSum(frame.height, int((square // _HALF).sum()) * _HALF + int((square % _HALF).sum()))


def _given(column: Column, given: pl.DataType, hash_: str) -> pl.Expr:
    """Return the number of a cell of a frame."""
    value = pl.col(column.name)
    if given == pl.String:
        hashed = value.nchash  # type: ignore[attr-defined]
        number = (
            hashed.crc32c() if hash_ == "crc32c" else hashed.md5().str.slice(0, 8).str.to_integer(base=16)
        )
        return number.cast(pl.Int64)  # type: ignore[no-any-return]
    if isinstance(given, pl.Datetime):
        value = value.dt.timestamp("ms" if _in_milliseconds(column) else "us")
    return value.cast(pl.Int64) % _PRIME


def sum_query(
    table: sql.Composable, columns: Sequence[Column], hash_: str, where: sql.Composable | None = None
) -> sql.Composed:
    """Return a query for the number of rows of a table, or of those that `where` selects, and their sum."""
    numbers = [
        sql.SQL("coalesce({}, {}) * {}").format(
            _held(column, hash_), sql.Literal(_NULL), sql.Literal(_weight(place))
        )
        for place, column in enumerate(columns)
    ]
    # OFFSET 0 keeps the planner from computing a row's number twice.
    return sql.SQL(
        "SELECT count(*), coalesce(sum(number * number), 0) FROM"
        " (SELECT ({}) & {} AS number FROM {} WHERE {} OFFSET 0) AS numbered"
    ).format(
        sql.SQL(" + ").join([sql.SQL("0::bigint"), *numbers]),
        sql.Literal(_LOW),
        table,
        where or sql.SQL("true"),
    )


def _held(column: Column, hash_: str) -> sql.Composed:
    """Return an expression for the number of a cell on the server; null if the cell is."""
    number = {
        "boolean": "{}::integer::bigint",
        "text": "crc32c(textsend({}::text))"
        if hash_ == "crc32c"
        else "('x' || left(md5(textsend({}::text)), 8))::bit(32)::bigint",
        "integer": _reduced("{0}::bigint"),
        # A double holds the milliseconds of any year that PostgreSQL has exactly, but not the microseconds.
        "ms": _reduced("(date_part('epoch', {0}) * 1000)::bigint"),
        "us": _reduced("(extract(epoch from {0}) * 1000000)::bigint"),
    }[_kind(column)]
    return sql.SQL(number).format(sql.Identifier(column.name))


def _reduced(number: LiteralString) -> LiteralString:
    return "((" + number + " % 2147483647 + 2147483647) % 2147483647)"


def _kind(column: Column) -> str:
    if column.type == "boolean":
        return "boolean"
    if column.type in _INTEGERS:
        return "integer"
    if column.type.startswith("timestamp"):
        return "ms" if _in_milliseconds(column) else "us"
    return "text"


def _in_milliseconds(column: Column) -> bool:
    return "(3)" in column.type


def _weight(place: int) -> int:
    return 2 * place + 1
