"""Connections to PostgreSQL, and the one place that translates its errors to ours."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from migrate.postgres.liveness import watch
from migrate.postgres.percent_cursor import PercentCursor
from migrate.postgres.pooler import ADVICE, shares_sessions
from migrate.postgres.url import Address, parse_url
from migrate.runtime.errors import MigrateError, TargetError, TargetUnavailable, UsageError

__all__ = [
    "Address",
    "Connection",
    "async_commit",
    "connect",
    "libpq_environment",
    "parse_url",
    "raise_work_mem",
    "session_settings",
    "to_migrate_error",
    "translate_errors",
]

#: psycopg warns about what it could not undo after an error; that error is reported anyway.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

Connection = psycopg.Connection[tuple[Any, ...]]

#: Memory for building indexes and keys before they spill to the disk, if the server does not give more.
_MEMORY: Final = {"maintenance_work_mem": "128MB", "work_mem": "64MB"}
_AT_LEAST: Final = """
SELECT set_config(v.name, greatest(
    pg_size_bytes(v.size), pg_size_bytes(current_setting(v.name))) / 1024 || 'kB', true)
FROM unnest(%s::text[], %s::text[]) AS v (name, size)
"""
#: Every session of ours reads and writes text in the same way, whatever the defaults of role and database.
_SESSION: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    # Nothing waits forever for a lock; publish sets a shorter limit.
    "lock_timeout": "60s",
    # A statement must see what was committed while it waited for a lock.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # If a machine dies, its session releases the target within minutes, not hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
    # A row that a policy hides would be lost: fail instead, as pg_dump does.
    "row_security": "off",
}
_RESUME_HINT: Final = "run the same command again; it continues where it stopped"
_TRANSIENT: Final = (
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.QueryCanceled,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.TooManyConnections,
    errors.DiskFull,
    errors.OutOfMemory,
)
_PERMANENT_AT_CONNECT: Final = re.compile(
    "password authentication failed|no password supplied|no pg_hba|does not exist|not permitted"
    "|certificate|SSL"
)


def connect(address: Address, *, read_only: bool = False) -> Connection:
    """Return an open connection in autocommit mode, with the same session settings everywhere.

    Times are UTC; the address's schema is first on the search path. With `read_only` every transaction is
    read-only. Raises TargetUnavailable if the server does not answer. Raises TargetError if it refuses, or if
    the endpoint is a transaction pooler.
    """
    try:
        # Prepared statements do not survive a pooler, so the pooler must be detected first.
        conn = psycopg.connect(
            address.conninfo,
            autocommit=True,
            client_encoding="UTF8",
            prepare_threshold=None,
            cursor_factory=PercentCursor,
        )
    except psycopg.Error as error:
        raise _refused(address, error) from error
    try:
        with translate_errors(f"setting up the session at {address.label}"):
            watch(conn)
            # Before any setting: through a pooler it would change a session of the application.
            if shares_sessions(address.conninfo, conn):
                raise TargetError(f"{address.label} is a transaction-pooling endpoint", hint=ADVICE)
            _set_up(conn, address.schema)
            if read_only:
                conn.read_only = True
                conn.execute("SET default_transaction_read_only = on")
    except BaseException:
        conn.close()
        raise
    return conn


def _set_up(conn: Connection, schema: str) -> None:
    # Through pg_settings, because older servers do not know all of them.
    conn.execute(
        "SELECT set_config(s.name, v.value, false)"
        " FROM jsonb_each_text(%s) AS v JOIN pg_settings s ON s.name = v.key",
        (json.dumps(_SESSION),),
    )
    conn.execute(
        "SELECT set_config('search_path', %s || ', ' || current_setting('search_path'), false)",
        (sql.Identifier(schema).as_string(conn),),
    )


def libpq_environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables that give libpq's programs these connection settings.

    The password is passed this way and never in argv. Raises UsageError for a setting that has no variable.
    """
    names = {option.keyword.decode(): option.envvar for option in psycopg.pq.Conninfo.get_defaults()}
    out: dict[str, str] = {}
    for key, value in settings.items():
        if key.startswith(("keepalives", "tcp_")) or key == "fallback_application_name":
            continue  # they say how to wait, not where to connect
        variable = names.get(key)
        if variable is None:
            raise UsageError(
                f"the connection parameter {key} cannot be handed to PostgreSQL's own programs",
                hint="remove it from the target URL",
            )
        out[variable.decode()] = str(value)
    return out


