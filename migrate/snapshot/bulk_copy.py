"""Copies complete tables from a private copy of the source, inside SQLite, instead of page by page.

Paging rows through Python took 23 s for a file of 330 MB; this takes one. If a table has the same shape in
source and copy, SQLite moves its rows as they are stored, without decoding them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from migrate.source import collations
from migrate.source.model import Column, Table
from migrate.source.sql import quote

_NAME: Final = "whole_source"
#: instructions of SQLite between two checks whether to stop: some milliseconds
_STEPS: Final = 100_000


def attach(connection: sqlite3.Connection, path: Path) -> bool:
    """Attach the source's copy. Returns False if SQLite refuses, for example for a file in UTF-16."""
    try:
        # Added pages need no journal: each is written once, not twice as with a WAL.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"ATTACH DATABASE ? AS {_NAME}", (str(path),))
        collations.stand_in(connection, _NAME)
    except sqlite3.DatabaseError:
        detach(connection)
        return False
    return True


def detach(connection: sqlite3.Connection) -> None:
    """Detach the source's copy, if it is attached."""
    with suppress(sqlite3.DatabaseError):
        connection.execute(f"DETACH DATABASE {_NAME}")


def altered_columns(connection: sqlite3.Connection, table: Table) -> list[str]:
    """Return the columns of a table of the attached copy that hold values which their type would change.

    libSQL's ALTER COLUMN leaves them as they were; SQLite changes what is inserted (section 3 of its
    "Datatypes In SQLite").
    """
    terms = {column.name: _changed(column) for column in table.stored}
    asked = {name: term for name, term in terms.items() if term}
    if not asked:
        return []
    sums = ", ".join(f"max({term})" for term in asked.values())
    found = connection.execute(f"SELECT {sums} FROM {_NAME}.{quote(table.name)}").fetchone()  # noqa: S608
    return [name for name, changed in zip(asked, found, strict=True) if changed]


def _changed(column: Column) -> str:
    """Return the SQL that is true for a value that a column's affinity changes, '' if it changes none."""
    name, declared = quote(column.name), column.declared.upper()
    numeric = f"typeof({name}) = 'text' AND CAST({name} AS NUMERIC) = +{name}"
    whole = f"typeof({name}) = 'real' AND abs({name}) < 9e18 AND CAST({name} AS INTEGER) = {name}"
    if "INT" in declared:
        return f"({numeric}) OR ({whole})"
    if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
        return f"typeof({name}) IN ('integer', 'real')"
    if not declared or "BLOB" in declared:
        return ""
    if any(word in declared for word in ("REAL", "FLOA", "DOUB")):
        return numeric
    return f"({numeric}) OR ({whole})"


def copy_rows(connection: sqlite3.Connection, table: Table, should_stop: Callable[[], bool]) -> int:
    """Fill the empty table from the table of the same name in the attached copy and return the number of
    rows.

    Raises sqlite3.OperationalError, code SQLITE_INTERRUPT, soon after `should_stop` returns true.
    """
    names = [column.name for column in table.stored]
    columns = ""
    if table.bare_rowid:
        # The rowid is named, otherwise the rows would get new numbers.
        columns = ", ".join(map(quote, [table.key[0], *names]))
    elif len(names) < len(table.columns):
        columns = ", ".join(map(quote, names))
    here, there = quote(table.name), f"{_NAME}.{quote(table.name)}"
    into = f"{here} ({columns})" if columns else here
    connection.set_progress_handler(lambda: int(should_stop()), _STEPS)
    try:
        return connection.execute(f"INSERT INTO {into} SELECT {columns or '*'} FROM {there}").rowcount  # noqa: S608
    finally:
        connection.set_progress_handler(None, 0)
