"""Virtual tables: R-trees are read as the tables that they are, the others are not copied."""

from __future__ import annotations

import re
from typing import Final

from migrate.runtime.errors import SourceError
from migrate.source.answers import NAME, TEXT, Ask
from migrate.source.model import Column, KeyPart, Table
from migrate.source.sql import quote

#: Modules whose rows are in the virtual table alone, with the type of their coordinates.
RTREES: Final = {"rtree": "REAL", "rtree_i32": "INTEGER"}
_VIRTUAL: Final = re.compile(r"CREATE\s+VIRTUAL\s", re.IGNORECASE)
_USING: Final = re.compile(r"\bUSING\s+[\"'`\[]?(\w+)", re.IGNORECASE)


def is_virtual(sql: str) -> bool:
    """Return whether DDL is that of a virtual table."""
    return _VIRTUAL.match(sql) is not None


def module(sql: str) -> str:
    """Return the module of a virtual table in lower case, '' for any other."""
    found = _USING.search(sql) if is_virtual(sql) else None
    return found[1].lower() if found else ""


def reason(sql: str) -> str:
    """Return why a virtual table is not copied, which says what is lost with it."""
    name = module(sql)
    if name.startswith("fts"):
        return "virtual table: a full-text index"
    return (
        f"virtual table: only its module {name or 'of another kind'} reads its rows, which are not migrated"
    )


def read_rtree(ask: Ask, name: str, sql: str) -> Table | None:
    """Return an R-tree as a table with its id, coordinates and further columns; None for what is none.

    Its DDL is that of a plain table. None is returned also if the database lacks the module.
    """
    coordinate = RTREES.get(module(sql))
    if coordinate is None:
        return None
    try:
        found = ask("SELECT name, type FROM pragma_table_xinfo(?) ORDER BY cid", (name,), types=(NAME, TEXT))
        ask(f"SELECT 1 FROM {quote(name)} LIMIT 0", types=(TEXT,))  # noqa: S608
    except SourceError:
        return None
    if not found:
        return None
    own = len(found) - len(re.findall(r"[(,]\s*\+", sql))
    columns = tuple(
        Column(str(column), "INTEGER" if at == 0 else coordinate if at < own else "", False, int(at == 0), 0)
        for at, (column, _) in enumerate(found)
    )
    parts = [
        f"{quote(one.name)} {one.declared}{' PRIMARY KEY' if one.key else ''}".strip() for one in columns
    ]
    ddl = f"CREATE TABLE {quote(name)} ({', '.join(parts)})"
    return Table(name, ddl, columns, (KeyPart(columns[0].name),), without_rowid=False)
