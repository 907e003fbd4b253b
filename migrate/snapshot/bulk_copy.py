"""Tables taken whole from a private copy of the source, inside SQLite, instead of page by page.

Rows paged through Python took 23 s for a file of 330 MB; this takes one. Where source and copy
of a table have the same shape, SQLite moves its rows as they are stored, undecoded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from migrate.source.model import Table
from migrate.source.sql import quote

_NAME: Final = "whole_source"
#: instructions of SQLite between two questions whether to stop: some milliseconds
_STEPS: Final = 100_000


def attach(connection: sqlite3.Connection, path: Path) -> bool:
    """Attach the source's copy; False where SQLite will not, as for a file in UTF-16."""
    try:
        # Pages that are added need no journal: each is written once, not twice as with a WAL.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"ATTACH DATABASE ? AS {_NAME}", (str(path),))
        connection.execute(f"SELECT count(*) FROM {_NAME}.sqlite_schema").fetchone()  # noqa: S608
    except sqlite3.DatabaseError:
        detach(connection)
        return False
    return True


def detach(connection: sqlite3.Connection) -> None:
    """Let go of the source's copy, where it is attached."""
    with suppress(sqlite3.DatabaseError):
        connection.execute(f"DETACH DATABASE {_NAME}")


def copy_rows(connection: sqlite3.Connection, table: Table, should_stop: Callable[[], bool]) -> int:
    """Fill the empty table from its namesake in the attached copy and return the number of rows.

    Raises sqlite3.OperationalError, code SQLITE_INTERRUPT, soon after `should_stop` says so.
    """
    names = [column.name for column in table.stored]
    columns = ""
    if table.bare_rowid:
        # Named, or the rows would be numbered anew.
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
