"""How long publish blocks readers and writers of the live tables: by swap, and by copying rows.

Both publish the same messages over the same number of old ones, so that old rows are compared and removed
too, as in a rollback.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.server import Server, running
from migrate.postgres.catalog import introspect
from migrate.postgres.connection import Connection, connect, parse_url
from migrate.postgres.table_checksum import measure_all
from migrate.publish.publish import publish
from migrate.staging import schema as staging
from migrate.staging.ledger import Ledger

_FILLED: Final = ("users", "messages")
_STAGING: Final = "migrate_staging"
_MESSAGES_A_USER: Final = 20
_USERS: Final = """
INSERT INTO {schema}.users (id, email, username, display_name, role, email_verified, created_at, updated_at)
SELECT md5({tag} || i), md5({tag} || i) || '@example.com', md5({tag} || i), 'x', 'USER', false,
       '2020-01-01', '2020-01-01'
FROM generate_series(1, {users}) i
"""
_MESSAGES: Final = """
INSERT INTO {schema}.messages (id, sender_id, receiver_id, subject, content, created_at)
SELECT md5({tag} || 'm' || i), md5({tag} || (1 + i % {users})), md5({tag} || (1 + i * 7 % {users})),
       'hello', repeat(md5(i::text), 3), '2020-01-01'
FROM generate_series(1, {rows}) i
"""
_IDS: Final = """
INSERT INTO {schema}.id_map
SELECT 'users', i::text, md5({tag} || i), 'users' FROM generate_series(1, {users}) i
"""


def measure_locks(folder: Path, rows: int, say: Callable[[str], None]) -> None:
    """Publish `rows` messages over the same number, both ways, and print the seconds of each."""
    with running(folder) as server:
        for moved in (False, True):
            _measure(server, rows, say, moved=moved)


def _measure(server: Server, rows: int, say: Callable[[str], None], *, moved: bool) -> None:
    with connect(parse_url(server.fresh("locks"))) as conn:
        ledger = Ledger(conn)
        ledger.create()
        ledger.take("locks", "the benchmark")
        _fill(conn, "public", "old", rows)
        if moved:
            conn.execute("CREATE VIEW people AS SELECT id FROM users")
        staging.create(conn, "public", _STAGING, _FILLED)
        _fill(conn, _STAGING, "new", rows)
        staging.analyze(conn, _STAGING)
        tables = list(introspect(conn, "public").tables)
        expected = measure_all(conn, "public", tables)
        conn.execute("CHECKPOINT")
        began = time.monotonic()
        done = publish(
            conn, ledger=ledger, schema="public", staging=_STAGING, filled=_FILLED,
            emptied=[table for table in tables if table not in _FILLED], expected=expected, run_id="locks",
        )  # fmt: skip
        whole = time.monotonic() - began
    assert done.exchanged is not moved
    say(f"{'moved' if moved else 'exchanged'}: {rows:,} messages; readers kept out {done.seconds:.2f} s,"
        f" writers {done.frozen:.2f} s, publish as a whole {whole:.1f} s")  # fmt: skip


def _fill(conn: Connection, schema: str, tag: str, rows: int) -> None:
    users = max(1, rows // _MESSAGES_A_USER)
    for statement in (_USERS, _MESSAGES, *([_IDS] if schema == _STAGING else [])):
        conn.execute(statement.format(schema=schema, tag=f"'{tag}'", users=users, rows=rows).encode())
