"""Copies rows from one database to another, by COPY into COPY, without a file in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from backups.content import RENDERING, read_rendering, set_rendering
from backups.errors import BackupError, say

# search_path stays each side's own: it changes how names of objects are printed, and differs on purpose.
_EQUAL: Final = tuple(name for name in RENDERING if name != "search_path")
_COLUMNS: Final[LiteralString] = """
    SELECT a.attname, a.attgenerated <> '' FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


def copy_tables(
    from_conn: psycopg.Connection,
    to_conn: psycopg.Connection,
    from_schema: str,
    to_schema: str,
    tables: Sequence[str],
) -> dict[str, int]:
    """Copy all rows of `tables`, column by name, and return the number of rows of each.

    The columns are the target's, without its generated ones; values are sent as PostgreSQL's text, so they do
    not change. Memory does not grow with the table. Runs inside the transaction of `to_conn`; if there is
    none, each table is its own transaction. `from_conn` should be in a REPEATABLE READ transaction if there
    may be writers.

    Raises BackupError if a table or column of one side is missing on the other, or a row is refused; no
    message quotes a row.
    """
    try:
        set_rendering(from_conn, read_rendering(to_conn), _EQUAL)
        from_conn.execute(
            "SELECT set_config('client_encoding', %s, false)",
            (to_conn.info.parameter_status("client_encoding"),),
        )
    except psycopg.Error as error:
        raise BackupError(f"the two databases cannot use the same value formats: {say(error)}") from error
    return {table: _copy(from_conn, to_conn, from_schema, to_schema, table) for table in tables}


def _copy(
    from_conn: psycopg.Connection,
    to_conn: psycopg.Connection,
    from_schema: str,
    to_schema: str,
    table: str,
) -> int:
    try:
        columns = _shared_columns(from_conn, to_conn, from_schema, to_schema, table)
        read = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
            columns, sql.Identifier(from_schema, table)
        )
        write = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(to_schema, table), columns)
        with from_conn.cursor() as source, to_conn.transaction(), to_conn.cursor() as target:
            with source.copy(read) as rows, target.copy(write) as sink:
                # libpq returns one row at a time; nothing is decoded.
                for row in rows:
                    sink.write(row)
            copied, arrived = source.rowcount, target.rowcount
    except psycopg.Error as error:
        raise BackupError(f"table {table} could not be copied: {say(error)}") from error
    if copied != arrived:
        raise BackupError(f"table {table} could not be copied: of {copied} rows {arrived} arrived")
    return arrived


def _shared_columns(
    from_conn: psycopg.Connection,
    to_conn: psycopg.Connection,
    from_schema: str,
    to_schema: str,
    table: str,
) -> sql.Composed:
    source: dict[str, bool] = dict(from_conn.execute(_COLUMNS, (from_schema, table)).fetchall())
    target: dict[str, bool] = dict(to_conn.execute(_COLUMNS, (to_schema, table)).fetchall())
    for here, where in ((source, from_schema), (target, to_schema)):
        if not here:
            raise BackupError(
                f"the schema {where} has no table {table}",
                hint="restore the live schema as it was at the time of the backup, then run the "
                "same command again",
            )
    wanted = [name for name, generated in target.items() if not generated]
    missing = [name for name in wanted if name not in source]
    lost = [name for name, generated in source.items() if not generated and name not in target]
    if missing or lost:
        parts = [f"{name} is in the target only" for name in missing]
        parts += [f"{name} is in the backup only" for name in lost]
        raise BackupError(
            f"the columns of table {table} changed since the backup: {', '.join(parts)}",
            hint="restore the live schema as it was at the time of the backup, then run the same "
            "command again",
        )
    return sql.SQL(", ").join(sql.Identifier(name) for name in wanted)
