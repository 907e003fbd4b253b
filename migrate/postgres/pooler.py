"""Detects a transaction-pooling endpoint: it does not give one connection one session.

Through such an endpoint every transaction may run in another session: advisory locks, settings and staging
connections would leak into the application's sessions or get lost.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from migrate.postgres.liveness import watch

ADVICE: Final = (
    "give the direct URL of the server (Prisma calls it directUrl or DIRECT_URL):"
    " port 5432 instead of 6543, the host without -pooler, no pgbouncer=true"
)
_ROUNDS: Final = 3


def shares_sessions(conninfo: str, conn: psycopg.Connection[Any]) -> bool:
    """Return whether `conn`, in autocommit mode, was opened through a transaction-pooling endpoint.

    No setting of any session is changed. A server reports the process id that serves the connection; a pooler
    reports a number of its own. Only in that case a second connection is opened: under session pooling it
    never gets the process of the first one, under transaction pooling it does.
    """
    if _pid(conn) == conn.info.backend_pid:
        return False
    try:
        with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as other:
            watch(other)
            for _ in range(_ROUNDS):
                mine = _pid(conn)
                with other.transaction():
                    if _pid(other) == mine or _pid(conn) != mine:
                        return True
    except psycopg.OperationalError:
        return False  # a pool of one session, which the first connection keeps for itself
    return False


def _pid(conn: psycopg.Connection[Any]) -> int:
    row = conn.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
