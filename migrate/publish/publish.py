"""Publish: the staged rows become the live ones, in the one transaction that changes live tables.

If possible, the staged tables are swapped with the live ones, which takes milliseconds; otherwise the rows
are copied. Then the old rows are deleted, not truncated: TRUNCATE shows an empty table to a transaction with
an older snapshot, and a reader must see all old or all new rows. The tables are locked within `lock_timeout`
or not at all, so that the application never queues behind a publish that itself waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import psycopg
import tenacity
from psycopg import sql

from migrate.postgres.catalog import introspect
from migrate.postgres.connection import Connection, raise_work_mem, to_migrate_error, translate_errors
from migrate.postgres.locks import LOCK_NOT_AVAILABLE, Locks, blocking_sessions
from migrate.postgres.sequences import raise_sequences
from migrate.postgres.table_checksum import Content, measure
from migrate.publish.publication import Kind, Publication, record, swap_ids
from migrate.publish.strategy import (
    OldSnapshots,
    OnProgress,
    PublishRequest,
    PublishStrategy,
    choose_strategy,
    protected_definitions,
    replace_rows,
    require_no_older_views,
)
from migrate.publish.swap import NOTHING_BUILT, BuiltAhead, lock_staged
from migrate.runtime import announce
from migrate.runtime.amount import amount
from migrate.runtime.errors import LiveChanged, TargetError, TargetUnavailable
from migrate.staging.ledger import Ledger
from migrate.staging.schema import ID_MAP

__all__ = ["Kind", "Publication", "publish"]

_SESSION: Final = {
    "idle_in_transaction_session_timeout": "0",
    # Rows keep the order they were staged in, even if another session reads the table.
    "synchronize_seqscans": "off",
}
#: After this many tries readers are blocked from the beginning: they wait longer, but we get the locks.
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

    `expected` is what each of these tables held when it was backed up. An attempt waits `lock_timeout_ms` for
    the locks, but always less than the server's `deadlock_timeout`, so that no query of the application is
    ended because of us. Before the locks, a swap waits `patience` seconds for snapshots that are older than
    the staged rows. `before_commit` is called inside the transaction as its last step; if it raises,
    everything is undone. `built_ahead` is the result of `build_concurrently`, if nothing was written to the
    staged tables since.

    Raises LiveChanged (live rows changed after the backup), AlreadyRunning (another run owns the target),
    TargetUnavailable (no locks in `attempts` tries of `lock_timeout_ms` each, or the connection was lost: the
    ledger then says whether the commit succeeded), TargetError (a row breaks a constraint, or the schema
    would not have come back the same).
    """
    request = PublishRequest(
        ledger, schema, staging, tuple(filled), tuple(emptied), dict(expected), run_id, kind, backup_digest,
        lock_timeout_ms, on_progress, before_commit, built_ahead,
    )  # fmt: skip
    both = set(request.filled) & set(request.emptied)
    if both:
        raise TargetError(f"{', '.join(sorted(both))} cannot be both filled and emptied")
    if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise TargetError("publish needs a connection of its own, outside any transaction")
    with translate_errors("preparing to publish"):
        strategy = choose_strategy(conn, request, patience)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((*LOCK_NOT_AVAILABLE, OldSnapshots)),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=20),
        stop=tenacity.stop_after_attempt(attempts),
        before_sleep=lambda state: _announce_retry(conn, request, state, attempts),
        reraise=True,
    )
    try:
        publication: Publication = retrying(_attempt, conn, request, strategy, retrying, attempts)
    except LOCK_NOT_AVAILABLE as error:
        raise _lock_not_available(conn, request, attempts) from error
    except psycopg.Error as error:
        raise to_migrate_error("publishing", error) from error
    return publication if publication.exchanged else _finish(conn, request, publication)


