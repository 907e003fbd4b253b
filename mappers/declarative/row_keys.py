"""What is decided of the rows of one table alone: which it leaves out, and whose key another row has."""

from __future__ import annotations

from typing import Final

from mappers.base import Workspace
from mappers.declarative.row_expression import ROW as MARK
from mappers.declarative.source_table import WHERE, SourceTable, has_nul, key_text
from mappers.declarative.table_mapper import ROW
from mappers.reasons import CODES
from mappers.sqlite_sql import literal, quoted, sql

_NUMBERED: Final = """
INSERT INTO $numbering SELECT row_number() OVER (ORDER BY $keys), $keys FROM $table AS c"""
_EXCLUDED: Final = """
INSERT INTO x.settled SELECT $source, $number, 'excluded', $where, NULL FROM $rows
WHERE CASE WHEN $failed THEN 0 ELSE $condition IS NOT TRUE END"""
_UNDECIDED: Final = """
INSERT INTO x.settled SELECT $source, $number, 'rejected', $expression_failed, 'where' FROM $rows
WHERE $failed"""
_AGAIN: Final = """
INSERT INTO x.again SELECT $source, number, alike = first
FROM (SELECT $number AS number,
        first_value($number) OVER (PARTITION BY $keys ORDER BY $gone, $number) AS first,
        first_value($number) OVER (PARTITION BY $columns ORDER BY $gone, $number) AS alike
      FROM $rows WHERE $present)
WHERE number <> first"""
_GONE: Final = "EXISTS (SELECT 1 FROM x.settled AS s WHERE s.source = $source AND s.number = $number)"
_TWINS: Final = """
INSERT OR IGNORE INTO x.settled
SELECT source, number, CASE WHEN alike THEN 'merged' ELSE 'rejected' END, $same_key, $key FROM x.again
WHERE source = $source"""
_NUL_IN_KEY: Final = """
INSERT OR IGNORE INTO x.settled SELECT $source, $number, 'rejected', $nul_in_key, $key FROM $rows
WHERE $test"""


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
    found = [(line.at, line.made) for line in table.lines if line.failed]
    if table.where_failed:
        found.append((WHERE, table.where))
    for at, made in found:
        assert made is not None
        place = f"INSERT OR IGNORE INTO x.failed SELECT {table.number}, {at}"
        number, rows = table.row_key(ROW), table.rows(ROW)
        workspace.execute(f"{place}, {number} FROM {rows} WHERE {made.asks_clock(ROW)}")
        for row in workspace.failing(made.over(ROW), number, rows):
            workspace.execute(f"{place}, ?", (row,))


def exclude_rows(workspace: Workspace, table: SourceTable) -> None:
    """Leave out the rows for which the condition of a table is not true; reject those on which it fails."""
    if table.where is None:
        return
    failed = table.where_failed.replace(MARK, ROW) or "0"
    parts = {"source": str(table.number), "number": table.row_key(ROW), "rows": table.rows(ROW)}
    parts |= {"failed": failed, "condition": table.where.over(ROW)}
    if table.where_failed:
        workspace.execute(sql(_UNDECIDED, **CODES, **parts))
    workspace.execute(sql(_EXCLUDED, **CODES, **parts))


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
    cell, name = f"{ROW}.{quoted(table.key_column)}", table.keys.removeprefix("x.")
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
    number = table.row_key(ROW)
    workspace.execute(
        sql(
            _AGAIN,
            source=str(table.number),
            number=number,
            keys=", ".join(map(key_text, keys)),
            columns=", ".join(f"typeof({ROW}.{quoted(c)}), {ROW}.{quoted(c)}" for c in table.columns),
            rows=table.rows(ROW),
            present=" AND ".join(f"{key} IS NOT NULL" for key in keys),
            gone=sql(_GONE, source=str(table.number), number=number),
        ),
        compares_rows=True,
    )
    key = literal(", ".join(table.key))
    workspace.execute(sql(_TWINS, **CODES, source=str(table.number), key=key))
