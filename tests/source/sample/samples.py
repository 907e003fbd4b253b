"""Samples to look at, and what is in them."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path


def tables(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1"
    return [name for (name,) in connection.execute(query)]


def digest(path: Path) -> dict[str, str]:
    """Return a digest of every table's rows: values, storage classes and order.

    Not of `iterdump`, which ends a text at its first NUL.
    """
    found = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for table in tables(connection):
            sha = hashlib.sha256()
            for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid'):
                sha.update(repr(row).encode())
            found[table] = sha.hexdigest()
    return found
