"""Small databases made in a test, inspected through the same door as any other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from migrate.introspect.profile import Inspection, inspect_source
from migrate.introspect.profile.inspection import ColumnReport
from migrate.runtime.settings.source import SourceSettings
from migrate.source.open import open_source


def inspect_script(folder: Path, script: str, *fills: tuple[str, Iterable[Sequence[object]]]) -> Inspection:
    """Return the inspection of a database made by a script and by statements with many rows."""
    path = folder / "legacy.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(script)
        for statement, rows in fills:
            connection.executemany(statement, rows)
    with closing(open_source(str(path))) as source:
        return inspect_source(source, folder / "work", SourceSettings())


def inspect_values(
    folder: Path, values: Sequence[object], name: str = "v", declared: str = ""
) -> ColumnReport:
    """Return what is found of one column with these values."""
    script = f'CREATE TABLE t (n INTEGER PRIMARY KEY, "{name}" {declared})'
    rows = [(value,) for value in values]
    found = inspect_script(folder, script, (f'INSERT INTO t ("{name}") VALUES (?)', rows))
    return found.table("t").column(name)