@contextlib.contextmanager
def translate_errors(doing: str) -> Iterator[None]:
    """Translate PostgreSQL's errors inside the block to ours; `doing` says what was being done.

    The message names table, column and constraint, never the text of a row.
    """
    try:
        yield
    except psycopg.Error as error:
        raise to_migrate_error(doing, error) from error


def to_migrate_error(doing: str, error: psycopg.Error) -> MigrateError:
    """Return the TargetError or TargetUnavailable for `error`, for the operator."""
    lost = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
    if lost or (error.sqlstate or "").startswith("08"):
        return TargetUnavailable(f"{doing}: the connection to PostgreSQL was lost", hint=_RESUME_HINT)
    message = f"{doing}: {server_words(error)}"
    if isinstance(error, _TRANSIENT):
        return TargetUnavailable(message, hint=_RESUME_HINT)
    if isinstance(error, errors.InsufficientPrivilege):
        return TargetError(message, hint="connect as the owner of the tables, or grant the permission")
    return TargetError(message)


def server_words(error: psycopg.Error) -> str:
    """Return what PostgreSQL says of an error, without a value of a row."""
    diagnosis = error.diag
    state = error.sqlstate or "no SQLSTATE"
    # Data exceptions (class 22) and broken constraints (class 23) quote the offending value.
    if state[:2] in ("22", "23"):
        text = type(error).__name__
    else:
        text = (diagnosis.message_primary or str(error)).splitlines()[0]
    parts = [f"{text} ({state})"]
    for name, value in (
        ("table", diagnosis.table_name),
        ("column", diagnosis.column_name),
        ("constraint", diagnosis.constraint_name),
    ):
        if value:
            parts.append(f"{name} {value}")
    place = re.match(r'COPY ([^,"\n]+), line (\d+)(?:, column ([^:"\n]+))?', diagnosis.context or "")
    if place:
        parts.append(f"COPY {place[1]}, row {place[2]}" + (f", column {place[3]}" if place[3] else ""))
    return ", ".join(parts)


def raise_work_mem(conn: Connection) -> None:
    """Give the transaction enough memory to build indexes and check keys; a larger setting of the server
    stays.
    """
    conn.execute(_AT_LEAST, (list(_MEMORY), list(_MEMORY.values())))


@contextlib.contextmanager
def session_settings(conn: Connection, settings: Mapping[str, str]) -> Iterator[None]:
    """Change some settings of the session inside the block, and restore them after it.

    If the block fails inside a transaction, the rollback restores them.
    """
    before = [
        conn.execute("SELECT current_setting(%s), set_config(%s, %s, false)", (name, name, value)).fetchone()
        for name, value in settings.items()
    ]
    try:
        yield
    finally:
        if not conn.closed and conn.info.transaction_status != TransactionStatus.INERROR:
            for name, row in zip(settings, before, strict=True):
                assert row is not None
                conn.execute("SELECT set_config(%s, %s, false)", (name, row[0]))


def async_commit(conn: Connection) -> contextlib.AbstractContextManager[None]:
    """Let commits inside the block return before the disk has them; the first commit after it flushes them
    all.

    A crash of the server can undo the last of these commits, but never a part of one.
    """
    return session_settings(conn, {"synchronous_commit": "off"})


def _refused(address: Address, error: psycopg.Error) -> MigrateError:
    text = str(error).strip().splitlines()
    reason = text[0] if text else type(error).__name__
    message = f"cannot connect to {address.label}: {reason}"
    if any(_PERMANENT_AT_CONNECT.search(line) for line in text):
        return TargetError(
            message, hint="check user, password, database name and TLS options of the target URL"
        )
    return TargetUnavailable(
        message,
        hint="check that the server runs and is reachable from here, then run the same command again",
    )
