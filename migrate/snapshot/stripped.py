"""Whether a partial snapshot lacks nothing but its name."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from migrate.snapshot.partial import META, TABLES
from migrate.source.sql import quote


def is_stripped(path: Path, rows: Mapping[str, int]) -> bool:
    """Return whether a partial snapshot is complete except for its name: `rows` of each table, no record."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if {META, TABLES} & {quote(name) for name in names}:
            return False
        return all(
            connection.execute(f"SELECT count(*) FROM {quote(name)}").fetchone() == (number,)  # noqa: S608
            for name, number in rows.items()
        )
    return False
