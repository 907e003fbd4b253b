"""Pages packed as JSON: one row with a JSON array for each column.

A libSQL server writes class and value of every cell. If a table holds only integers, text and nulls, the
server's SQLite writes them as JSON instead. That takes the server half the time and us a third, and Python
touches no single cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import orjson

from migrate.runtime.errors import SourceError, SourceUnavailable
from migrate.source import sql
from migrate.source.model import Row, Table, TableStats, Value
from migrate.source.transport import InvalidText, QueryResult, WrongAnswer

#: The expected result of `sql.packing_proof`.
PROOF: Final[list[Value]] = [
    2**63 - 1,
    1 - 2**63,
    2**53 + 1,
    None,
    "",
    "12",
    "null",
    "[1]",
    "a\0b",
    '"\\/\b\t\n\f\r\x1f\x7f',
    "\xe9\u2028\ufeff\ufffd\U0001f600",
]


#: What a packed cell may be in JSON.
_TYPES: Final = {int, str, type(None)}


class Unpackable(Exception):
    """The arrays are not JSON of one length, or hold other types: the rows must be read cell by cell."""


def may_pack(table: Table, stats: TableStats | None, longest: int) -> bool:
    """Return whether every value of a table is exact in JSON, and no cell is longer than `longest` bytes."""
    if stats is None or not table.order:
        return False
    return all(
        not found.reals and not found.blobs and found.longest <= longest for found in stats.columns.values()
    )


def is_exact(run: Callable[[str], QueryResult], *, blobs: bool) -> bool:
    """Ask the server for difficult values as JSON and return whether the result is exact."""
    try:
        rows = unpack(run(sql.packing_proof(blobs=blobs)).rows)
    except SourceUnavailable:
        raise
    except (SourceError, InvalidText, WrongAnswer, Unpackable):
        return False
    return [(type(value), value) for (value,) in rows] == [(type(value), value) for value in PROOF]


def unpack(answer: Sequence[Row]) -> list[Row]:
    """Return the rows of a packed page. Raises Unpackable if it is not one."""
    try:
        (arrays,) = answer
        columns = [orjson.loads(array) for array in arrays]  # type: ignore[arg-type]
        if all(type(column) is list and set(map(type, column)) <= _TYPES for column in columns):
            return list(zip(*columns, strict=True))
    except (ValueError, TypeError) as error:
        raise Unpackable from error
    raise Unpackable
