"""The tables of the ledger, and their creation."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Final

from psycopg import errors, sql

from migrate.postgres.connection import Connection, translate_errors
from migrate.runtime.errors import StateMismatch, TargetError

VERSION: Final = "2"
#: Taken while the ledger is created, so that two first runs do not create it at the same time.
_MAKING: Final = 0x6D69_6772_6D61_6B65

_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS {}.setting (
        key text PRIMARY KEY,
        value text NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS {}.owner (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        epoch bigint NOT NULL,
        run_id text,
        holder text,
        pid integer,
        since timestamptz)""",
    """CREATE TABLE IF NOT EXISTS {}.run (
        run_id text PRIMARY KEY,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        facts jsonb NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS {}.batch (
        run_id text NOT NULL,
        stage text NOT NULL,
        mapper text NOT NULL,
        number integer NOT NULL CHECK (number > 0),
        first bigint,
        last bigint,
        source_rows bigint NOT NULL,
        target_rows jsonb NOT NULL,
        committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (run_id, mapper, number))""",
    # The first rows of each outcome in the batch, and the sums of its cells; a ledger of 0.1.0 has neither.
    "ALTER TABLE {}.batch ADD COLUMN IF NOT EXISTS first_fates jsonb",
    "ALTER TABLE {}.batch ADD COLUMN IF NOT EXISTS sums jsonb",
    """CREATE TABLE IF NOT EXISTS {}.finished (
        run_id text NOT NULL,
        stage text NOT NULL,
        mapper text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (run_id, mapper))""",
    """CREATE TABLE IF NOT EXISTS {}.fate (
        run_id text NOT NULL,
        source_table text NOT NULL,
        source_id text NOT NULL,
        fate text NOT NULL CHECK (fate IN ('merged', 'rejected', 'excluded')),
        reason text NOT NULL,
        detail text)""",
    # Loading rows into a key of three texts takes the server five times as long; the checks find a row with
    # two outcomes. In a publication of all tables, rows without a key or this identity cannot be deleted.
    "ALTER TABLE {}.fate DROP CONSTRAINT IF EXISTS fate_pkey",
    "ALTER TABLE {}.fate REPLICA IDENTITY FULL",
    # It costs nothing while rows are loaded; `Ledger.finish` brings it up to date.
    "CREATE INDEX IF NOT EXISTS fate_table_idx ON {}.fate USING brin (run_id, source_table)",
    """CREATE TABLE IF NOT EXISTS {}.warning (
        run_id text NOT NULL,
        source_table text NOT NULL,
        source_id text NOT NULL,
        column_name text,
        rule text NOT NULL,
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)""",
    # A ledger of 0.1.0 has no key there; without one a publication of all tables forbids to delete.
    """ALTER TABLE {}.warning
        ADD COLUMN IF NOT EXISTS number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY""",
    "CREATE INDEX IF NOT EXISTS warning_run_id_idx ON {}.warning (run_id)",
    """CREATE TABLE IF NOT EXISTS {}.id_map (
        entity text NOT NULL,
        legacy_id text NOT NULL,
        new_id text NOT NULL,
        via text NOT NULL,
        PRIMARY KEY (entity, legacy_id))""",
    "CREATE INDEX IF NOT EXISTS id_map_new_id_idx ON {}.id_map (new_id)",
    """CREATE TABLE IF NOT EXISTS {}.publication (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run_id text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('publish', 'rollback')),
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        tables jsonb NOT NULL,
        backup_digest text)""",
    """CREATE TABLE IF NOT EXISTS {}.replaced_id_map (
        publication integer NOT NULL,
        entity text NOT NULL,
        legacy_id text NOT NULL,
        new_id text NOT NULL,
        via text NOT NULL,
        PRIMARY KEY (publication, entity, legacy_id))""",
    "INSERT INTO {}.owner (epoch) VALUES (0) ON CONFLICT DO NOTHING",
)
_NAMES: Final = [
    found[1] for statement in _TABLES if (found := re.search(r"TABLE IF NOT EXISTS {}\.(\w+)", statement))
]
#: Those that `migrate.pipeline.fleet.ledger` adds for a fleet.
_OF_FLEET: Final = ("fleet_tenant", "fleet_id_map", "fleet_shared", "fleet_kept", "fleet_pace")
#: Names what the statements make, so that a ledger that has it already is not altered again.
_STRUCTURE: Final = hashlib.sha256("\n".join(_TABLES).encode()).hexdigest()


