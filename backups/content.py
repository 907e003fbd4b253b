"""What a table holds, as a row count and a checksum, and which tables there are to ask.

The measuring itself is the caller's: a checksum is comparable only with one
taken the same way, and the caller compares with its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, LiteralString, Protocol

import psycopg

#: Settings that the text of a value depends on; both sides of a comparison or a COPY need them equal.
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
    """What a table held when it was measured."""

    @property
    def rows(self) -> int:
        """The number of rows."""
        ...

    @property
    def checksum(self) -> str:
        """A digest of all rows that does not depend on their order."""
        ...


class Measure(Protocol):
    """Measures one table within whatever transaction the connection is in."""

    def __call__(self, conn: psycopg.Connection, schema: str, table: str, /) -> Content:
        """Return the content of `schema.table`."""
        ...


@dataclass(frozen=True)
class Change:
    """A table whose rows are not those that were recorded; `rows_now` is None where it is gone."""

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
    """Tell whether two measures are of the same rows."""
    return one.rows == other.rows and one.checksum == other.checksum


def changed_since(
    conn: psycopg.Connection, schema: str, contents: Mapping[str, Content], measure: Measure
) -> list[Change]:
    """Return the tables of `contents` that hold other rows now, in the order given.

    A table whose rows were altered without changing their number is there
    too, with both counts equal. Run it inside a REPEATABLE READ transaction
    where the tables must be seen at one moment.
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
    """Return the session's settings that the text of a value depends on."""
    row = conn.execute(
        "SELECT array_agg(pg_catalog.current_setting(name)) FROM unnest(%s::text[]) name", (list(RENDERING),)
    ).fetchone()
    assert row is not None
    return dict(zip(RENDERING, row[0], strict=True))


def set_rendering(
    conn: psycopg.Connection, settings: Mapping[str, str], names: Iterable[str] = RENDERING
) -> None:
    """Give the session those of `settings` that `names` lists, until it ends.

    A monetary locale that this server does not have is passed over: it
    matters to columns of type money only, which then show as different.
    """
    for name in names:
        try:
            with conn.transaction():
                conn.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, settings[name]))
        except psycopg.errors.InvalidParameterValue:
            if name != "lc_monetary":
                raise
