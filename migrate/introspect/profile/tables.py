"""Tables as the schema declares them: keys, indexes, constraints of foreign keys."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from migrate.introspect.profile.columns import ColumnShape
from migrate.introspect.profile.inspection import Index
from migrate.runtime.amount import amount
from migrate.snapshot.sqlite_writer import create_table
from migrate.source.model import Catalogue, Table
from migrate.source.sql import quote


@dataclass(frozen=True)
class Constraint:
    """A declared foreign key; `to_columns` is filled in if the constraint leaves it to the key.

    `malformed` says what is wrong with one that names no row: SQLite accepts such a declaration, and refuses
    only to write to the table; '' for any other.
    """

    table: str
    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    on_delete: str
    on_update: str
    malformed: str = ""


@dataclass(frozen=True)
class TableShape:
    """A table without its rows."""

    name: str
    sql: str
    columns: tuple[ColumnShape, ...]
    key: tuple[str, ...]
    without_rowid: bool
    autoincrement: bool
    indexes: tuple[Index, ...]
    constraints: tuple[Constraint, ...]

    @property
    def identity(self) -> str | None:
        """Return the column by which other tables identify this one's rows: its single key column, or
        `id`.
        """
        if len(self.key) == 1:
            return self.key[0]
        named = [column.name for column in self.columns if column.name.lower() == "id"]
        return named[0] if named and not self.key else None

    @property
    def constrained(self) -> set[str]:
        """The columns that foreign keys hold."""
        return {column for one in self.constraints if not one.malformed for column in one.columns}

    @property
    def unique(self) -> set[tuple[str, ...]]:
        """Return every set of columns that the database keeps unique over all rows."""
        found = {
            tuple(sorted(str(column) for column in index.columns))
            for index in self.indexes
            if index.unique and not index.partial and None not in index.columns
        }
        return found | ({tuple(sorted(self.key))} if self.key else set())


def read_shapes(catalogue: Catalogue) -> tuple[TableShape, ...]:
    """Return the shape of every copied table, read from an empty database with the same DDL.

    An index that SQLite does not know (libSQL's vectors) is left out.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        for table in catalogue.tables:
            create_table(empty, table)
        for _, sql in catalogue.indexes:
            with suppress(sqlite3.Error):
                empty.execute(sql)
        return tuple(_shape(empty, table) for table in catalogue.tables)


def _shape(empty: sqlite3.Connection, table: Table) -> TableShape:
    collations = _collations(empty, table.name)
    columns = tuple(
        ColumnShape(
            name,
            declared or "",
            bool(not_null),
            default,
            key,
            hidden in (2, 3),
            collations.get(name, "BINARY"),
        )
        for _, name, declared, not_null, default, key, hidden in _pragma(empty, "table_xinfo", table.name)
        if hidden != 1
    )
    key = [column for column in columns if column.key]
    return TableShape(
        name=table.name,
        sql=table.sql,
        columns=columns,
        key=tuple(column.name for column in sorted(key, key=lambda column: column.key)),
        without_rowid=table.without_rowid,
        autoincrement=re.search(r"\bAUTOINCREMENT\b", table.sql, re.IGNORECASE) is not None,
        indexes=tuple(_indexes(empty, table.name)),
        constraints=tuple(_constraints(empty, table.name)),
    )


def _indexes(empty: sqlite3.Connection, table: str) -> Iterable[Index]:
    listed = sorted(_pragma(empty, "index_list", table), key=lambda row: str(row[1]))
    for _, name, unique, origin, partial in listed:
        if origin == "pk":
            continue
        rows = [row for row in _pragma(empty, "index_xinfo", name) if row[5]]
        terms = [row[2] for row in rows]
        found = empty.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        yield Index(
            name,
            tuple(terms),
            bool(unique),
            bool(partial),
            found[0] if found else None,
            collations=tuple(str(row[4]) for row in rows),
            descending=tuple(str(row[2]) for row in rows if row[3] and row[2] is not None),
        )


def _collations(empty: sqlite3.Connection, table: str) -> dict[str, str]:
    """Return the collation of each column, as an index on it would take it."""
    found = {}
    for _, name, *_, hidden in _pragma(empty, "table_xinfo", table):
        if hidden == 1:
            continue
        with suppress(sqlite3.Error):
            empty.execute(f"CREATE INDEX temporary_of_collation ON {quote(table)} ({quote(name)})")
            found[name] = str(_pragma(empty, "index_xinfo", "temporary_of_collation")[0][4])
            empty.execute("DROP INDEX temporary_of_collation")
    return found


def _constraints(empty: sqlite3.Connection, table: str) -> Iterable[Constraint]:
    parts: dict[int, list[tuple[Any, ...]]] = {}
    for row in _pragma(empty, "foreign_key_list", table):
        parts.setdefault(row[0], []).append(row)
    known = {
        name.lower(): name
        for (name,) in empty.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    }
    for _, rows in sorted(parts.items(), reverse=True):
        rows.sort(key=lambda row: row[1])
        parent = known.get(str(rows[0][2]).lower(), str(rows[0][2]))
        to_columns = tuple(str(row[4]) for row in rows if row[4] is not None)
        there = _pragma(empty, "table_xinfo", parent)
        if not to_columns:
            key = sorted((row for row in there if row[5]), key=lambda row: row[5])
            to_columns = tuple(str(row[1]) for row in key)
        known_columns = {str(row[1]).lower(): str(row[1]) for row in there}
        to_columns = tuple(known_columns.get(name.lower(), name) for name in to_columns)
        columns = tuple(str(row[3]) for row in rows)
        malformed = _mistake(columns, parent, to_columns, known_columns) if there else ""
        yield Constraint(
            table, columns, parent, to_columns, str(rows[0][6]), str(rows[0][5]), malformed=malformed
        )


def _mistake(
    columns: tuple[str, ...], parent: str, to_columns: tuple[str, ...], known: Mapping[str, str]
) -> str:
    """Return what is wrong with a foreign key to a table that is there; '' if nothing is."""
    if not to_columns:
        return f"{parent} has no primary key"
    missing = [name for name in to_columns if name.lower() not in known]
    if missing:
        return f"{parent} has no column {', '.join(missing)}"
    if len(columns) != len(to_columns):
        return f"it has {len(columns)} of the {amount(len(to_columns), 'column')} of that key"
    return ""


def _pragma(empty: sqlite3.Connection, pragma: str, name: str) -> list[tuple[Any, ...]]:
    return empty.execute(f"SELECT * FROM pragma_{pragma}(?)", (name,)).fetchall()  # noqa: S608