def make_schema(conn: Connection, name: str, purpose: str) -> None:
    """Create the schema `name` if it is missing.

    Raises TargetError with the missing privilege and the statement that an owner of the database can run
    instead.
    """
    row = conn.execute("SELECT current_database(), current_user, to_regnamespace(%s) IS NOT NULL",
                       (sql.Identifier(name).as_string(conn),)).fetchone()  # fmt: skip
    assert row is not None
    database, user, exists = row
    if exists:
        return
    try:
        with translate_errors(f"creating the schema {name}"):
            conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            conn.execute(
                sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(name), sql.Literal(purpose))
            )
    except TargetError as error:
        if not isinstance(error.__cause__, errors.InsufficientPrivilege):
            raise
        statement = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(
            sql.Identifier(name), sql.Identifier(user)
        )
        raise TargetError(
            f"the role {user} may not create the schema {name} in the database {database}",
            hint=f"an owner of the database must run: {statement.as_string(conn)};",
        ) from error


def create(conn: Connection, schema: str) -> None:
    """Create the ledger's schema and tables if they are missing; safe to repeat and to run concurrently.

    Raises StateMismatch if there is a ledger of another version.
    """
    with translate_errors(f"creating the ledger in {schema}"), conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
        make_schema(conn, schema, "ledger of the migration")
        setting = sql.Identifier(schema, "setting")
        # ALTER TABLE locks a table even if it has nothing to do: it would wait for another run's batch.
        if not _is_complete(conn, schema):
            for statement in _TABLES:
                conn.execute(sql.SQL(statement).format(sql.Identifier(schema)))
            conn.execute(
                sql.SQL(
                    "INSERT INTO {} VALUES ('structure', {}) "
                    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
                ).format(setting, _STRUCTURE)
            )
        conn.execute(
            sql.SQL("INSERT INTO {} VALUES ('version', {}) ON CONFLICT DO NOTHING").format(setting, VERSION)
        )
        row = conn.execute(sql.SQL("SELECT value FROM {} WHERE key = 'version'").format(setting)).fetchone()
        if row is None or row[0] != VERSION:
            raise StateMismatch(
                f"the ledger in {schema} was written by another version of migrate",
                hint="finish or roll back with that version, or set another ledger_schema in [target]",
            )


def _is_complete(conn: Connection, schema: str) -> bool:
    """Return whether the ledger has all its tables, made or altered by the statements of this version."""
    row = conn.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relname = ANY(%s)",
        (sql.Identifier(schema).as_string(conn), _NAMES),
    ).fetchone()
    if row is None or row[0] != len(_NAMES):
        return False
    found = conn.execute(
        sql.SQL("SELECT value FROM {} WHERE key = 'structure'").format(sql.Identifier(schema, "setting"))
    ).fetchone()
    return found is not None and found[0] == _STRUCTURE


def drop(conn: Connection, schema: str, *, keep: Collection[str] = ()) -> list[str]:
    """Drop the ledger's tables except those in `keep`, and its schema if it is empty then.

    Returns the names of the dropped tables. Tables that do not belong to the ledger stay.
    """
    with translate_errors(f"dropping the ledger in {schema}"), conn.transaction():
        found = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)).fetchall()
        of_fleet = [name for name in _OF_FLEET if (name,) in found]
        gone = [name for name in (*_NAMES, *of_fleet) if name not in keep]
        for name in gone:
            conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema, name)))
        left = conn.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(%s))",
            (sql.Identifier(schema).as_string(conn),),
        ).fetchone()
        if left is not None and not left[0]:
            conn.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(schema)))
    return gone
