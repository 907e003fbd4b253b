"""All rows of a database, so that two of them can be compared."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from tests.e2e.systems.schema import quote


def contents(path: Path, tables: Iterable[str]) -> dict[str, Counter[tuple[object, ...]]]:
    """Return the rows of each table with storage classes and bytes, in no order; generated columns too."""
    with closing(sqlite3.connect(path)) as connection:
        return {table: _rows(connection, table) for table in tables}


def ordinary_tables(path: Path) -> set[str]:
    """Return the tables that are neither SQLite's own nor part of full text."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        return {name for (name,) in found}


def _rows(connection: sqlite3.Connection, table: str) -> Counter[tuple[object, ...]]:
    columns = [quote(row[1]) for row in connection.execute(f"PRAGMA table_xinfo({quote(table)})")]
    values = ", ".join(
        f"typeof({c}), CASE typeof({c}) WHEN 'real' THEN {c} ELSE CAST({c} AS BLOB) END" for c in columns
    )
    return Counter(connection.execute(f"SELECT {values} FROM {quote(table)}"))
