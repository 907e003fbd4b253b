"""Collations that an application defines: no other program knows their order."""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from migrate.source.sql import quote

#: SQLite's own.
COLLATIONS: Final = frozenset({"BINARY", "NOCASE", "RTRIM"})
_NAME: Final = r"""(?:"(?:[^"]|"")+"|`[^`]+`|\[[^\]]+\]|'[^']+'|\w+)"""
_PART: Final = re.compile(
    rf"""\bCOLLATE\s+(?P<name>{_NAME})|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/""",
    re.IGNORECASE | re.DOTALL,
)


def without_own_collations(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return the DDL of a table without collations that SQLite does not have, and their names."""
    found: dict[str, None] = {}

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None or (bare := name.strip("\"`[]'")).upper() in COLLATIONS:
            return match[0]
        found[bare] = None
        return ""

    return _PART.sub(part, sql), tuple(found)


def stand_in(connection: sqlite3.Connection, schema: str = "main") -> None:
    """Compare byte by byte where the tables of a schema name a collation of an application's own.

    SQLite opens no index without its collation. Rows may then be read in the order of the file only:
    what is asked for by such a key may not be found.
    """
    rows = connection.execute(f"SELECT sql FROM {quote(schema)}.sqlite_schema WHERE sql LIKE '%COLLATE%'")  # noqa: S608
    for name in {name for (sql,) in rows.fetchall() for name in without_own_collations(str(sql))[1]}:
        connection.create_collation(name, _by_bytes)


def _by_bytes(one: str, other: str) -> int:
    first, second = one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass")
    return (first > second) - (first < second)
