"""The snapshot of a published run, kept while its rows are refreshed: it says which tables are the same."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from migrate.runtime import files
from migrate.snapshot.manifest import SNAPSHOT_NAME, read_facts
from migrate.snapshot.workspace import database_uri
from migrate.source.catalog import ROWID_NAMES
from migrate.source.sql import quote

PREVIOUS_NAME: Final = "previous-snapshot.db"
_FACTS_NAME: Final = "previous-snapshot.json"
#: SQLite's parser accepts an expression of so many levels; a table may have more columns.
_SIDE_BY_SIDE: Final = 100


def keep_snapshot(folder: Path, run_id: str) -> None:
    """Move the snapshot of the run `run_id` out of the way of the next one, which refreshes its rows."""
    facts = read_facts(folder) if (folder / SNAPSHOT_NAME).exists() else None
    if facts is None:
        return
    with files.write_atomically(folder / _FACTS_NAME) as file:
        file.write(json.dumps({"run_id": run_id, "sha256": facts.sha256}).encode() + b"\n")
    (folder / SNAPSHOT_NAME).replace(folder / PREVIOUS_NAME)


def find_previous(folder: Path, run_id: str) -> Path | None:
    """Return the kept snapshot of the run `run_id`, None if there is none that is as it was."""
    path, facts = folder / PREVIOUS_NAME, folder / _FACTS_NAME
    if not path.exists() or not facts.exists():
        return None
    body = json.loads(facts.read_bytes())
    same = body.get("run_id") == run_id and files.digest_file(path) == body.get("sha256")
    return path if same else None


def remove_previous(folder: Path) -> None:
    """Remove what `keep_snapshot` kept."""
    for name in (PREVIOUS_NAME, _FACTS_NAME):
        (folder / name).unlink(missing_ok=True)


def same_tables(now: Path, then: Path) -> frozenset[str]:
    """Return the tables of the snapshot `now` that are in `then` with the same columns and the same rows.

    Rows are compared by their key or rowid, each cell with its storage class; a table whose rows got other
    rowids counts as changed.
    """
    with closing(sqlite3.connect(database_uri(now, "mode=ro"), uri=True)) as connection:
        connection.execute("ATTACH DATABASE ? AS past", (database_uri(then, "mode=ro"),))
        tables = connection.execute(
            "SELECT a.name, t.wr FROM main.sqlite_schema a JOIN past.sqlite_schema b USING (type, name)"
            " JOIN pragma_table_list t ON t.schema = 'main' AND t.name = a.name"
            " WHERE a.type = 'table' AND a.sql = b.sql"
        ).fetchall()
        return frozenset(name for name, bare in tables if _has_same_rows(connection, name, bare=bare))


def _has_same_rows(connection: sqlite3.Connection, table: str, *, bare: bool) -> bool:
    name = quote(table)
    count = "SELECT (SELECT count(*) FROM main.{0}), (SELECT count(*) FROM past.{0})"
    now, then = connection.execute(count.format(name)).fetchone()
    columns = connection.execute(
        "SELECT name, pk FROM pragma_table_xinfo(?, 'main') WHERE hidden = 0", (table,)
    ).fetchall()
    key = _key(columns, bare=bare)
    if now != then or not key:
        return False
    same = " AND ".join(f"a.{one} IS b.{one}" for one in key)
    cells = [_equal(quote(column)) for column, _ in columns]
    parts = [" AND ".join(cells[at : at + _SIDE_BY_SIDE]) for at in range(0, len(cells), _SIDE_BY_SIDE)]
    equal = " AND ".join(f"({part})" for part in parts) or "1"
    query = f"SELECT count(*) FROM main.{name} a JOIN past.{name} b ON {same} WHERE {equal}"  # noqa: S608  quoted
    return bool(connection.execute(query).fetchone()[0] == now)


def _key(columns: list[tuple[str, int]], *, bare: bool) -> list[str]:
    """Return what identifies a row in both files: the rowid, or the primary key of a table that has none.

    It is empty if all names of the rowid are those of columns.
    """
    if bare:
        return [quote(name) for name, pk in columns if pk]
    taken = {name.lower() for name, _ in columns}
    return [name for name in ROWID_NAMES if name not in taken][:1]


def _equal(column: str) -> str:
    """Return SQL for cells that are the same in value and storage class, byte for byte."""
    return f"a.{column} COLLATE BINARY IS b.{column} AND typeof(a.{column}) = typeof(b.{column})"
