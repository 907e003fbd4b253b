"""Checks the target before anything is changed: what forbids a run, and what the operator should know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import psycopg
from psycopg import sql

from migrate.postgres import privileges, replication
from migrate.postgres.catalog import LiveSchema, Table
from migrate.postgres.connection import Address, Connection, translate_errors
from migrate.postgres.pooler import ADVICE
from migrate.staging.schema import ID_MAP

#: The oldest server that is supported, as libpq numbers versions.
OLDEST: Final = 130000


@dataclass(frozen=True)
class Finding:
    """One finding: an `error` forbids the run, a `note` is information. `hint` is what to do."""

    level: Literal["error", "note"]
    message: str
    hint: str | None = None


def inspect_target(
    address: Address,
    conn: Connection,
    live: LiveSchema,
    *,
    ledger_schema: str,
    staging_schema: str,
    writes: Mapping[str, Iterable[str]],
    emptied: Sequence[str],
    keep: Sequence[str] = (),
) -> list[Finding]:
    """Return everything that forbids a run on this target, or that an operator should know first.

    `writes` names the columns that the mappers give each table, `emptied` the tables that lose their rows,
    `keep` those that keep them. Only reads.
    """
    managed = [*dict.fromkeys([*writes, *emptied])]
    found = [Finding("note", note) for note in address.notes]
    with translate_errors("checking the target"):
        found += _server(address, conn)
        found += _names(live.schema, ledger_schema, staging_schema, managed)
        found += _shape(live, writes, emptied)
        found += _references(live, managed, keep)
        present = [table for table in managed if table in live.tables]
        found += _oddities(conn, live.schema, present)
        found += [
            Finding("error", message, hint)
            for message, hint in replication.published_schemas(conn, (ledger_schema, staging_schema))
        ]
        found += _drops(conn)
        lacking = privileges.missing_rights(
            conn, live.schema, present, sorted(live.tables), (ledger_schema, staging_schema)
        )
    return found + [Finding("error", message, hint) for message, hint in lacking]


def _server(address: Address, conn: Connection) -> Iterator[Finding]:
    if address.pooled:
        yield Finding("error", f"{address.label} is a transaction-pooling endpoint", ADVICE)
    if conn.info.server_version < OLDEST:
        version = conn.info.parameter_status("server_version")
        yield Finding(
            "error", f"the server is PostgreSQL {version}; at least 13 is needed", "upgrade the server"
        )
    row = conn.execute(
        "SELECT pg_is_in_recovery(), current_setting('server_encoding'),"
        " (SELECT reset_val FROM pg_settings WHERE name = 'default_transaction_read_only')"
    ).fetchone()
    assert row is not None
    if row[0]:
        yield Finding(
            "error", "the server is a standby, which takes no writes", "give the URL of the primary server"
        )
    if row[2] == "on":
        yield Finding(
            "error",
            "the database or the role allows only read-only transactions",
            "reset default_transaction_read_only for this role and database",
        )
    if row[1] != "UTF8":
        yield Finding(
            "error",
            f"the database has the encoding {row[1]}, which cannot store every text",
            "create the database with ENCODING 'UTF8'",
        )


def _names(schema: str, ledger: str, staging: str, managed: Sequence[str]) -> Iterator[Finding]:
    if len({schema, ledger, staging}) < 3:
        yield Finding(
            "error",
            f"live schema {schema}, ledger {ledger} and staging {staging} must be three different schemas",
            "change ledger_schema or staging_schema in [target]",
        )
    if ID_MAP in managed:
        yield Finding(
            "error", f"a table named {ID_MAP} cannot be migrated: the staging schema uses this name itself"
        )


def _shape(
    live: LiveSchema, writes: Mapping[str, Iterable[str]], emptied: Sequence[str]
) -> Iterator[Finding]:
    deploy = "update the schema first: prisma migrate deploy"
    missing = [name for name in [*writes, *emptied] if name not in live.tables]
    if missing:
        yield Finding("error", f"the schema {live.schema} has no table {', '.join(missing)}", deploy)
    for name, written in writes.items():
        if name in live.tables:
            yield from _columns(live.tables[name], list(written), deploy)


def _columns(table: Table, written: list[str], deploy: str) -> Iterator[Finding]:
    unknown = [name for name in written if table.column(name) is None]
    if unknown:
        yield Finding("error", f"the table {table.name} has no column {', '.join(unknown)}", deploy)
    computed = [column.name for column in table.columns if column.generated and column.name in written]
    if computed:
        yield Finding(
            "error", f"the columns {', '.join(computed)} of {table.name} are computed by PostgreSQL"
        )
    unfed = [
        column.name
        for column in table.columns
        if column.not_null
        and column.name not in written
        and not (column.default or column.generated or column.identity)
    ]
    unfed += [
        column.name
        for column in table.columns
        if column.not_null and column.sequence and column.name not in written and not column.is_numbered
    ]
    if unfed:
        yield Finding(
            "error",
            f"the mapping does not fill these required columns of {table.name}: {', '.join(unfed)}",
            "give them a default, or make them optional",
        )


def _references(live: LiveSchema, managed: Sequence[str], keep: Sequence[str]) -> Iterator[Finding]:
    for key in live.foreign_keys:
        inside = key.schema == live.schema and key.table in managed
        if key.ref_schema != live.schema or key.ref_table not in managed or inside:
            continue
        name = key.table if key.schema == live.schema else f"{key.schema}.{key.table}"
        kept = " and is to be kept" if name in keep else ""
        yield Finding(
            "error",
            f"{name} references {key.ref_table} ({key.name}){kept}, but those rows are replaced",
            f"add {name} to [target] empty, or drop that foreign key"
            + (f"; {name} is in [target] keep" if kept else ""),
        )


def _drops(conn: Connection) -> Iterator[Finding]:
    """Find out if an event trigger forbids to drop tables, as every run does with its staging."""
    query = "SELECT string_agg(evtname, ', ' ORDER BY evtname) FROM pg_event_trigger WHERE evtenabled <> 'D'"
    row = conn.execute(query).fetchone()
    if row is None or row[0] is None:
        return
    try:
        with conn.transaction(force_rollback=True):
            conn.execute("SET TRANSACTION READ WRITE")
            conn.execute("CREATE TEMPORARY TABLE migrate_probe (n integer)")
            conn.execute("DROP TABLE pg_temp.migrate_probe")
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        reason = (error.diag.message_primary or type(error).__name__).rstrip(".")
        yield Finding(
            "error",
            f"an event trigger ({row[0]}) forbids to make or drop tables: {reason}",
            "disable it for the time of the migration: ALTER EVENT TRIGGER NAME DISABLE;",
        )


_ODDITIES: Final = """
SELECT c.relname, c.relkind = 'p' OR c.relispartition
           OR EXISTS (SELECT 1 FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)),
       EXISTS (SELECT 1 FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_enabled <> 'D'),
       (SELECT string_agg(DISTINCT k.conname, ', ') FROM pg_trigger t JOIN pg_constraint k
            ON k.oid = t.tgconstraint AND k.contype = 'f' WHERE t.tgrelid = c.oid AND t.tgenabled <> 'O'),
       (SELECT string_agg(t.tgname, ', ' ORDER BY t.tgname) FROM pg_trigger t
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'),
       (SELECT string_agg(DISTINCT p.pubname, ', ') FROM pg_publication_tables p
        WHERE p.schemaname = n.nspname AND p.tablename = c.relname),
       (SELECT bool_or(b.pubdelete) FROM pg_publication_tables p JOIN pg_publication b USING (pubname)
        WHERE p.schemaname = n.nspname AND p.tablename = c.relname)
           AND (c.relreplident = 'n' OR (c.relreplident = 'd'
                AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))),
       (SELECT string_agg(DISTINCT m.oid::regclass::text, ', ') FROM pg_depend d
        JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
        JOIN pg_class m ON m.oid = w.ev_class AND m.relkind = 'm'
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = ANY (%s) AND c.relkind IN ('r', 'p')
ORDER BY c.relname
"""


def _oddities(conn: Connection, schema: str, managed: Sequence[str]) -> Iterator[Finding]:
    rows = conn.execute(_ODDITIES, (schema, list(managed))).fetchall()
    for table, tree, rules, disabled, triggers, publications, unidentified, materialized in rows:
        name = sql.Identifier(table).as_string(conn)
        if tree:
            yield Finding("error", f"{table} is partitioned or inherits, which is not supported")
        if rules:
            yield Finding("error", f"{table} has rules, which would change the migration's own statements")
        if disabled:
            yield Finding(
                "error",
                f"triggers of foreign keys ({disabled}) at {table} are disabled; the migration "
                "would enable them",
                f"run: ALTER TABLE {name} ENABLE TRIGGER ALL;",
            )
        if unidentified:
            yield Finding(
                "error",
                f"{table} is in the publication {publications} but has no replica identity",
                f"run: ALTER TABLE {name} REPLICA IDENTITY FULL;",
            )
        elif publications:
            yield Finding(
                "note", f"{table} is in the publication {publications}: subscribers receive every new row"
            )
        if triggers:
            yield Finding("note", f"the triggers {triggers} of {table} do not fire during the migration")
        if materialized:
            yield Finding(
                "note", f"{materialized} is built from {table} and shows the old rows until you refresh it"
            )
