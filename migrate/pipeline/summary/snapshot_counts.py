"""What the summary counts in the snapshot alone, so that it need not wait for the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.sqlite_sql import quoted, sql
from migrate.pipeline.context import Run
from migrate.snapshot.workspace import Bench

_NAME = "snapshot counts"
Counts = tuple[dict[str, int], list[dict[str, Any]]]


def begin(run: Run) -> None:
    """Begin to count, beside what goes on meanwhile, as soon as there is a snapshot."""
    opened: list[Bench] = []
    _ = run.live  # read here: the session is not for two threads

    def hurry() -> None:
        for bench in opened:
            bench.interrupt()

    run.beside.begin(_NAME, lambda: _count(run, opened.append), hurry=hurry)


def take(run: Run) -> Counts:
    """Return the rows of every source table, and where every source column went."""
    return run.beside.take(_NAME, lambda: _count(run, lambda _bench: None))


def _count(run: Run, opened: Callable[[Bench], None]) -> Counts:
    with Bench.alone(run.snapshot_path) as bench:
        opened(bench)
        rows = {
            name: int(str(bench.scalar(sql("SELECT count(*) FROM main.$table", table=quoted(name)))))
            for name in bench.tables()
        }
        return rows, run.project(bench.tables()).column_report(bench).to_dicts()
