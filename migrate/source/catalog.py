"""The content of a database: tables with their columns and keys, and the objects that are not copied."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrate.runtime.errors import SourceError
from migrate.source.model import Catalogue, Column, KeyPart, LeftOut, Row, Table
from migrate.source.transport import Transport

_INTERNAL = re.compile(r"sqlite_|_litestream_|libsql_|_cf_", re.IGNORECASE)
_RESULT_COLUMNS = 2000  # SQLite returns no more
_ROWID_NAMES = ("rowid", "_rowid_", "oid")
_WITHOUT_ROWID = re.compile(r"\bWITHOUT\s+ROWID\b[^()]*$", re.IGNORECASE)
_VIRTUAL = re.compile(r"CREATE\s+VIRTUAL\s", re.IGNORECASE)
_VECTOR_INDEX = re.compile(r"libsql_vector_idx", re.IGNORECASE)
#: the tables that the full-text and R-tree modules keep, by what follows the name of the virtual table
_SHADOWS = (
    "_data", "_idx", "_content", "_docsize", "_config",
    "_segments", "_segdir", "_stat", "_node", "_parent", "_rowid",
)  # fmt: skip


@dataclass
class _Objects:
    """The rows of sqlite_schema, by type, as pairs of name and DDL."""

    tables: dict[str, str] = field(default_factory=dict)
    views: list[tuple[str, str]] = field(default_factory=list)
    triggers: list[tuple[str, str]] = field(default_factory=list)
    indexes: list[tuple[str, str]] = field(default_factory=list)


def inspect(transport: Transport) -> Catalogue:
    """Return the tables and other objects of the database behind `transport`."""
    objects = _objects(transport)
    kinds = _kinds(transport)
    tables: list[Table] = []
    left_out: list[LeftOut] = []
    for name, sql in sorted(objects.tables.items()):
        reason = _reason(name, sql, kinds, objects)
        if reason:
            left_out.append(LeftOut(name, "table", reason))
        else:
            tables.append(_table(transport, name, sql))
    version = str(transport.run("SELECT sqlite_version()").rows[0][0])
    return Catalogue(
        tables=tuple(tables),
        left_out=tuple(left_out),
        views=tuple(sorted(objects.views)),
        triggers=tuple(sorted(objects.triggers)),
        indexes=tuple(sorted(objects.indexes)),
        version=version,
        virtual=tuple((name, sql) for name, sql in sorted(objects.tables.items()) if _VIRTUAL.match(sql)),
    )


def _objects(transport: Transport) -> _Objects:
    found = _Objects()
    for kind, name, sql in transport.run("SELECT type, name, sql FROM sqlite_master").rows:
        pair = (str(name), str(sql or ""))
        if kind == "table":
            found.tables[pair[0]] = pair[1]
        elif kind == "view":
            found.views.append(pair)
        elif kind == "trigger":
            found.triggers.append(pair)
        elif kind == "index" and pair[1]:
            found.indexes.append(pair)
    return found


def _kinds(transport: Transport) -> Mapping[str, str]:
    """Return table, virtual, shadow … by name, as the server reports it; empty if it does not report it."""
    try:
        rows = transport.run("SELECT name, type FROM pragma_table_list WHERE schema = 'main'").rows
    except SourceError:  # an old server, or one that allows few pragmas
        return {}
    return {str(name): str(kind) for name, kind in rows}


def _reason(name: str, sql: str, kinds: Mapping[str, str], objects: _Objects) -> str | None:
    """Return why a table is not copied, None if it is copied."""
    if _INTERNAL.match(name):
        return "internal to the database"
    if _VIRTUAL.match(sql) or kinds.get(name) == "virtual":
        return "virtual: its content is computed from other tables"
    if kinds.get(name) == "shadow":
        return "shadow of a virtual table"
    for other, ddl in objects.tables.items():
        if _VIRTUAL.match(ddl) and name.startswith(other) and name[len(other) :] in _SHADOWS:
            return "shadow of a virtual table"
    for index, ddl in objects.indexes:
        if _VECTOR_INDEX.search(ddl) and name == f"{index}_shadow":
            return "shadow of a vector index"
    return None


def _table(transport: Transport, name: str, sql: str) -> Table:
    rows = transport.run(
        'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid', (name,)
    ).rows
    columns = tuple(_column(row) for row in rows)
    key_index = transport.run("SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'", (name,)).rows
    # In a table WITHOUT ROWID the index of the primary key has no rowid behind its columns.
    parts = _index_parts(transport, str(key_index[0][0])) if key_index else ()
    without_rowid = _WITHOUT_ROWID.search(_bare(sql)) is not None
    order = parts if without_rowid else _rowid_order(columns, has_key_index=bool(key_index))
    return Table(name, sql, columns, order, without_rowid)


def _bare(sql: str) -> str:
    """Return DDL without comments and quoted parts, so that words in it are keywords."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]", " ", sql, flags=re.DOTALL)


def _column(row: Row) -> Column:
    name, declared, not_null, key, hidden = row
    return Column(str(name), str(declared or ""), bool(not_null), int(str(key)), int(str(hidden)))


def _index_parts(transport: Transport, index: str) -> tuple[KeyPart, ...]:
    rows = transport.run(
        'SELECT name, coll, "desc" FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno', (index,)
    ).rows
    return tuple(KeyPart(str(name), str(collation), bool(down)) for name, collation, down in rows)


def _rowid_order(columns: Sequence[Column], *, has_key_index: bool) -> tuple[KeyPart, ...]:
    """Return a name for the rowid: a column may be called `rowid` as well.

    A single primary key column declared INTEGER, without its own index, is the rowid. Returns None if every
    name is taken by a column, or if the rowid would be one column too many.
    """
    key = [column for column in columns if column.key]
    if len(key) == 1 and not has_key_index and key[0].declared.upper() == "INTEGER":
        return (KeyPart(key[0].name),)
    if sum(column.stored for column in columns) >= _RESULT_COLUMNS:
        return ()
    taken = {column.name.lower() for column in columns}
    for name in _ROWID_NAMES:
        if name not in taken:
            return (KeyPart(name),)
    return ()
