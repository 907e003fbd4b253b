"""What the summary counts in the snapshot alone, so that it need not wait for the target."""

from __future__ import annotations

from functools import partial
from typing import Any

from mappers.legacy import quoted, sql
from migrate.run import Run

_NAME = "snapshot counts"
Counts = tuple[dict[str, int], list[dict[str, Any]]]


def begin(run: Run) -> None:
    """Begin to count, beside what the server does meanwhile."""
    run.beside.begin(_NAME, partial(_count, run))


def take(run: Run) -> Counts:
    """Return the rows of every source table, and where every source column went."""
    return run.beside.take(_NAME, partial(_count, run))


def _count(run: Run) -> Counts:
    with run.bench() as bench:
        rows = {
            name: int(str(bench.scalar(sql("SELECT count(*) FROM main.$table", table=quoted(name)))))
            for name in bench.tables()
        }
        return rows, run.project(bench.tables()).column_report(bench).to_dicts()
