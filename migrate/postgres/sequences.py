"""Columns that PostgreSQL numbers itself: serial, identity, and any default that uses a sequence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from migrate.postgres.connection import Connection

_NUMBERED: Final = """
SELECT DISTINCT c.relname, a.attname, sn.nspname, s.relname, q.seqstart, q.seqincrement
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
JOIN pg_depend p ON (p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.deptype = 'n')
    OR (p.refclassid = 'pg_class'::regclass AND p.refobjid = c.oid AND p.refobjsubid = a.attnum
        AND p.classid = 'pg_class'::regclass AND p.deptype = 'i')
JOIN pg_class s ON s.relkind = 'S' AND s.oid = CASE p.deptype WHEN 'n' THEN p.refobjid ELSE p.objid END
    AND (p.deptype = 'i' OR p.refclassid = 'pg_class'::regclass)
JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN pg_namespace sn ON sn.oid = s.relnamespace
WHERE n.nspname = %s AND c.relname = ANY (%s)
ORDER BY 1, 2, 4
"""


@dataclass(frozen=True)
class NumberedColumn:
    """An integer column and the sequence that it uses."""

    table: str
    column: str
    schema: str
    sequence: str
    start: int
    increment: int


def numbered_columns(conn: Connection, schema: str, tables: Iterable[str]) -> list[NumberedColumn]:
    """Return the columns of these tables that get their numbers from a sequence."""
    return [NumberedColumn(*row) for row in conn.execute(_NUMBERED, (schema, list(tables))).fetchall()]


def raise_sequences(conn: Connection, schema: str, tables: Iterable[str]) -> None:
    """Set the tables' sequences to the largest number in use; no sequence is ever set back.

    A rollback of the transaction does not undo this. That does no harm: some numbers are skipped.
    """
    for column in numbered_columns(conn, schema, tables):
        where = sql.Identifier(column.schema, column.sequence)
        rising = column.increment > 0
        conn.execute(
            sql.SQL(
                "SELECT setval({literal}, t.edge)"
                " FROM (SELECT {edge}({column})::bigint AS edge FROM {table}) t,"
                " {sequence} s WHERE t.edge IS NOT NULL AND (t.edge {beyond} s.last_value"
                " OR (t.edge = s.last_value AND NOT s.is_called))"
            ).format(
                literal=sql.Literal(where.as_string(conn)),
                edge=sql.SQL("max" if rising else "min"),
                beyond=sql.SQL(">" if rising else "<"),
                column=sql.Identifier(column.column),
                table=sql.Identifier(schema, column.table),
                sequence=where,
            )
        )
