"""The staging schema: tables like the live ones, without the parts that make loading slow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from psycopg import sql

from migrate.postgres.catalog import Table, introspect
from migrate.postgres.connection import Connection, translate_errors
from migrate.postgres.ddl import read_options
from migrate.runtime.errors import TargetError
from migrate.staging.ledger import Ledger
from migrate.staging.ledger_schema import make_schema

#: The name of the staged id map, in the same schema as the staged tables.
ID_MAP: Final = "id_map"
#: The comment on each table of ours: a schema that holds any other table is never cleared.
_MARK: Final = "staging of the migration"
#: PostgreSQL 14 lets a column choose how it is compressed.
_COMPRESSES: Final = 140000


def create(conn: Connection, schema: str, staging: str, tables: Iterable[str]) -> None:
    """Create an empty staging schema for `tables` of the live `schema`; an earlier one is dropped.

    A staged table has the live columns, types, computed columns, defaults and storage options, but no keys,
    indexes, foreign keys, NOT NULL or checks, because the checks report the rows that break them. Autovacuum
    is off. A default that uses a sequence is left out, because it would advance the live sequence. All in one
    transaction.

    Raises TargetError if a live table is missing, if the schema holds tables that are not ours, or if we may
    not create it.
    """
    live = introspect(conn, schema).tables
    wanted = list(dict.fromkeys(tables))
    missing = [table for table in wanted if table not in live]
    if missing:
        raise TargetError(
            f"the schema {schema} has no table {', '.join(missing)}",
            hint="apply the Prisma schema first: prisma migrate deploy",
        )
    with translate_errors(f"creating the staging schema {staging}"), conn.transaction():
        make_schema(conn, staging, _MARK)
        _clear(conn, staging)
        for table in wanted:
            _make(conn, schema, staging, live[table])
        conn.execute(
            sql.SQL("CREATE TABLE {} (entity text, legacy_id text, new_id text, via text)").format(
                sql.Identifier(staging, ID_MAP)
            )
        )
        _leave_alone(conn, sql.Identifier(staging, ID_MAP))
        _mark(conn, sql.Identifier(staging, ID_MAP))


def add_empty(conn: Connection, schema: str, staging: str, tables: Iterable[str]) -> None:
    """Create an empty staged table for each of the live `tables` that has none yet; safe to repeat.

    Raises TargetError if an existing one holds rows.
    """
    live, there = introspect(conn, schema).tables, set(_tables(conn, staging))
    with translate_errors(f"adding to the staging schema {staging}"), conn.transaction():
        for table in tables:
            if table not in there:
                _make(conn, schema, staging, live[table])
                continue
            name = sql.Identifier(staging, table)
            row = conn.execute(sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(name)).fetchone()
            if row is not None and row[0]:
                raise TargetError(
                    f"the staged table {table} has rows, but publish must empty the live one",
                    hint="start again with `migrate run --fresh`",
                )


def drop(conn: Connection, staging: str) -> None:
    """Drop the staged tables, and the schema itself if this program created it; nothing to drop is not an
    error.
    """
    with translate_errors(f"dropping the staging schema {staging}"), conn.transaction():
        row = conn.execute(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", (staging,)
        ).fetchone()
        if row is None:
            return
        _clear(conn, staging)
        if row[0] == _MARK:
            conn.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(staging)))


def analyze(conn: Connection, staging: str) -> None:
    """Compute the planner's statistics of the staged tables, for the checks that follow."""
    with translate_errors(f"analyzing the staging schema {staging}"):
        for table in _tables(conn, staging):
            conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(staging, table)))


def restore_id_map(conn: Connection, ledger: Ledger, staging: str, publication: int) -> None:
    """Stage the id map as it was before `publication`: a rollback of it publishes this map."""
    with translate_errors("staging the earlier map of ids"), conn.transaction():
        ledger.guard(conn)
        conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(staging, ID_MAP)))
        conn.execute(
            sql.SQL(
                "INSERT INTO {} SELECT entity, legacy_id, new_id, via FROM {} WHERE publication = %s"
            ).format(sql.Identifier(staging, ID_MAP), ledger.name("replaced_id_map")),
            (publication,),
        )


def _tables(conn: Connection, staging: str) -> list[str]:
    rows = conn.execute(
        "SELECT c.relname, c.relkind = 'r' AND obj_description(c.oid, 'pg_class') IS NOT DISTINCT FROM %s"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY 1",
        (_MARK, staging),
    ).fetchall()
    foreign = [name for name, ours in rows if not ours]
    if foreign:
        raise TargetError(
            f"the schema {staging} holds {', '.join(foreign[:5])}, which migrate did not create",
            hint="set staging_schema in [target] to a schema of its own",
        )
    return [name for name, _ in rows]


def _clear(conn: Connection, staging: str) -> None:
    tables = [sql.Identifier(staging, table) for table in _tables(conn, staging)]
    if tables:  # in one statement: they may reference each other
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(tables)))


def _make(conn: Connection, schema: str, staging: str, table: Table) -> None:
    there, live = sql.Identifier(staging, table.name), sql.Identifier(schema, table.name)
    # Storage options come before the rows: they decide how rows are stored.
    storage = "STORAGE INCLUDING COMPRESSION" if conn.info.server_version >= _COMPRESSES else "STORAGE"
    conn.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING {})").format(
            there, live, sql.SQL(storage)
        )
    )
    changes = [
        sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(sql.Identifier(column.name))
        for column in table.columns
        if column.not_null
    ] + [
        sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(sql.Identifier(column.name))
        for column in table.columns
        if column.sequence and not column.generated
    ]
    for options in read_options(conn, [live.as_string(conn)]).values():
        pairs = [sql.SQL("{} = {}").format(sql.SQL(name), sql.Literal(value)) for name, value in options]
        changes.append(sql.SQL("SET ({})").format(sql.SQL(", ").join(pairs)))
    if changes:
        conn.execute(sql.SQL("ALTER TABLE {} {}").format(there, sql.SQL(", ").join(changes)))
    _leave_alone(conn, there)
    _mark(conn, there)


def _leave_alone(conn: Connection, table: sql.Identifier) -> None:
    """Turn autovacuum off for a staged table: it would block the indexes and keys that are built later.

    The swap sets the live table's own options again.
    """
    off = "autovacuum_enabled = false, toast.autovacuum_enabled = false"
    conn.execute(sql.SQL("ALTER TABLE {} SET ({})").format(table, sql.SQL(off)))


def _mark(conn: Connection, table: sql.Identifier) -> None:
    conn.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(_MARK)))
