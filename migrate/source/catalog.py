"""The content of a database: tables with their columns and keys, and the objects that are not copied."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from migrate.runtime.errors import SourceError
from migrate.source import virtual_tables
from migrate.source.answers import NAME, NUMBER, TEXT, Ask
from migrate.source.collations import COLLATIONS, without_own_collations
from migrate.source.model import Catalogue, Column, KeyPart, LeftOut, Row, Table
from migrate.source.transport import WrongAnswer
from migrate.source.virtual_tables import is_virtual, read_rtree

_INTERNAL = re.compile(r"sqlite_|_litestream_|libsql_|_cf_", re.IGNORECASE)
_RESULT_COLUMNS = 2000  # SQLite returns no more
#: The names of the number that SQLite gives every row, unless a column is called so.
ROWID_NAMES = ("rowid", "_rowid_", "oid")
_WITHOUT_ROWID = re.compile(r"\bWITHOUT\s+ROWID\b[^()]*$", re.IGNORECASE)
_COLLATION = "a collation of the application's own: text is compared byte by byte in its place"
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


def inspect(ask: Ask) -> Catalogue:
    """Return the tables and other objects of the database that answers `ask`; or raise WrongAnswer."""
    objects = _objects(ask)
    kinds = _kinds(ask)
    tables: list[Table] = []
    left_out: list[LeftOut] = []
    for name, sql in sorted(objects.tables.items()):
        own = read_rtree(ask, name, sql)
        reason = None if own is not None else _reason(name, sql, kinds, objects)
        if own is not None:
            tables.append(own)
        elif reason:
            left_out.append(LeftOut(name, "table", reason))
        else:
            plain, strange = without_own_collations(sql)
            table = _table(ask, name, plain)
            tables.append(replace(table, vectors=_has_vectors(name, objects)))
            left_out += [LeftOut(f"{name} COLLATE {one}", "collation", _COLLATION) for one in strange]
    version = _version(ask)
    return Catalogue(
        tables=tuple(tables),
        left_out=tuple(left_out),
        views=tuple(sorted(objects.views)),
        triggers=tuple(sorted(objects.triggers)),
        indexes=tuple(sorted((name, without_own_collations(sql)[0]) for name, sql in objects.indexes)),
        version=version,
        virtual=tuple((name, sql) for name, sql in sorted(objects.tables.items()) if is_virtual(sql)),
    )


def _version(ask: Ask) -> str:
    rows = ask("SELECT sqlite_version()", types=(NAME,))
    if len(rows) != 1:
        raise WrongAnswer(f"{len(rows)} versions of SQLite")
    return str(rows[0][0])


def _objects(ask: Ask) -> _Objects:
    found = _Objects()
    for kind, name, sql in ask("SELECT type, name, sql FROM sqlite_master", types=(NAME, NAME, TEXT)):
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


def _kinds(ask: Ask) -> Mapping[str, str]:
    """Return table, virtual, shadow … by name, as the server reports it; empty if it does not report it."""
    try:
        rows = ask("SELECT name, type FROM pragma_table_list WHERE schema = 'main'", types=(NAME, NAME))
    except SourceError:  # an old server, or one that allows few pragmas
        return {}
    return {str(name): str(kind) for name, kind in rows}


def _reason(name: str, sql: str, kinds: Mapping[str, str], objects: _Objects) -> str | None:
    """Return why a table is not copied, None if it is copied."""
    if _INTERNAL.match(name):
        return "internal to SQLite"
    if is_virtual(sql) or kinds.get(name) == "virtual":
        return virtual_tables.reason(sql)
    if kinds.get(name) == "shadow":
        return "part of a virtual table"
    for other, ddl in objects.tables.items():
        if is_virtual(ddl) and name.startswith(other) and name[len(other) :] in _SHADOWS:
            return "part of a virtual table"
    for index, ddl in objects.indexes:
        if _VECTOR_INDEX.search(ddl) and name == f"{index}_shadow":
            return "part of a vector index"
    return None


def _has_vectors(name: str, objects: _Objects) -> bool:
    """Return whether an index of libSQL's vectors may be on a table."""
    return any(_VECTOR_INDEX.search(ddl) and name.lower() in ddl.lower() for _, ddl in objects.indexes)


def _table(ask: Ask, name: str, sql: str) -> Table:
    rows = ask(
        'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid',
        (name,),
        types=(NAME, TEXT, NUMBER, NUMBER, NUMBER),
    )
    columns = tuple(_column(row) for row in rows)
    if len({column.name for column in columns}) != max(1, len(columns)):
        raise WrongAnswer(f"table {name} has no columns, or two of one name")
    key_index = ask("SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'", (name,), types=(NAME,))
    # In a table WITHOUT ROWID the index of the primary key has no rowid behind its columns.
    parts = _index_parts(ask, str(key_index[0][0])) if key_index else ()
    without_rowid = _WITHOUT_ROWID.search(bare(sql)) is not None
    order = parts if without_rowid else _rowid_order(columns, has_key_index=bool(key_index))
    names = {column.name for column in columns}
    if without_rowid and not (order and names.issuperset(part.column for part in order)):
        raise WrongAnswer(f"the key of table {name} is none of its columns")
    if without_rowid and any(part.collation.upper() not in COLLATIONS for part in order):
        order = ()  # the order is unknown here, so the table is read in one page
    return Table(name, sql, columns, order, without_rowid)


def bare(sql: str) -> str:
    """Return DDL without comments and quoted parts, so that words in it are keywords."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]", " ", sql, flags=re.DOTALL)


def _column(row: Row) -> Column:
    name, declared, not_null, key, hidden = row
    return Column(str(name), str(declared or ""), bool(not_null), int(str(key)), int(str(hidden)))


def _index_parts(ask: Ask, index: str) -> tuple[KeyPart, ...]:
    rows = ask(
        'SELECT name, coll, "desc" FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno',
        (index,),
        types=(TEXT, NAME, NUMBER),
    )
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
    for name in ROWID_NAMES:
        if name not in taken:
            return (KeyPart(name),)
    return ()
