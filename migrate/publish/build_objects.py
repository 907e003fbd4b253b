"""Builds constraints and indexes on the staged tables, before any live table is locked.

NOT NULL, checks, keys, indexes, statistics and foreign keys, with the names and definitions of the live ones.
Each is built in its own transaction and skipped if it exists, so a build that was killed continues where it
stopped. Rows that break a constraint fail here, before anything live is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from migrate.postgres.connection import Connection, async_commit, raise_work_mem, session_settings
from migrate.postgres.ddl import Step
from migrate.postgres.schema_fingerprint import qualified_names
from migrate.publish.missing_objects import (
    ProvenKey,
    TablePair,
    bare_index_steps,
    column_steps,
    constraint_steps,
    find_pairs,
    foreign_key_steps,
    index_steps,
    proven_keys,
    statistics_steps,
)
from migrate.publish.swap_blockers import TableName

OnProgress = Callable[[str, str], None]
#: Called with the unique indexes and foreign keys that hold.
OnProven = Callable[[frozenset[ProvenKey]], None]

#: Longer than deadlock_timeout, after which the server ends an autovacuum that blocks us.
_WAITS_FOR_FEW: Final = {"lock_timeout": "3s"}


def build_objects(
    conn: Connection,
    table_names: Sequence[TableName],
    *,
    strict: bool,
    on_progress: OnProgress,
    fresh: Collection[int] = (),
) -> None:
    """Give the staged tables the live ones' constraints and indexes, and fresh statistics.

    `conn` is in autocommit mode. With `strict` a constraint that is NOT VALID is checked against the rows
    once; `fresh` are the staged tables (oids) that `build_online` has vacuumed. Raises psycopg's errors: of
    class 23 if rows break a constraint.
    """
    with async_commit(conn):
        with qualified_names(conn):
            pairs = find_pairs(conn, table_names)
            columns, statistics = column_steps(conn, pairs), statistics_steps(conn, pairs)
            steps = [*columns, *constraint_steps(conn, pairs, strict=strict), *index_steps(conn, pairs)]
        _do(conn, [*steps, *statistics], on_progress)
        counted_otherwise = {step.counted for step in (*columns, *statistics)}
        for pair in pairs:
            if pair.staged not in fresh or pair.new in counted_otherwise:
                on_progress("build", f"statistics of {pair.new}")
                conn.execute(_vacuum(pair))
        with qualified_names(conn):
            foreign = foreign_key_steps(conn, pairs, strict=strict)
        _do(conn, foreign, on_progress)


def build_online(
    conn: Connection,
    table_names: Sequence[TableName],
    *,
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
    fence: Callable[[Connection], None],
    fresh: Collection[int] = (),
    on_proven: OnProven = lambda _keys: None,
) -> frozenset[int]:
    """Build what can be built while others read the staged tables: indexes, foreign keys, statistics.

    `build_objects` builds the rest, and what failed here. `conn` is in autocommit mode. `fence` is called
    before each commit; if it raises, the transaction is rolled back. `on_proven` is called with the keys that
    the server has checked against every row by then. Returns the staged tables (oids) that are vacuumed,
    including those in `fresh`. Raises psycopg's errors, of class 23 if rows break a key.
    """
    vacuumed = set(fresh)
    with async_commit(conn), session_settings(conn, _WAITS_FOR_FEW):
        with qualified_names(conn):
            pairs = find_pairs(conn, table_names)
            steps = bare_index_steps(conn, pairs)
        _do(conn, steps, on_progress, should_stop, fence)
        # Before the foreign keys: if every row is known to be visible, the server checks a key from the index
        # on its columns, in their order. With ten million rows this takes less than half the time.
        for pair in pairs:
            if pair.staged not in vacuumed and not should_stop():
                conn.execute(_vacuum(pair))
                vacuumed.add(pair.staged)
        with qualified_names(conn):
            # One that is NOT VALID is dropped again after the check, and the drop waits for readers.
            foreign = foreign_key_steps(conn, pairs, valid_only=True)
        _do(conn, foreign, on_progress, should_stop, fence)
        with qualified_names(conn):
            on_proven(proven_keys(conn, pairs))
    return frozenset(vacuumed)


def _vacuum(pair: TablePair) -> bytes:
    """Return the step that makes statistics and the visibility map, so that nothing is left after the commit.

    COPY leaves empty pages at the end of a small table. To cut them off, VACUUM would wait for its readers.
    """
    return f"VACUUM (ANALYZE, TRUNCATE off) {pair.new}".encode()


def _do(
    conn: Connection,
    steps: Iterable[Step],
    on_progress: OnProgress,
    should_stop: Callable[[], bool] = lambda: False,
    fence: Callable[[Connection], None] = lambda _conn: None,
) -> None:
    for step in steps:
        if should_stop():
            return
        on_progress("build", step.what)
        with conn.transaction():
            raise_work_mem(conn)
            for statement in step.statements:
                conn.execute(statement.encode())
            fence(conn)
