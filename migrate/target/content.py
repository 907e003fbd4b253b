"""What a table holds, in two numbers that do not depend on the order of its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from migrate.errors import TargetError
from migrate.target.connection import Connection, mapped


@dataclass(frozen=True)
class Content:
    """The number of rows of a table and the sum of their 64-bit hashes, as decimal text.

    The hash is PostgreSQL's own over the row as text, so two contents compare
    only where both sessions were opened by `connect` and the columns stand in
    the same order.
    """

    rows: int
    checksum: str


def measure(conn: Connection, schema: str, table: str) -> Content:
    """Return the content of one table. Raises TargetError where it cannot be read."""
    query = sql.SQL(
        "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM ONLY {} AS t"
    ).format(sql.Identifier(schema, table))
    with mapped(f"measuring the content of {schema}.{table}"):
        row = conn.execute(query).fetchone()
    if row is None:
        raise TargetError(f"measuring the content of {schema}.{table}: no answer")
    return Content(rows=row[0], checksum=row[1])


def measure_all(conn: Connection, schema: str, tables: Iterable[str]) -> dict[str, Content]:
    """Return the content of each of the tables, by name."""
    return {table: measure(conn, schema, table) for table in tables}
