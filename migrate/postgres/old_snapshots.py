"""Sessions that may still see the database as it was before the staged rows were committed.

A transaction that keeps one snapshot (REPEATABLE READ, a dump, a long query) sees a swapped table as of its
snapshot: empty, if the snapshot is older than the staged rows. PostgreSQL shows for every session the oldest
transaction that its snapshots treat as unfinished.
"""

from __future__ import annotations

import time
from typing import Final

from migrate.postgres.connection import Connection

_EVERY: Final = 0.1  # seconds between two looks
_HORIZON: Final = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
#: Sessions of this database and processes of none (a replica's sender hands its readers' views on).
_OLDER: Final = """
SELECT 'session ' || a.pid || ' (' || coalesce(nullif(a.application_name, ''), 'an application') || ')'
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid()
  AND (a.datid IS NULL
    -- An autovacuum is nobody's session, and reads no rows for anybody.
    OR (a.usesysid IS NOT NULL
      AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())))
  AND age(a.backend_xmin) > age(%(horizon)s::xid8::xid)
UNION ALL
SELECT 'the replication slot ' || s.slot_name FROM pg_replication_slots s
WHERE age(s.xmin) > age(%(horizon)s::xid8::xid)
ORDER BY 1
"""
#: A sender without a view: its replica's readers, if it has any, cannot be seen.
_SILENT: Final = """
SELECT coalesce(nullif(r.application_name, ''), 'process ' || r.pid)
FROM pg_stat_replication r JOIN pg_stat_activity a ON a.pid = r.pid
LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
WHERE a.datid IS NULL AND a.backend_xmin IS NULL AND s.xmin IS NULL
ORDER BY 1
"""


def xmin_horizon(conn: Connection) -> str:
    """Return the transaction number below which everything that is committed now lies.

    A snapshot that is taken from now on, while no older transaction runs, sees all of it.
    """
    row = conn.execute(_HORIZON).fetchone()
    assert row is not None
    return str(row[0])


def old_snapshots(conn: Connection, horizon: str) -> list[str]:
    """Return the sessions and slots that may see the database as it was before `horizon`.

    This includes a session whose snapshot is newer but was taken while an older transaction was writing: from
    outside the two look the same. The query needs no privilege.
    """
    conn.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction the answer would not change
    return [name for (name,) in conn.execute(_OLDER, {"horizon": horizon}).fetchall()]


def wait_for_older_views(conn: Connection, horizon: str, seconds: float) -> list[str]:
    """Wait at most so many seconds until there is no older snapshot; return those that are still there."""
    until = time.monotonic() + seconds
    while (older := old_snapshots(conn, horizon)) and time.monotonic() < until:
        time.sleep(_EVERY)
    return older


def silent_replicas(conn: Connection) -> list[str]:
    """Return the read replicas that do not report how old their readers' snapshots are."""
    return [name for (name,) in conn.execute(_SILENT).fetchall()]
