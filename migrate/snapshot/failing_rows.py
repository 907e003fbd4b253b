"""Finds the rows on which SQLite stops with an error when it computes an expression."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

#: Rows that are computed together; one by one only if one of them fails.
_TOGETHER: Final = 500
#: What a function answers to an argument that it cannot take: an error of its own, or a value too large.
_OF_A_VALUE: Final = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG)


def failing_rows(connection: sqlite3.Connection, value: str, number: str, rows: str) -> Iterator[int]:
    """Yield the `number` of each of the `rows` on which `value` fails, ascending.

    All three are SQL; a table on which nothing fails is read once. Raises sqlite3.Error for any other fault.
    """
    computed = f"SELECT count(typeof({value})) FROM {rows}"  # noqa: S608  SQL of ours
    if _succeeds(connection, computed):
        return
    few = f"SELECT {number} FROM {rows} WHERE {number} > ? ORDER BY {number} LIMIT {_TOGETHER}"  # noqa: S608
    last = float("-inf")
    while found := [row for (row,) in connection.execute(few, (last,)).fetchall()]:
        last = found[-1]
        if not _succeeds(connection, f"{computed} WHERE {number} BETWEEN ? AND ?", found[0], last):
            one = f"{computed} WHERE {number} = ?"
            yield from (row for row in found if not _succeeds(connection, one, row))


def _succeeds(connection: sqlite3.Connection, query: str, *parameters: float) -> bool:
    try:
        connection.execute(query, parameters).fetchone()
    except (sqlite3.OperationalError, sqlite3.DataError) as error:
        if error.sqlite_errorcode not in _OF_A_VALUE:
            raise
        return False
    return True
