"""What is decided of the rows of one table alone: their numbers, their keys, where expressions fail."""

from __future__ import annotations

from typing import Final

from mappers.base import Workspace
from mappers.declarative.source_table import SourceTable, has_nul, key_text
from mappers.declarative.table_mapper import ROW
from mappers.reasons import CODES, Reason
from mappers.sqlite_sql import literal, quoted, sql

_NUMBERED: Final = """
INSERT INTO $numbering SELECT row_number() OVER (ORDER BY $keys), $keys FROM $table AS c"""
_TWINS: Final = """
INSERT OR IGNORE INTO x.settled SELECT $source, number,
  CASE WHEN alike = first THEN 'merged' ELSE 'rejected' END, $reason, $key
FROM (SELECT $number AS number, min($number) OVER (PARTITION BY $keys) AS first,
        min($number) OVER (PARTITION BY $columns) AS alike
      FROM $rows WHERE $present)
WHERE number <> first"""
_NUL_IN_KEY: Final = """
INSERT INTO x.settled SELECT $source, $number, 'rejected', $nul_in_key, $key FROM $rows WHERE $test"""


def number_rows(workspace: Workspace, table: SourceTable) -> None:
    """Number the rows of a table that has no rowid, in the order of its key."""
    places = ", ".join(f"k{n}" for n in range(len(table.key)))
    keys = ", ".join(f"{ROW}.{quoted(column)}" for column in table.key)
    workspace.execute(f"CREATE TABLE {table.numbering} (number INTEGER PRIMARY KEY, {places})")
    workspace.execute(sql(_NUMBERED, numbering=table.numbering, keys=keys, table=quoted(table.name)))
    name = table.numbering.removeprefix("x.")
    workspace.execute(f"CREATE UNIQUE INDEX x.{name}_key ON {name} ({places})")


def note_failures(workspace: Workspace, table: SourceTable) -> None:
    """Note the rows on which an expression fails, or that ask for the time of the run."""
    for line in table.lines:
        if line.made is None or not line.failed:
            continue
        place = f"INSERT OR IGNORE INTO x.failed SELECT {table.number}, {line.at}"
        number, rows = table.row_key(ROW), table.rows(ROW)
        workspace.execute(f"{place}, {number} FROM {rows} WHERE {line.made.asks_clock(ROW)}")
        for row in workspace.failing(line.made.over(ROW), number, rows):
            workspace.execute(f"{place}, ?", (row,))


def reject_nul(workspace: Workspace, table: SourceTable) -> None:
    """Reject the rows whose key PostgreSQL cannot hold: shortened it would be the key of another row."""
    workspace.execute(
        sql(
            _NUL_IN_KEY,
            **CODES,
            source=str(table.number),
            number=table.row_key(ROW),
            key=literal(", ".join(table.key)),
            rows=table.rows(ROW),
            test=" OR ".join(has_nul(f"{ROW}.{quoted(column)}") for column in table.key),
        )
    )


def index_keys(workspace: Workspace, table: SourceTable) -> None:
    """Create an index of the keys of a table that has none; its column compares as the source's does."""
    assert table.key_line is not None
    cell, name = f"{ROW}.{quoted(table.key_line.column)}", table.keys.removeprefix("x.")
    workspace.execute(
        f"CREATE TABLE {table.keys} AS SELECT {cell} AS key, {table.row_key(ROW)} AS number"  # noqa: S608
        f" FROM {table.rows(ROW)} WHERE {cell} IS NOT NULL"
    )
    workspace.execute(f"CREATE INDEX x.{name}_key ON {name} (key)")


def has_unique_key(workspace: Workspace, table: SourceTable) -> bool:
    """Return whether the key is the declared one, and no two of its values are equal as text."""
    declared = 0
    for column in table.key:
        query = "SELECT pk FROM pragma_table_info(?) WHERE name = ?"
        declared += bool(workspace.scalar(query, (table.name, column)))
    of_all = workspace.scalar("SELECT count(*) FROM pragma_table_info(?) WHERE pk > 0", (table.name,))
    if declared != len(table.key) or of_all != declared:
        return False
    mixed = " OR ".join(
        f"count(DISTINCT CASE WHEN {quoted(column)} IS NOT NULL THEN typeof({quoted(column)}) END) > 1"
        for column in table.key
    )
    return not workspace.scalar(f"SELECT {mixed} FROM {quoted(table.name)}")  # noqa: S608  quoted names


def find_twins(workspace: Workspace, table: SourceTable) -> None:
    """Keep the first row of each key; a later row that is equal in all columns is merged into it."""
    keys = [f"{ROW}.{quoted(column)}" for column in table.key]
    workspace.execute(
        sql(
            _TWINS,
            source=str(table.number),
            number=table.row_key(ROW),
            reason=literal(Reason.SAME_KEY),
            key=literal(", ".join(table.key)),
            keys=", ".join(map(key_text, keys)),
            columns=", ".join(f"typeof({ROW}.{quoted(c)}), {ROW}.{quoted(c)}" for c in table.columns),
            rows=table.rows(ROW),
            present=" AND ".join(f"{key} IS NOT NULL" for key in keys),
        ),
        compares_rows=True,
    )
