"""Creates the tables of an empty schema from a file of DDL, all of them or none."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import pq, sql

from migrate.postgres.catalog import introspect
from migrate.postgres.connection import Connection, server_words, translate_errors
from migrate.postgres.ddl_error import refused_line
from migrate.runtime.errors import TargetError, UsageError


@dataclass(frozen=True)
class Ddl:
    """A file of DDL, read once: `digest` is the SHA-256 of its bytes."""

    path: Path
    text: str
    digest: str


def read_ddl(path: Path) -> Ddl:
    """Return the file. Raises UsageError if it cannot be read."""
    try:
        raw = path.read_bytes()
        return Ddl(path, raw.decode(), hashlib.sha256(raw).hexdigest())
    except FileNotFoundError as error:
        raise UsageError(
            f"[target] schema: there is no file {path}",
            hint="the path is relative to the folder of the configuration file",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"[target] schema: cannot read {path}: {error}") from error


def is_empty(conn: Connection, schema: str) -> bool:
    """Return whether the schema holds no table, view or sequence, or does not exist."""
    with translate_errors(f"looking at the schema {schema}"):
        found = conn.execute(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') LIMIT 1",
            (schema,),
        )
        return found.fetchone() is None


def make_tables(conn: Connection, schema: str, ddl: Ddl) -> list[str]:
    """Run the DDL in the empty `schema`, in one transaction, and return the tables that it created.

    Names without a schema go to `schema`. Raises TargetError if the schema is not empty (another session was
    first), if PostgreSQL refuses a statement (with its line), or if the file ends the transaction; then
    nothing is created.
    """
    doing = f"making the tables of {ddl.path.name} in {schema}"
    with translate_errors(doing):
        try:
            _make(conn, schema, ddl, doing)
        except (psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
            forbidden = isinstance(error, psycopg.errors.InsufficientPrivilege)
            line = None if forbidden else _line_of(conn, schema, ddl, error)
            if line is None:
                raise
            raise TargetError(
                f"{ddl.path}:{line}: PostgreSQL refuses it: {server_words(error)}",
                hint="fix the line; or, if mapping.toml is right, write the file anew with "
                f"`migrate init --regenerate --out {shlex.quote(str(ddl.path.parent))}`",
            ) from error
    return sorted(introspect(conn, schema).tables)


def _make(conn: Connection, schema: str, ddl: Ddl, doing: str) -> None:
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('migrate makes tables'))")
        if not is_empty(conn, schema):
            raise TargetError(f"{doing}: the schema is not empty", hint="run the same command again")
        conn.execute(_path(schema))
        conn.execute(ddl.text.encode())
        if conn.info.transaction_status != pq.TransactionStatus.INTRANS:
            raise TargetError(
                f"{ddl.path.name} ends the transaction that creates its tables",
                hint="remove COMMIT and ROLLBACK from the file, and check what it left in the schema",
            )


def _line_of(conn: Connection, schema: str, ddl: Ddl, error: psycopg.Error) -> int | None:
    """Return the line of the refused statement; the target stays as it is."""
    with conn.transaction(force_rollback=True):
        conn.execute(_path(schema))
        return refused_line(conn, ddl.text, error)


def _path(schema: str) -> sql.Composed:
    return sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema))