def _attempt(
    conn: Connection,
    request: PublishRequest,
    strategy: PublishStrategy,
    retrying: tenacity.Retrying,
    attempts: int,
) -> Publication:
    tries = int(retrying.statistics.get("attempt_number", 1))
    with conn.transaction():
        _set_up(conn)
        names = list(request.names)
        if strategy.swap is not None:
            lock_staged(conn, strategy.swap)
            names.append((request.ledger.schema, ID_MAP))
        request.on_progress("lock", f"{amount(len(request.managed), 'table')}")
        locks = Locks(conn, names, request.lock_timeout_ms)
        if tries > _GENTLE_TRIES:
            locks.block_readers()
        locks.block_writers()
        frozen = time.monotonic()
        request.ledger.guard(conn)
        replaced = _require_unchanged(conn, request)
        before = protected_definitions(conn, request)
        live = introspect(conn, request.schema).tables  # before readers are blocked; it stays the same
        columns = {
            name: {column.name: column.type for column in live[name].columns} for name in request.managed
        }
        if strategy.swap is not None:
            require_no_older_views(conn, strategy, last=tries >= attempts)
        locks.block_readers()
        locked = time.monotonic() if tries <= _GENTLE_TRIES else frozen
        contents, number = replace_rows(conn, request, strategy, before)
        line = record(
            conn,
            request.ledger,
            request.run_id,
            request.kind,
            contents,
            columns,
            request.backup_digest,
            number,
        )
        if number is None:
            swap_ids(conn, request.ledger, request.staging, line[0])
        raise_sequences(conn, request.schema, request.filled)
        request.before_commit(conn)
        request.on_progress("commit", request.schema)
    now = time.monotonic()
    return Publication(
        id=line[0],
        run_id=request.run_id,
        kind=request.kind,
        at=line[1],
        tables=contents,
        replaced=replaced,
        backup_digest=request.backup_digest,
        attempts=tries,
        exchanged=number is not None,
        frozen=now - frozen,
        seconds=now - locked,
        notes=tuple(f"the rows were copied, since {reason}" for reason in strategy.reasons),
    )


def _announce_retry(
    conn: Connection, request: PublishRequest, state: tenacity.RetryCallState, attempts: int
) -> None:
    error = state.outcome.exception() if state.outcome else None
    reason = "another transaction has an older view of the database"
    if not isinstance(error, OldSnapshots):
        blockers = blocking_sessions(conn, request.names)
        reason = f"the tables are in use{f' by {blockers[0]}' if blockers else ''}"
    announce.retrying("publish", state.attempt_number, attempts, reason, state.upcoming_sleep)


def _set_up(conn: Connection) -> None:
    for name, value in _SESSION.items():
        conn.execute("SELECT set_config(%s, %s, true)", (name, value))
    raise_work_mem(conn)
    # What is reported as published must survive a crash of the server.
    conn.execute(
        "SELECT set_config('synchronous_commit', 'on', true)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )


def _require_unchanged(conn: Connection, request: PublishRequest) -> dict[str, int]:
    replaced: dict[str, int] = {}
    changed: list[str] = []
    for table in request.managed:
        request.on_progress("compare with the backup", table)
        now = measure(conn, request.schema, table)
        replaced[table] = now.rows
        if request.expected.get(table) != now:
            changed.append(table)
    if changed:
        raise LiveChanged(
            f"live rows changed after the backup: {', '.join(changed)}",
            hint="stop the application's writes, then run the same command again; it makes a new "
            "backup first",
        )
    return replaced


def _lock_not_available(conn: Connection, request: PublishRequest, attempts: int) -> TargetUnavailable:
    blockers = blocking_sessions(conn, request.names)
    return TargetUnavailable(
        f"the live tables could not be locked within {request.lock_timeout_ms} ms in {attempts} attempts"
        + (f"; held by {'; '.join(blockers)}" if blockers else ""),
        hint="end these sessions or wait for them, then run the same command again; nothing was changed",
    )


def _finish(conn: Connection, request: PublishRequest, publication: Publication) -> Publication:
    notes = list(publication.notes)
    for table in request.managed:
        request.on_progress("analyze", table)
        name = sql.Identifier(request.schema, table)
        try:
            # Waits for no session of the application and blocks none: it does not cut off the file's end.
            conn.execute(sql.SQL("VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE off) {}").format(name))
        except psycopg.Error as error:
            notes.append(f"{to_migrate_error(f'VACUUM ANALYZE of {table}', error)}; the rows are published")
            break
    return replace(publication, notes=tuple(notes))
