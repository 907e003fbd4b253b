"""The parts of the summary that need only the snapshot, so that they need not wait for the target."""

from __future__ import annotations

from typing import Any, Final

from mappers.base import BoundMapping
from mappers.sqlite_sql import quoted, sql
from migrate.pipeline.context import RunContext
from migrate.pipeline.stage import BackgroundTask
from migrate.runtime.background import Cancellation, Work
from migrate.snapshot.workspace import Workspace

Counts = tuple[dict[str, int], list[dict[str, Any]]]


def take(run: RunContext) -> Counts:
    """Return the rows of every source table, and the target of every source column."""
    return run.background.result(TASK.name, lambda: _count(run, run.mapping, Cancellation()))


def _plan(run: RunContext) -> Work[Counts]:
    mapping = run.mapping  # read here: the run's session is not for two threads
    return lambda cancellation: _count(run, mapping, cancellation)


def _count(run: RunContext, mapping: BoundMapping, cancellation: Cancellation) -> Counts:
    with (
        Workspace.snapshot_only(run.snapshot_path) as workspace,
        cancellation.interrupting(workspace.interrupt),
    ):
        rows = {
            name: int(str(workspace.scalar(sql("SELECT count(*) FROM main.$table", table=quoted(name)))))
            for name in workspace.tables()
        }
        return rows, mapping.column_report(workspace).to_dicts()


#: It needs the snapshot alone.
TASK: Final = BackgroundTask("snapshot counts", after="snapshot", plan=_plan)
