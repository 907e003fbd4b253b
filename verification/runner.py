"""Runs checks, all of them over the same view of the target."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import psycopg
from psycopg import sql

from verification.cell_counts import CELLS
from verification.context import CheckContext, QueryCache
from verification.coverage import LEFT_OUT, REJECTS
from verification.domains import DOMAINS
from verification.foreign_keys import DANGLING
from verification.full_compare import DEEP, KEYLESS
from verification.id_checks import IDS_SHAPED
from verification.id_map import KEYS_MAPPED
from verification.id_oracle import IDS_DERIVED
from verification.ids_in_cells import HIDDEN
from verification.lineage import LINEAGE
from verification.reconciliation import RECONCILIATION
from verification.result import Check, CheckResult, Report
from verification.studio.checks import DIRECTORY
from verification.studio.image_urls import URLS_ANSWER
from verification.sums.staged_rows import STAGED_ROWS
from verification.uniqueness import UNIQUENESS

#: the checks of every run, in order
GENERAL: tuple[Check, ...] = (
    STAGED_ROWS,
    RECONCILIATION,
    IDS_DERIVED,
    LEFT_OUT,
    REJECTS,
    DANGLING,
    UNIQUENESS,
    DOMAINS,
    IDS_SHAPED,
    LINEAGE,
)
#: further checks of a mapping file
DESCRIBED: tuple[Check, ...] = (CELLS, KEYS_MAPPED, HIDDEN, KEYLESS)
#: the checks if no names are given
STANDARD: tuple[Check, ...] = (*GENERAL, *DIRECTORY)
#: memory for sorting and hashing, if the server does not give more
_WORK_MEM: Final = """
SELECT set_config('work_mem', greatest(
    pg_size_bytes('64MB'), pg_size_bytes(current_setting('work_mem'))) / 1024 || 'kB', true)
"""
#: seconds to wait for the server to notice that a query was cancelled
_CANCEL_S: Final = 5.0
#: the checks that run only if their name is given
ON_REQUEST: tuple[Check, ...] = (DEEP, URLS_ANSWER)


def check_names() -> list[str]:
    """Return the names of all checks, those on request last."""
    return [check.name for check in (*STANDARD, *DESCRIBED, *ON_REQUEST)]


def run_checks(
    context: CheckContext,
    checks: Sequence[str] | None = None,
    *,
    deep: bool = False,
    urls: bool = False,
    on_check: Callable[[Check], None] | None = None,
) -> Report:
    """Run checks and return their report.

    `checks` are names (None: the standard ones); `deep` adds the comparison of every cell with what the
    mappers return, and derives again what is otherwise proven by sums; `urls` requests every image over HTTP.
    `on_check` is called with each check before it runs, maybe in another thread. Raises ValueError for an
    unknown name; errors of the connections pass through.
    """
    known = {check.name: check for check in (*STANDARD, *DESCRIBED, *ON_REQUEST)}
    wanted = [check.name for check in STANDARD] if checks is None else list(checks)
    wanted += [
        name for name, asked in ((DEEP.name, deep), (URLS_ANSWER.name, urls)) if asked and name not in wanted
    ]
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"there is no check {', '.join(unknown)}; the checks are {', '.join(known)}")
    checks_wanted = [known[name] for name in wanted]
    with _views(replace(context, deep=deep)) as (first, second):
        twice = context.again is not None
        concurrent = [c for c in checks_wanted if second and (c.of_target or (c.apart and twice))]
        concurrent.sort(key=lambda check: (check.of_proof, check.apart))
        here = [check for check in checks_wanted if check not in concurrent]
        if second is None:
            results = _run_in_order(here, first, on_check, threading.Event())
        else:
            results = _run_concurrently(here, first, concurrent, second, on_check)
    return Report(tuple(results[name] for name in wanted))


OnCheck = Callable[[Check], None] | None


def _run_in_order(
    checks: Sequence[Check], context: CheckContext, on_check: OnCheck, over: threading.Event
) -> dict[str, CheckResult]:
    """Run checks one after the other until `over` is set; it is set if one of them raises."""
    results: dict[str, CheckResult] = {}
    try:
        for check in checks:
            if over.is_set():
                break
            if on_check is not None:
                on_check(check)
            start = time.monotonic()
            outcome = check.run(context)
            results[check.name] = outcome.result(check, time.monotonic() - start)
    except BaseException:
        over.set()
        raise
    return results


def _run_concurrently(
    here: Sequence[Check],
    first: CheckContext,
    concurrent: Sequence[Check],
    second: CheckContext,
    on_check: OnCheck,
) -> dict[str, CheckResult]:
    """Run `concurrent` in a thread; an error of either ends both."""
    over = threading.Event()

    def answer() -> dict[str, CheckResult]:
        with _own_snapshot(second, concurrent) as context:
            return _run_in_order(concurrent, context, on_check, over)

    with ThreadPoolExecutor(1, thread_name_prefix="checks") as pool:
        theirs = pool.submit(answer)
        try:
            return _run_in_order(here, first, on_check, over) | theirs.result()
        except BaseException:
            with suppress(psycopg.Error, OSError):
                second.target.cancel_safe(timeout=_CANCEL_S)
            raise


@contextmanager
def _own_snapshot(context: CheckContext, checks: Sequence[Check]) -> Iterator[CheckContext]:
    """Yield the context for this thread, with its own snapshot if one of the checks reads it."""
    if context.again is None or all(check.of_target for check in checks):
        yield context
        return
    with context.again() as (snapshot, read):
        yield replace(context, snapshot=snapshot, read=read)


@contextmanager
def _views(context: CheckContext) -> Iterator[tuple[CheckContext, CheckContext | None]]:
    """Yield the context, and the same over a second connection that sees exactly the same rows."""
    first = replace(context, query_cache=QueryCache())
    with ExitStack() as stack:
        stack.enter_context(_view(context.target, None))
        second = (
            stack.enter_context(context.second_connection())
            if context.second_connection is not None
            else None
        )
        if second is None:
            yield first, None
            return
        row = context.target.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        stack.enter_context(_view(second, row[0]))
        yield first, replace(first, target=second)


@contextmanager
def _view(connection: psycopg.Connection[Any], exported: str | None) -> Iterator[None]:
    """Open a read-only transaction with one view of the target, and settings for whole-table queries."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if exported is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(exported)))
        # JIT compilation takes longer than it saves for any of the queries.
        connection.execute("SET LOCAL jit = off")
        connection.execute(_WORK_MEM)
        connection.execute("SET LOCAL cursor_tuple_fraction = 1")
        # The server is idle while the snapshot is read, and some servers end an idle transaction.
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield
