"""The crosswalk of a mapping file: which rows are not migrated, and which are added.

Whether a row is migrated depends on the rows that it refers to, and these may form circles. So it is decided
before the first row is mapped: first the rows of referenced tables whose own cells do not fit, then all that
refer to those, until no more follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from mappers.base import Workspace
from mappers.declarative.casts.column_expr import REFERENCES
from mappers.declarative.composite_references import CompositeReference, make_keys
from mappers.declarative.misfit_filter import may_not_fit
from mappers.declarative.references import References, cell_named, list_parts, same_key
from mappers.declarative.row_keys import (
    exclude_rows,
    find_twins,
    has_unique_key,
    index_keys,
    note_failures,
    number_rows,
    reject_nul,
)
from mappers.declarative.source_table import MappedColumn, SourceTable, key_text
from mappers.declarative.table_mapper import ROW, TableMapper
from mappers.reasons import CODES
from mappers.sqlite_sql import literal, quoted, sql

_TABLES: Final = (
    "CREATE TABLE x.settled (source INTEGER, number INTEGER, fate TEXT, reason TEXT, detail TEXT,"
    " PRIMARY KEY (source, number)) WITHOUT ROWID",
    "CREATE TABLE x.placeholder (number INTEGER PRIMARY KEY, source INTEGER, key TEXT, UNIQUE (source, key))",
    "CREATE TABLE x.again (source INTEGER, number INTEGER, alike INTEGER, PRIMARY KEY (source, number))"
    " WITHOUT ROWID",
    "CREATE TABLE x.failed (source INTEGER, at INTEGER, number INTEGER, PRIMARY KEY (source, at, number))"
    " WITHOUT ROWID",
    "CREATE TABLE x.judged (source INTEGER, number INTEGER, reason TEXT, detail TEXT)",
    "CREATE TABLE x.edge (parent INTEGER, parent_number INTEGER, child INTEGER, child_number INTEGER,"
    " column TEXT)",
)
_PLACEHOLDERS: Final = """
INSERT OR IGNORE INTO x.placeholder (source, key)
SELECT DISTINCT $parent, $key FROM $rows
WHERE $present AND $found IS NULL
  AND NOT EXISTS (SELECT 1 FROM x.settled AS s WHERE s.source = $source AND s.number = $number)
ORDER BY 2"""
_DANGLING: Final = """
INSERT OR IGNORE INTO x.settled SELECT $source, $number, 'rejected', $dangling, $column FROM $rows
WHERE $present AND $found IS NULL"""
_EDGES: Final = """
INSERT INTO x.edge SELECT $parent, $parent_number, $source, $number, $column FROM $rows
CROSS JOIN $parent_table
WHERE $same AND $present AND NOT EXISTS (
  SELECT 1 FROM x.placeholder AS made WHERE made.source = $parent AND made.key = $parent_key)"""
_PAIRS_DANGLING: Final = """
INSERT OR IGNORE INTO x.settled SELECT $source, $number, 'rejected', $dangling, $column FROM $rows
WHERE $dangles"""
_PAIRED: Final = """
INSERT INTO x.edge SELECT $parent, pair.number, $source, $number, $column FROM $rows
CROSS JOIN $keys AS pair WHERE $same AND $present"""
_FOLLOWING: Final = """
WITH RECURSIVE gone(source, number, column) AS (
  SELECT source, number, detail FROM x.settled
  UNION SELECT e.child, e.child_number, e.column FROM gone
    JOIN x.edge AS e ON e.parent = gone.source AND e.parent_number = gone.number)
INSERT OR IGNORE INTO x.settled SELECT source, number, 'rejected', $dangling, column FROM gone"""


class RowResolver:
    """Decides what the mappers cannot know from one batch."""

    def __init__(
        self, tables: Mapping[str, SourceTable], references: References, rows: Mapping[str, TableMapper]
    ) -> None:
        self._tables, self._references, self._rows = tables, references, rows
        #: the tables that others refer to
        self._parents = {
            parent.name
            for table in tables.values()
            for line in (*table.lines, *table.lists)
            for _, parent in references.named(line)
        }
        self._pairs = [pair for one in rows.values() for pair in one.pairs]
        #: tables that a reference of several columns refers to, too
        self._named = self._parents | {pair.parent.name for pair in self._pairs}
        #: and those whose lists become rows of other tables
        self._named |= {name for name, table in tables.items() if table.lists}

    def resolve(self, workspace: Workspace) -> None:
        """Create the crosswalk's tables in an empty crosswalk."""
        for statement in _TABLES:
            workspace.execute(statement)
        for table in self._tables.values():
            if table.rowid is None:
                number_rows(workspace, table)
        for table in self._tables.values():
            note_failures(workspace, table)
            exclude_rows(workspace, table)
        for table in self._tables.values():
            if table.key:
                reject_nul(workspace, table)
        for table in self._tables.values():
            if table.key and not has_unique_key(workspace, table):
                find_twins(workspace, table)
        for name in sorted(self._parents):
            if not self._tables[name].indexed:
                index_keys(workspace, self._tables[name])
        for pair in self._pairs:
            make_keys(workspace, pair, ROW)
        for name in sorted(self._named):
            self._judge(workspace, self._tables[name])
        self._make_up(workspace)
        self._reject_dangling(workspace)
        self._follow(workspace)
        self._make_up(workspace)

    def _judge(self, workspace: Workspace, table: SourceTable) -> None:
        """Reject the rows whose own cells do not fit."""
        doubt = may_not_fit(table, ROW)
        if doubt == "0":
            return
        for rows in workspace.read(self._rows[table.name].own_cells(f" AND ({doubt})")):
            found = self._rows[table.name].misfits(rows)
            if found.height:
                source = pl.lit(table.number, pl.Int64).alias("source")
                workspace.write("judged", found.select(source, "number", "reason", "detail"))
        workspace.execute(
            "INSERT OR IGNORE INTO x.settled SELECT source, number, 'rejected', reason, detail FROM x.judged"
        )

    def _make_up(self, workspace: Workspace) -> None:
        """Add a row for every key that refers to none, if the file says so."""
        for table, line in self._lines():
            if line.mapping.dangling != "placeholder" or line.mapping.kind != "reference":
                continue
            for value, parent in self._references.parents(line):
                if parent.name in self._references.made_up:
                    parts = self._parts(table, line, value)
                    workspace.execute(
                        sql(
                            _PLACEHOLDERS,
                            **parts,
                            parent=str(parent.number),
                            key=key_text(cell_named(line, ROW)),
                        )
                    )

    def _reject_dangling(self, workspace: Workspace) -> None:
        for table, line in self._lines():
            if table.name in self._named and self._is_strict(line):
                workspace.execute(sql(_DANGLING, **CODES, **self._parts(table, line, None)))
        for pair in self._strict_pairs():
            workspace.execute(sql(_PAIRS_DANGLING, **CODES, dangles=pair.dangles(ROW), **_pair_parts(pair)))

    def _strict_pairs(self) -> list[CompositeReference]:
        """Return the references of several columns that can reject a row that others refer to."""
        return [
            pair
            for pair in self._pairs
            if pair.table.name in self._named and pair.reference.dangling == "reject"
        ]

    def _follow(self, workspace: Workspace) -> None:
        """Reject the rows that refer to a rejected row, and the rows that refer to those."""
        gone = {
            name
            for name, table in self._tables.items()
            if workspace.scalar("SELECT 1 FROM x.settled WHERE source = ? LIMIT 1", (table.number,))
        }
        strict = [
            (table, line, value, parent)
            for table, line in self._lines()
            if table.name in self._named and self._is_strict(line)
            for value, parent in self._references.parents(line)
        ]
        pairs = self._strict_pairs()
        ends = [(table.name, parent.name) for table, _, _, parent in strict]
        ends += [(pair.table.name, pair.parent.name) for pair in pairs]
        while more := {child for child, parent in ends if parent in gone} - gone:
            gone |= more
        for table, line, value, parent in strict:
            if parent.name in gone:
                self._draw_edges(workspace, table, line, value, parent)
        for pair in pairs:
            if pair.parent.name in gone:
                parts = _pair_parts(pair) | {"same": pair.same(ROW), "present": pair.present(ROW)}
                workspace.execute(sql(_PAIRED, parent=str(pair.parent.number), keys=pair.keys, **parts))
        workspace.execute("CREATE INDEX x.edge_parent ON edge (parent, parent_number)")
        workspace.execute(sql(_FOLLOWING, **CODES))
        workspace.execute("DROP TABLE x.edge")

    def _draw_edges(
        self,
        workspace: Workspace,
        table: SourceTable,
        line: MappedColumn,
        value: str | None,
        parent: SourceTable,
    ) -> None:
        parent_table, key = parent.by_key("p")
        workspace.execute(
            sql(
                _EDGES,
                **self._parts(table, line, value),
                parent=str(parent.number),
                parent_number=parent.row_number("p"),
                parent_table=parent_table,
                parent_key=key_text(key),
                same=same_key(key, cell_named(line, ROW)),
            )
        )

    def _lines(self) -> Iterator[tuple[SourceTable, MappedColumn]]:
        for _, table in sorted(self._tables.items()):
            for line in table.lines:
                if line.mapping.kind in REFERENCES:
                    yield table, line

    @staticmethod
    def _is_strict(line: MappedColumn) -> bool:
        """Return whether a row is rejected together with the row that it refers to here."""
        policy = line.mapping.dangling
        return policy in ("reject", "placeholder") or (policy == "null" and line.to.not_null)

    def _parts(self, table: SourceTable, line: MappedColumn, value: str | None) -> dict[str, str]:
        """Return the parts of the SQL about a column;

        `value` restricts them to the rows that refer to one table.
        """
        cell, rows = cell_named(line, ROW), table.rows(ROW)
        present = f"{cell} IS NOT NULL"
        if line.mapping.kind == "references":
            rows += f", {list_parts(line, ROW)}"
        if line.mapping.empty == "null" or line.mapping.kind == "references":
            present += f" AND {cell} <> ''"
        if value is not None:
            present += f" AND CAST({ROW}.{quoted(str(line.mapping.by))} AS TEXT) = {literal(value)}"
        return {
            "source": str(table.number),
            "number": table.row_key(ROW),
            "rows": rows,
            "column": literal(line.column),
            "present": present,
            "found": self._references.found(line, ROW),
        }


def _pair_parts(pair: CompositeReference) -> dict[str, str]:
    """Return the parts of the SQL about the rows that hold a reference of several columns."""
    return {
        "source": str(pair.table.number),
        "number": pair.table.row_key(ROW),
        "rows": pair.table.rows(ROW),
        "column": literal(pair.column_names),
    }
