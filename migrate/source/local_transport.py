"""A private SQLite copy of a database, with the same interface as a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from sys import getsizeof

from migrate.runtime.errors import SourceError
from migrate.source.model import RawText, Row, Value
from migrate.source.transport import Kind, QueryResult

_CHUNK_ROWS = 500


def tolerant_text(raw: bytes) -> str | RawText:
    """Return text as `str`, or as `RawText` if it is not UTF-8: a text factory for sqlite3."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return RawText(raw)


class LocalTransport:
    """An SQLite database of our own.

    `copy` is its file, if the file holds only the source's content; `give_back` is called when it is no
    longer read.
    """

    exact = True
    text_as_blobs = False
    bills = False
    most_bytes = 64 * 1024 * 1024

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        label: str,
        mark: str,
        page_bytes: int,
        copy: Path | None = None,
        give_back: Callable[[], None] = lambda: None,
    ) -> None:
        self.label = label
        self.identity = label
        self.copy = copy
        self._connection = connection
        self._mark = mark
        self._page_bytes = page_bytes
        self._give_back = give_back

    def close(self) -> None:
        """Close the copy and give it back; a second call does nothing."""
        with suppress(sqlite3.Error):
            self._connection.close()
        self._give_back()
        self._give_back = lambda: None

    def run(self, sql: str, args: Sequence[Value] = (), kinds: Sequence[Kind] = ()) -> QueryResult:  # noqa: ARG002
        """Run one SELECT or PRAGMA and return its rows; fewer than asked for if they grow large."""
        try:
            return self._read(sql, args)
        except sqlite3.OperationalError as error:
            if "decode to UTF-8" not in str(error):
                raise self._mapped(error) from error
        except sqlite3.Error as error:
            raise self._mapped(error) from error
        self._connection.text_factory = tolerant_text
        try:
            return self._read(sql, args)
        except sqlite3.Error as error:
            raise self._mapped(error) from error

    def _mapped(self, error: sqlite3.Error) -> SourceError:
        return SourceError(
            f"{self.label} cannot be read: {error}",
            hint="check it with `sqlite3 FILE 'PRAGMA integrity_check'`",
        )

    def _read(self, sql: str, args: Sequence[Value]) -> QueryResult:
        cursor = self._connection.execute(sql, args)
        rows: list[Row] = []
        size, cut = 0, False
        while chunk := cursor.fetchmany(_CHUNK_ROWS):
            rows += chunk
            size += sum(sum(map(getsizeof, column)) for column in zip(*chunk, strict=True))
            if size > self._page_bytes:
                cut = True
                break
        cursor.close()
        return QueryResult(rows, size, mark=self._mark, cut=cut, raw=self._raw(rows))

    def _raw(self, rows: Sequence[Row]) -> frozenset[int]:
        if self._connection.text_factory is not tolerant_text:
            return frozenset()
        columns = zip(*rows, strict=True)
        return frozenset(at for at, column in enumerate(columns) if RawText in set(map(type, column)))
