"""The content of a table as a row count and a checksum, and the tables that can be measured.

The caller measures: a checksum is comparable only with one that was computed in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, LiteralString, Protocol

import psycopg

#: Settings that change the text of a value; both sides of a comparison or a COPY need the same.
RENDERING: Final = (
    "TimeZone", "DateStyle", "IntervalStyle", "bytea_output", "extra_float_digits",
    "xmlbinary", "lc_monetary", "search_path",
)  # fmt: skip

# Partitions are tables too, and so are their parents; members of extensions are not in a dump.
_TABLES: Final[LiteralString] = """
    SELECT c.relname FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend d
          WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname COLLATE "C"
"""


class Content(Protocol):
    """The content of a table when it was measured."""

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        ...

    @property
    def checksum(self) -> str:
        """Return a digest of all rows that does not depend on their order."""
        ...


class Measure(Protocol):
    """Measures one table within the current transaction of the connection."""

    def __call__(self, conn: psycopg.Connection, schema: str, table: str, /) -> Content:
        """Return the content of `schema.table`."""
        ...


@dataclass(frozen=True)
class Change:
    """A table whose rows differ from those that were recorded; `rows_now` is None if it was dropped."""

    table: str
    rows_before: int
    rows_now: int | None

    def __str__(self) -> str:
        if self.rows_now is None:
            return f"{self.table}: the table is gone (it had {self.rows_before:,} rows)"
        if self.rows_now == self.rows_before:
            return f"{self.table}: rows or columns were changed ({self.rows_now:,} rows, as before)"
        return f"{self.table}: {self.rows_before:,} rows before, {self.rows_now:,} now"


def list_tables(conn: psycopg.Connection, schema: str) -> tuple[str, ...]:
    """Return the names of the tables in `schema` whose rows a dump holds, sorted."""
    return tuple(name for (name,) in conn.execute(_TABLES, (schema,)).fetchall())


def same(one: Content, other: Content) -> bool:
    """Return whether two measures are of the same rows."""
    return one.rows == other.rows and one.checksum == other.checksum


def changed_since(
    conn: psycopg.Connection, schema: str, contents: Mapping[str, Content], measure: Measure
) -> list[Change]:
    """Return the tables of `contents` that hold other rows now, in the order given.

    A table with changed rows and the same number of rows is included, with both counts equal. Run it inside a
    REPEATABLE READ transaction if all tables must be seen at the same time.
    """
    there = set(list_tables(conn, schema))
    changes = []
    for table, before in contents.items():
        if table not in there:
            changes.append(Change(table, before.rows, None))
        elif not same(before, now := measure(conn, schema, table)):
            changes.append(Change(table, before.rows, now.rows))
    return changes


def read_rendering(conn: psycopg.Connection) -> dict[str, str]:
    """Return the session's settings that change the text of a value."""
    row = conn.execute(
        "SELECT array_agg(pg_catalog.current_setting(name)) FROM unnest(%s::text[]) name", (list(RENDERING),)
    ).fetchone()
    assert row is not None
    return dict(zip(RENDERING, row[0], strict=True))


def set_rendering(
    conn: psycopg.Connection, settings: Mapping[str, str], names: Iterable[str] = RENDERING
) -> None:
    """Set those of `settings` that `names` lists in the session, until it ends.

    A monetary locale that this server does not have is skipped: it matters only for columns of type money,
    which then show as different.
    """
    for name in names:
        try:
            with conn.transaction():
                conn.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, settings[name]))
        except psycopg.errors.InvalidParameterValue:
            if name != "lc_monetary":
                raise
