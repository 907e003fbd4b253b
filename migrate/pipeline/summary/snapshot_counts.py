"""What the summary counts in the snapshot alone, so that it need not wait for the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.sqlite_sql import quoted, sql
from migrate.pipeline.context import RunContext
from migrate.snapshot.workspace import Workspace

_NAME = "snapshot counts"
Counts = tuple[dict[str, int], list[dict[str, Any]]]


def begin(run: RunContext) -> None:
    """Begin to count, beside what goes on meanwhile, as soon as there is a snapshot."""
    opened: list[Workspace] = []
    _ = run.live  # read here: the session is not for two threads

    def cancel() -> None:
        for workspace in opened:
            workspace.interrupt()

    run.background.start(_NAME, lambda: _count(run, opened.append), cancel=cancel)


def take(run: RunContext) -> Counts:
    """Return the rows of every source table, and where every source column went."""
    return run.background.result(_NAME, lambda: _count(run, lambda _workspace: None))


def _count(run: RunContext, opened: Callable[[Workspace], None]) -> Counts:
    with Workspace.alone(run.snapshot_path) as workspace:
        opened(workspace)
        rows = {
            name: int(str(workspace.scalar(sql("SELECT count(*) FROM main.$table", table=quoted(name)))))
            for name in workspace.tables()
        }
        return rows, run.project(workspace.tables()).column_report(workspace).to_dicts()
