"""The cells of named source rows, read from the snapshot if an operator asks for samples."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path
from typing import Any, Final

from migrate.report.tables import ReadRow
from migrate.snapshot.manifest import SNAPSHOT_NAME
from migrate.snapshot.workspace import database_uri
from migrate.source.sql import quote

#: Characters of a cell that are shown.
LONGEST: Final = 160
#: Columns that no report shows, whatever its options.
_SECRET: Final = re.compile(
    r"pass(word|wd|phrase|code)|token|secret|hash|salt|session|otp|api_?key|reminder|remember", re.IGNORECASE
)
#: No key of a table of keys and values is longer.
_KEY_LENGTH: Final = 64
_NOT_SHOWN: Final = "(not shown)"


def reader(folder: Path, snapshot: dict[str, Any]) -> ReadRow | None:
    """Return a function that gives a row's cells by table and id; None if there is no snapshot.

    An id is the key that the snapshot pages the table by, several parts joined with `:`; a row that is not
    found by it has no cells. Passwords, tokens and similar columns are never read.
    """
    path = folder / SNAPSHOT_NAME
    if not path.is_file() or not snapshot:
        return None
    keys = {table["name"]: table["key"] for table in snapshot["tables"]}

    def read_row(table: str, source_id: str) -> tuple[tuple[str, str], ...]:
        key = keys.get(table, ())
        parts = [source_id] if len(key) == 1 else source_id.split(":")
        if not key or len(parts) != len(key):
            return ()
        with contextlib.closing(sqlite3.connect(database_uri(path, "mode=ro"), uri=True)) as connection:
            connection.text_factory = lambda raw: raw.decode(errors="replace")
            return _cells(connection, table, key, parts)

    return read_row


def _cells(
    connection: sqlite3.Connection, table: str, key: list[str], parts: list[str]
) -> tuple[tuple[str, str], ...]:
    where = " AND ".join(f"{quote(column)} = ?" for column in key)
    # Names come from the snapshot's own catalog and are quoted; values are bound.
    with contextlib.closing(
        connection.execute(f"SELECT * FROM {quote(table)} WHERE {where} LIMIT 1", parts)  # noqa: S608
    ) as cursor:
        row = cursor.fetchone()
        names = [item[0] for item in cursor.description]
    if row is None:
        return ()
    # In a table of keys and values, one cell says what the next cell holds.
    spoken_of = any(
        isinstance(value, str) and len(value) <= _KEY_LENGTH and _SECRET.search(value) for value in row
    )
    return tuple(
        (name, _text(value) if _shown(name, value, spoken_of=spoken_of) else _NOT_SHOWN)
        for name, value in zip(names, row, strict=True)
        if value is not None and value != ""
    )


def _shown(column: str, value: object, *, spoken_of: bool) -> bool:
    return not _SECRET.search(column) and not (spoken_of and isinstance(value, str | bytes))


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"(blob, {len(value):,} bytes)"
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
