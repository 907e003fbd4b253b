"""What a table holds, in two numbers that do not depend on the order of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import sql

from migrate.postgres.connection import Connection, translate_errors
from migrate.runtime.errors import TargetError

_COLUMNS: Final = """
SELECT attname, atttypid::regtype::text FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
# Hashing a row as one text takes six times as long. Types that are not listed are hashed as text.
_AS_TEXT: Final[LiteralString] = 'hashtextextended({}::text COLLATE pg_catalog."C", {})'
_AS_INTEGER: Final[LiteralString] = "hashint8extended({}::int8, {})"
_HASHES: Final[dict[str, LiteralString]] = {
    "smallint": _AS_INTEGER,
    "integer": _AS_INTEGER,
    "bigint": _AS_INTEGER,
    "boolean": "hashint8extended({}::int4::int8, {})",
    "timestamp without time zone": "timestamp_hash_extended({}, {})",
    "timestamp with time zone": "timestamp_hash_extended({} AT TIME ZONE 'UTC', {})",
}


@dataclass(frozen=True)
class Content:
    """The number of rows of a table and the sum of their 64-bit hashes, as decimal text.

    A row's hash is made from the hashes of its cells, each computed by PostgreSQL with the position of its
    column, for most types from the text. So two contents can be compared only if both sessions were opened by
    `connect` and the columns have the same order.
    """

    rows: int
    checksum: str


def measure(conn: Connection, schema: str, table: str) -> Content:
    """Return the content of one table. Raises TargetError if it cannot be read."""
    name = sql.Identifier(schema, table)
    with translate_errors(f"measuring the content of {schema}.{table}"):
        query = sql.SQL(
            "SELECT count(*), coalesce(sum(hashint8extended({}, 0)), 0)::text FROM ONLY {} AS t"
        ).format(row_hash(conn, name), name)
        row = conn.execute(query).fetchone()
    if row is None:
        raise TargetError(f"measuring the content of {schema}.{table}: no answer")
    return Content(rows=row[0], checksum=row[1])


def row_hash(conn: Connection, name: sql.Identifier) -> sql.Composable:
    """Return an expression of 64 bits for a row of `name AS t`; a cell that is null adds nothing to it."""
    columns = conn.execute(_COLUMNS, (name.as_string(conn),)).fetchall()
    cells = [
        sql.SQL("coalesce({}, 0)").format(
            sql.SQL(_HASHES.get(kind, _AS_TEXT)).format(sql.Identifier("t", name), sql.Literal(place))
        )
        for place, (name, kind) in enumerate(columns, 1)
    ]
    return sql.SQL(" # ").join([sql.SQL("0::int8"), *cells])


def measure_all(conn: Connection, schema: str, tables: Iterable[str]) -> dict[str, Content]:
    """Return the content of each of the tables, by name."""
    return {table: measure(conn, schema, table) for table in tables}


def count_all(conn: Connection, schema: str, tables: Sequence[str]) -> dict[str, int]:
    """Return the number of rows of each of the tables, in one query. Raises TargetError if one is refused."""
    counts = sql.SQL(", ").join(
        sql.SQL("(SELECT count(*) FROM ONLY {})").format(sql.Identifier(schema, table)) for table in tables
    )
    with translate_errors(f"counting the rows of the tables in {schema}"):
        row = conn.execute(sql.SQL("SELECT ARRAY[{}]::int8[]").format(counts)).fetchone()
    assert row is not None
    return dict(zip(tables, row[0], strict=True))
