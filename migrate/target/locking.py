"""The locks of a publish: all of the tables within a short time, or none; and who is in the way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

import psycopg
from psycopg import errors, sql

from migrate.errors import TargetUnavailable
from migrate.target.connection import Connection

#: Only these are tried again: somebody else's transaction was in the way.
NOT_TO_BE_HAD: Final = (
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
_BLOCKERS: Final = """
SELECT DISTINCT l.pid, coalesce(nullif(a.application_name, ''), 'an application'),
       coalesce(a.state, 'active'),
       extract(epoch FROM clock_timestamp() - a.xact_start)::int
FROM pg_locks l
JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND l.pid <> pg_backend_pid() AND n.nspname = %s AND c.relname = ANY (%s)
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 4 DESC NULLS LAST LIMIT 3
"""


def lock_tables(conn: Connection, schema: str, tables: Sequence[str], timeout_ms: int) -> None:
    """Lock the tables against everybody until the end of the transaction.

    Waits `timeout_ms`, but always less than `deadlock_timeout`: an
    application that waits for a table we hold, while we wait for one it
    holds, is ended by PostgreSQL after that time. We let go first. Later
    statements of the transaction wait for other locks no longer than that.

    Raises one of `NOT_TO_BE_HAD`.
    """
    row = conn.execute("SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'").fetchone()
    assert row is not None
    patience = max(1, min(timeout_ms, int(row[0]) * 4 // 5))
    # lock_timeout counts for each table anew; the whole statement may take no longer either.
    for name in ("lock_timeout", "statement_timeout"):
        conn.execute("SELECT set_config(%s, %s, true)", (name, f"{patience}ms"))
    names = sql.SQL(", ").join(sql.Identifier(schema, table) for table in sorted(tables))
    try:
        conn.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
    except errors.QueryCanceled as error:  # by the time limit just set
        raise errors.LockNotAvailable(str(error)) from error
    conn.execute("SET LOCAL statement_timeout = 0")


@contextlib.contextmanager
def waiting_briefly(conn: Connection, schema: str, timeout_ms: int) -> Iterator[None]:
    """Let what the block reads of the live tables wait `timeout_ms` for a lock, and no longer.

    Raises TargetUnavailable, naming the sessions that hold the tables, where
    that was not enough.
    """
    usual = conn.execute("SELECT current_setting('lock_timeout')").fetchone()
    conn.execute("SELECT set_config('lock_timeout', %s, false)", (f"{timeout_ms}ms",))
    try:
        yield
    except TargetUnavailable as error:
        if not isinstance(error.__cause__, errors.LockNotAvailable):
            raise
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)).fetchall()
        holders = who_blocks(conn, schema, [name for (name,) in tables])
        raise TargetUnavailable(
            "the live tables are locked" + (f" by {'; '.join(holders)}" if holders else ""),
            hint="a run that publishes holds its tables for a while, and so may the application's own "
            "migration: wait for it, then type the same command again; nothing was changed",
        ) from error
    if usual is not None:
        conn.execute("SELECT set_config('lock_timeout', %s, false)", usual)


def who_blocks(conn: Connection, schema: str, tables: Sequence[str]) -> list[str]:
    """Return up to three sessions that hold a lock on one of the tables, the oldest first.

    Empty where there is none any more, or where it cannot be asked.
    """
    try:
        rows = conn.execute(_BLOCKERS, (schema, list(tables))).fetchall()
    except psycopg.Error:
        return []  # this only adorns an error that is raised anyway
    return [
        f"session {pid} ({application}, {state}" + (f", for {seconds} s)" if seconds is not None else ")")
        for pid, application, state, seconds in rows
    ]
