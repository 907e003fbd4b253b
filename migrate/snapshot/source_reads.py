"""Which columns of the snapshot the crosswalk is made from, as SQLite itself reports it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator


class SourceReads:
    """Notes the columns of the main schema that the statements of a connection read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.columns: set[tuple[str, str]] = set()
        self._paused = False
        connection.set_authorizer(self._note)

    def explain(self, query: str) -> None:
        """Note what a query reads that another connection runs; it takes two parameters."""
        self._connection.execute(f"EXPLAIN {query}", (0, 0)).close()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Note nothing inside the block: its statement only compares whole rows with each other."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def save(self) -> None:
        """Write the columns to the crosswalk's table `source_read`."""
        found = sorted(self.columns)
        self._connection.execute("CREATE TABLE x.source_read (source_table TEXT, source_column TEXT)")
        self._connection.executemany("INSERT INTO x.source_read VALUES (?, ?)", found)

    def _note(
        self, action: int, table: str | None, column: str | None, schema: str | None, _within: str | None
    ) -> int:
        if not self._paused and action == sqlite3.SQLITE_READ and schema == "main" and table and column:
            self.columns.add((table, column))
        return sqlite3.SQLITE_OK
