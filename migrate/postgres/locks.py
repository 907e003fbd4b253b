"""The locks of a publish: all of the tables within a short time, or none; and which sessions block them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Final

import psycopg
from psycopg import errors, sql

from migrate.postgres.connection import Connection, session_settings
from migrate.runtime.errors import TargetUnavailable

#: Only these are tried again: somebody else's transaction was in the way.
LOCK_NOT_AVAILABLE: Final = (
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
WHERE l.granted AND l.pid <> pg_backend_pid()
  AND (n.nspname, c.relname) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 4 DESC NULLS LAST LIMIT 3
"""
#: How often a table that somebody reads is tried again, in seconds.
_EVERY: Final = 0.005
#: Schema and name of a table.
Name = tuple[str, str]


class Locks:
    """The locks of one transaction on the tables, taken in two steps: against writers, then against readers.

    Our waiting never ends a query of the application. PostgreSQL would end it if it waits for a table that we
    hold while we wait for a table that it holds, after its `deadlock_timeout`. So we release everything
    within four fifths of that time after our first lock; after that time we only try a lock and never wait.
    """

    def __init__(self, conn: Connection, tables: Sequence[Name], timeout_ms: int) -> None:
        self._conn = conn
        self._tables = sorted(tables)
        row = conn.execute("SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'").fetchone()
        assert row is not None
        self._patience = max(1, min(timeout_ms, int(row[0]) * 4 // 5)) / 1000
        self._until = 0.0

    def block_writers(self) -> None:
        """Wait until no session writes; from then on rows and definitions do not change and can be read.

        Raises one of `LOCK_NOT_AVAILABLE`, as `block_readers` does.
        """
        self._until = time.monotonic() + self._patience
        self._lock("EXCLUSIVE", self._patience)

    def block_readers(self) -> None:
        """Wait until no session reads; from then on only we use the tables."""
        if not self._until:
            self._until = time.monotonic() + self._patience
        left = self._until - time.monotonic()
        if left > _EVERY:
            self._lock("ACCESS EXCLUSIVE", left)
        else:
            self._ask()
        # Later statements of the transaction wait no longer than this for other locks.
        self._limit("lock_timeout", self._patience)

    def _lock(self, mode: str, seconds: float) -> None:
        # lock_timeout applies to each table; the whole statement may not take longer either.
        for name in ("lock_timeout", "statement_timeout"):
            self._limit(name, seconds)
        names = sql.SQL(", ").join(sql.Identifier(*table) for table in self._tables)
        try:
            self._conn.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(names, sql.SQL(mode)))
        except errors.QueryCanceled as error:  # by the time limit just set
            raise errors.LockNotAvailable(str(error)) from error
        self._limit("statement_timeout", 0)

    def _ask(self) -> None:
        until = time.monotonic() + self._patience
        for table in self._tables:
            while not self._got(table):
                if time.monotonic() > until:
                    raise errors.LockNotAvailable(f"{table[1]} is being read")
                time.sleep(_EVERY)

    def _got(self, table: Name) -> bool:
        statement = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE NOWAIT").format(sql.Identifier(*table))
        try:
            with self._conn.transaction():
                self._conn.execute(statement)
        except errors.LockNotAvailable:
            return False
        return True

    def _limit(self, name: str, seconds: float) -> None:
        milliseconds = max(1, round(seconds * 1000)) if seconds else 0
        self._conn.execute("SELECT set_config(%s, %s, true)", (name, f"{milliseconds}ms"))


@contextlib.contextmanager
def waiting_briefly(conn: Connection, schema: str, timeout_ms: int) -> Iterator[None]:
    """Limit the wait for locks on the live tables inside the block to `timeout_ms`.

    Raises TargetUnavailable, with the sessions that hold the tables, if that was not enough.
    """
    with session_settings(conn, {"lock_timeout": f"{timeout_ms}ms"}):
        try:
            yield
        except TargetUnavailable as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable):
                raise
            tables = conn.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)
            ).fetchall()
            holders = blocking_sessions(conn, [(schema, name) for (name,) in tables])
            raise TargetUnavailable(
                "the live tables are locked" + (f" by {'; '.join(holders)}" if holders else ""),
                hint="a publishing run, or a migration of the application, may hold the tables for a while: "
                "wait for it, then run the same command again; nothing was changed",
            ) from error


def blocking_sessions(conn: Connection, tables: Sequence[Name]) -> list[str]:
    """Return up to three sessions that hold a lock on one of the tables, the oldest first.

    Empty if there is none any more, or if the query fails.
    """
    try:
        rows = conn.execute(
            _BLOCKERS, ([schema for schema, _ in tables], [table for _, table in tables])
        ).fetchall()
    except psycopg.Error:
        return []  # this only adds detail to an error that is raised anyway
    return [
        f"session {pid} ({application}, {state}" + (f", for {seconds} s)" if seconds is not None else ")")
        for pid, application, state, seconds in rows
    ]
