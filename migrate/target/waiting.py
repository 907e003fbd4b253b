"""Who holds a lock that a publish wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psycopg

from migrate.target.connection import Connection

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
