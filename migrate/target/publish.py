"""Publish: the staged rows become the live ones, in the one transaction that touches live tables.

The old rows are deleted, not truncated: TRUNCATE shows an empty table to a
transaction whose snapshot is older, and a reader must see all old or all new.
The tables are locked within `lock_timeout` or not at all, so that the
application never queues behind a publish that itself waits for something.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

import psycopg
import tenacity
from psycopg import sql

from migrate.errors import LiveChanged, TargetError, TargetUnavailable
from migrate.target.connection import Connection, explain, mapped
from migrate.target.content import Content, measure
from migrate.target.fingerprint import differences, fingerprint
from migrate.target.ledger import Ledger
from migrate.target.locking import NOT_TO_BE_HAD, lock_tables, who_blocks
from migrate.target.moving import Move, move_rows, plan_moves, raise_sequences
from migrate.target.rebuild import Step, plan_rebuild
from migrate.target.staging import ID_MAP

Kind = Literal["publish", "rollback"]
#: Called with what is being done and to which object.
OnProgress = Callable[[str, str], None]

_SESSION: Final = {
    "idle_in_transaction_session_timeout": "0",
    "maintenance_work_mem": "128MB",
    "work_mem": "64MB",
    # Rows keep the order they were staged in, whoever else reads the table.
    "synchronize_seqscans": "off",
}
#: The published map of ids changes with the rows; the one before is kept for a rollback.
_SWAP_IDS: Final = (
    "INSERT INTO {past} (publication, entity, legacy_id, new_id, via)"
    " SELECT {publication}, entity, legacy_id, new_id, via FROM {now}",
    "DELETE FROM {now}",
    "INSERT INTO {now} (entity, legacy_id, new_id, via) SELECT entity, legacy_id, new_id, via FROM {staged}",
)


@dataclass(frozen=True)
class Publication:
    """A line of the ledger: `tables` is what each live table held after it, `replaced` the rows before it.

    `attempts` counts the tries for the locks, `seconds` is how long the
    successful one held them, `notes` tell what did not go well afterwards
    and does no harm.
    """

    id: int
    run_id: str
    kind: str
    at: datetime
    tables: dict[str, Content]
    replaced: dict[str, int]
    backup_digest: str | None
    attempts: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Order:
    """What is to be published, fixed before the first attempt."""

    ledger: Ledger
    schema: str
    staging: str
    filled: tuple[str, ...]
    emptied: tuple[str, ...]
    expected: Mapping[str, Content]
    run_id: str
    kind: Kind
    backup_digest: str | None
    lock_timeout_ms: int
    on_progress: OnProgress
    before_commit: Callable[[Connection], None]

    @property
    def managed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.filled + self.emptied))


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
    on_progress: OnProgress = lambda _doing, _what: None,
    before_commit: Callable[[Connection], None] = lambda _conn: None,
) -> Publication:
    """Replace the rows of `filled` by the staged ones, empty `emptied`, and record it; all or nothing.

    `expected` is what each of these tables held when it was backed up.
    An attempt waits for the locks `lock_timeout_ms`, but always less than the
    server's `deadlock_timeout`, so that no query of the application is ended
    on our account. `before_commit` is called inside the transaction as its last act; what it
    raises undoes everything.

    Raises LiveChanged (live rows moved after the backup), Occupied (another
    run owns the target), TargetUnavailable (the locks were not to be had in
    `attempts` tries of `lock_timeout_ms` each, or the connection was lost:
    the ledger then tells whether the commit went through), TargetError (a row
    breaks a constraint, or the schema would not have come back the same).
    """
    order = _Order(
        ledger, schema, staging, tuple(filled), tuple(emptied), dict(expected), run_id, kind, backup_digest,
        lock_timeout_ms, on_progress, before_commit,
    )  # fmt: skip
    both = set(order.filled) & set(order.emptied)
    if both:
        raise TargetError(f"{', '.join(sorted(both))} cannot be both filled and emptied")
    if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise TargetError("publish needs a connection of its own, outside any transaction")
    with mapped("preparing to publish"):
        moves = plan_moves(conn, schema, staging, order.filled)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(NOT_TO_BE_HAD),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=20),
        stop=tenacity.stop_after_attempt(attempts),
        reraise=True,
    )
    try:
        publication: Publication = retrying(_attempt, conn, order, moves, retrying)
    except NOT_TO_BE_HAD as error:
        raise _not_to_be_had(conn, order, attempts) from error
    except psycopg.Error as error:
        raise explain("publishing", error) from error
    return _finish(conn, order, publication)


def _attempt(
    conn: Connection, order: _Order, moves: Sequence[Move], retrying: tenacity.Retrying
) -> Publication:
    tries = int(retrying.statistics.get("attempt_number", 1))
    with conn.transaction():
        _set_up(conn)
        order.on_progress("lock", f"{len(order.managed)} tables")
        lock_tables(conn, order.schema, order.managed, order.lock_timeout_ms)
        locked = time.monotonic()
        order.ledger.guard(conn)
        replaced = _require_unchanged(conn, order)
        before = fingerprint(conn, order.schema)
        contents = _replace(conn, order, moves)
        _require_same_house(before, fingerprint(conn, order.schema))
        line = _record(conn, order, contents)
        raise_sequences(conn, order.schema, order.filled)
        order.before_commit(conn)
        order.on_progress("commit", order.schema)
    return Publication(
        id=line[0],
        run_id=order.run_id,
        kind=order.kind,
        at=line[1],
        tables=contents,
        replaced=replaced,
        backup_digest=order.backup_digest,
        attempts=tries,
        seconds=time.monotonic() - locked,
    )


def _set_up(conn: Connection) -> None:
    for name, value in _SESSION.items():
        conn.execute("SELECT set_config(%s, %s, true)", (name, value))
    # What is reported as published must survive the server's own crash.
    conn.execute(
        "SELECT set_config('synchronous_commit', 'on', true)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )


def _require_unchanged(conn: Connection, order: _Order) -> dict[str, int]:
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


def _replace(conn: Connection, order: _Order, moves: Sequence[Move]) -> dict[str, Content]:
    # Nothing deferred may be pending when a table is altered.
    conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    plan = plan_rebuild(conn, order.schema, order.managed, strict=order.kind == "publish")
    _run(conn, order, "loosen", plan.loosen)
    for table in order.managed:
        order.on_progress("delete", table)
        conn.execute(sql.SQL("DELETE FROM ONLY {}").format(sql.Identifier(order.schema, table)))
    _run(conn, order, "strip", plan.strip)
    contents = {table: Content(0, "0") for table in order.emptied}
    for move in moves:
        order.on_progress("insert", move.table)
        contents[move.table] = move_rows(conn, order.schema, order.staging, move)
    _run(conn, order, "rebuild", plan.restore)
    return {table: contents[table] for table in order.managed}


def _run(conn: Connection, order: _Order, doing: str, steps: Sequence[Step]) -> None:
    for step in steps:
        order.on_progress(doing, step.what)
        for statement in step.statements:
            conn.execute(statement.encode())


def _require_same_house(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    changed = differences(before, after)
    if changed:
        raise TargetError(
            f"publishing would have changed the schema: {', '.join(changed[:10])}; nothing was published",
            hint="report this with the definition of the object; the live tables are as they were",
        )


def _record(conn: Connection, order: _Order, contents: Mapping[str, Content]) -> tuple[Any, ...]:
    row = conn.execute(
        sql.SQL(
            "INSERT INTO {} (run_id, kind, tables, backup_digest) VALUES (%s, %s, %s, %s) RETURNING id, at"
        ).format(order.ledger.name("publication")),
        (
            order.run_id,
            order.kind,
            json.dumps({name: asdict(content) for name, content in contents.items()}),
            order.backup_digest,
        ),
    ).fetchone()
    assert row is not None
    for statement in _SWAP_IDS:
        conn.execute(
            sql.SQL(statement).format(
                now=order.ledger.name("id_map"),
                past=order.ledger.name("replaced_id_map"),
                staged=sql.Identifier(order.staging, ID_MAP),
                publication=row[0],
            )
        )
    return row


def _not_to_be_had(conn: Connection, order: _Order, attempts: int) -> TargetUnavailable:
    blockers = who_blocks(conn, order.schema, order.managed)
    return TargetUnavailable(
        f"the live tables could not be locked within {order.lock_timeout_ms} ms in {attempts} attempts"
        + (f"; held by {'; '.join(blockers)}" if blockers else ""),
        hint="end those sessions or wait for them, then type the same command again; nothing was changed",
    )


def _finish(conn: Connection, order: _Order, publication: Publication) -> Publication:
    notes: list[str] = []
    for table in order.managed:
        order.on_progress("analyze", table)
        name = sql.Identifier(order.schema, table)
        try:
            # Never waits for the application, nor makes it wait: no cutting of the file's end.
            conn.execute(sql.SQL("VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE off) {}").format(name))
        except psycopg.Error as error:
            notes.append(f"{explain(f'VACUUM ANALYZE of {table}', error)}; the rows are published")
            break
    return Publication(**{**publication.__dict__, "notes": tuple(notes)})
