"""Pages that travel packed: one row, in it a JSON array for each column.

A libSQL server spells out class and value of every cell. Where a table holds only integers, text
and nulls, its own SQLite writes them as JSON instead: that takes the server half the time and us a
third, and no cell is looked at in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import orjson

from migrate.runtime.errors import SourceError, SourceUnavailable
from migrate.source import sql
from migrate.source.model import ColumnStats, Row, Table, Value
from migrate.source.transport import InvalidText, QueryResult

#: What `statements.packing_proof` asks for.
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


class Unpackable(Exception):
    """The arrays are not JSON of one length: the rows must be read cell by cell."""


def may_pack(table: Table, look: ColumnStats | None, longest: int) -> bool:
    """Tell whether all that a table holds is exact in JSON, and no cell longer than `longest` bytes."""
    if look is None or not table.order:
        return False
    return all(
        not found.reals and not found.blobs and found.longest <= longest for found in look.columns.values()
    )


def is_exact(run: Callable[[str], QueryResult], *, blobs: bool) -> bool:
    """Ask the server for JSON of hard values and tell whether it is what was asked for."""
    try:
        rows = unpack(run(sql.packing_proof(blobs=blobs)).rows)
    except SourceUnavailable:
        raise
    except (SourceError, InvalidText, Unpackable):
        return False
    return [(type(value), value) for (value,) in rows] == [(type(value), value) for value in PROOF]


def unpack(answer: Sequence[Row]) -> list[Row]:
    """Return the rows of a packed page; raise Unpackable where it is none."""
    try:
        (arrays,) = answer
        columns = [orjson.loads(array) for array in arrays]  # type: ignore[arg-type]
        return list(zip(*columns, strict=True))
    except (ValueError, TypeError) as error:
        raise Unpackable from error
