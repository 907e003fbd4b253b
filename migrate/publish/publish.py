"""Publish: the staged rows become the live ones, in the one transaction that touches live tables.

Where it can be, the staged tables take the live ones' place, which takes
moments; else the rows are moved. Then the old ones are deleted, not
truncated: TRUNCATE shows an empty table to a transaction whose snapshot is
older, and a reader must see all old or all new. The tables are locked within
`lock_timeout` or not at all, so that the application never queues behind a
publish that itself waits for something.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import psycopg
import tenacity
from psycopg import sql

from migrate.postgres.connection import Connection, raise_work_mem, to_migrate_error, translate_errors
from migrate.postgres.locks import NOT_TO_BE_HAD, Locks, who_blocks
from migrate.postgres.sequences import raise_sequences
from migrate.postgres.table_checksum import Content, measure
from migrate.publish.publication import Kind, Publication, record, swap_ids
from migrate.publish.strategy import (
    OldSnapshots,
    OnProgress,
    PublishRequest,
    PublishStrategy,
    choose_strategy,
    house,
    replace_rows,
    require_no_older_views,
)
from migrate.publish.swap import NOTHING_BUILT, BuiltAhead, lock_staged
from migrate.runtime.errors import LiveChanged, TargetError, TargetUnavailable
from migrate.staging.ledger import Ledger
from migrate.staging.schema import ID_MAP

__all__ = ["Kind", "Publication", "publish"]

_SESSION: Final = {
    "idle_in_transaction_session_timeout": "0",
    # Rows keep the order they were staged in, whoever else reads the table.
    "synchronize_seqscans": "off",
}
#: After so many tries readers are kept out from the beginning: they wait longer, but the locks are got.
_GENTLE_TRIES: Final = 5


def publish(
    conn: Connection,
    *,
    ledger: Ledger,
    schema: str,
    staging: str,
    filled: Sequence[str],
    emptied: Sequence[str],
    expected: Mapping[str, Content],
    run_id: str,
    kind: Kind = "publish",
    backup_digest: str | None = None,
    lock_timeout_ms: int = 5_000,
    attempts: int = 10,
    patience: float = 5.0,
    on_progress: OnProgress = lambda _doing, _what: None,
    before_commit: Callable[[Connection], None] = lambda _conn: None,
    built_ahead: BuiltAhead = NOTHING_BUILT,
) -> Publication:
    """Replace the rows of `filled` by the staged ones, empty `emptied`, and record it; all or nothing.

    `expected` is what each of these tables held when it was backed up.
    An attempt waits for the locks `lock_timeout_ms`, but always less than the
    server's `deadlock_timeout`, so that no query of the application is ended
    on our account. Before the locks, an exchange waits `patience` seconds for
    views of the database that are older than the staged rows.
    `before_commit` is called inside the transaction as its last act; what it
    raises undoes everything. `furnished` is what `build_concurrently` gave, where nothing
    was written to the staged tables since.

    Raises LiveChanged (live rows moved after the backup), AlreadyRunning (another
    run owns the target), TargetUnavailable (the locks were not to be had in
    `attempts` tries of `lock_timeout_ms` each, or the connection was lost:
    the ledger then tells whether the commit went through), TargetError (a row
    breaks a constraint, or the schema would not have come back the same).
    """
    order = PublishRequest(
        ledger, schema, staging, tuple(filled), tuple(emptied), dict(expected), run_id, kind, backup_digest,
        lock_timeout_ms, on_progress, before_commit, built_ahead,
    )  # fmt: skip
    both = set(order.filled) & set(order.emptied)
    if both:
        raise TargetError(f"{', '.join(sorted(both))} cannot be both filled and emptied")
    if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise TargetError("publish needs a connection of its own, outside any transaction")
    with translate_errors("preparing to publish"):
        way = choose_strategy(conn, order, patience)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((*NOT_TO_BE_HAD, OldSnapshots)),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=20),
        stop=tenacity.stop_after_attempt(attempts),
        reraise=True,
    )
    try:
        publication: Publication = retrying(_attempt, conn, order, way, retrying, attempts)
    except NOT_TO_BE_HAD as error:
        raise _not_to_be_had(conn, order, attempts) from error
    except psycopg.Error as error:
        raise to_migrate_error("publishing", error) from error
    return publication if publication.exchanged else _finish(conn, order, publication)


def _attempt(
    conn: Connection, order: PublishRequest, way: PublishStrategy, retrying: tenacity.Retrying, attempts: int
) -> Publication:
    tries = int(retrying.statistics.get("attempt_number", 1))
    with conn.transaction():
        _set_up(conn)
        names = list(order.names)
        if way.exchange is not None:
            lock_staged(conn, way.exchange)
            names.append((order.ledger.schema, ID_MAP))
        order.on_progress("lock", f"{len(order.managed)} tables")
        locks = Locks(conn, names, order.lock_timeout_ms)
        if tries > _GENTLE_TRIES:
            locks.keep_readers_out()
        locks.keep_writers_out()
        frozen = time.monotonic()
        order.ledger.guard(conn)
        replaced = _require_unchanged(conn, order)
        before = house(conn, order)
        if way.exchange is not None:
            require_no_older_views(conn, way, last=tries >= attempts)
        locks.keep_readers_out()
        locked = time.monotonic() if tries <= _GENTLE_TRIES else frozen
        contents, number = replace_rows(conn, order, way, before)
        line = record(conn, order.ledger, order.run_id, order.kind, contents, order.backup_digest, number)
        if number is None:
            swap_ids(conn, order.ledger, order.staging, line[0])
        raise_sequences(conn, order.schema, order.filled)
        order.before_commit(conn)
        order.on_progress("commit", order.schema)
    now = time.monotonic()
    return Publication(
        id=line[0],
        run_id=order.run_id,
        kind=order.kind,
        at=line[1],
        tables=contents,
        replaced=replaced,
        backup_digest=order.backup_digest,
        attempts=tries,
        exchanged=number is not None,
        frozen=now - frozen,
        seconds=now - locked,
        notes=tuple(f"the rows were moved: {reason}" for reason in way.reasons),
    )


def _set_up(conn: Connection) -> None:
    for name, value in _SESSION.items():
        conn.execute("SELECT set_config(%s, %s, true)", (name, value))
    raise_work_mem(conn)
    # What is reported as published must survive the server's own crash.
    conn.execute(
        "SELECT set_config('synchronous_commit', 'on', true)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )


def _require_unchanged(conn: Connection, order: PublishRequest) -> dict[str, int]:
    replaced: dict[str, int] = {}
    changed: list[str] = []
    for table in order.managed:
        order.on_progress("compare with the backup", table)
        now = measure(conn, order.schema, table)
        replaced[table] = now.rows
        if order.expected.get(table) != now:
            changed.append(table)
    if changed:
        raise LiveChanged(
            f"live rows changed after the backup was made: {', '.join(changed)}",
            hint="stop the application's writes and type the same command again; a new backup is made first",
        )
    return replaced


def _not_to_be_had(conn: Connection, order: PublishRequest, attempts: int) -> TargetUnavailable:
    blockers = who_blocks(conn, order.names)
    return TargetUnavailable(
        f"the live tables could not be locked within {order.lock_timeout_ms} ms in {attempts} attempts"
        + (f"; held by {'; '.join(blockers)}" if blockers else ""),
        hint="end those sessions or wait for them, then type the same command again; nothing was changed",
    )


def _finish(conn: Connection, order: PublishRequest, publication: Publication) -> Publication:
    notes = list(publication.notes)
    for table in order.managed:
        order.on_progress("analyze", table)
        name = sql.Identifier(order.schema, table)
        try:
            # Never waits for the application, nor makes it wait: no cutting of the file's end.
            conn.execute(sql.SQL("VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE off) {}").format(name))
        except psycopg.Error as error:
            notes.append(f"{to_migrate_error(f'VACUUM ANALYZE of {table}', error)}; the rows are published")
            break
    return replace(publication, notes=tuple(notes))
