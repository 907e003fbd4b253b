"""Checks source and target before anything is done."""

from __future__ import annotations

from migrate.pipeline.context import RunContext
from migrate.pipeline.plan.plan import make_plan
from migrate.pipeline.stage import Stage, StageResult
from migrate.runtime.amount import amount


def _check(_run: RunContext) -> None:
    """Nothing to check: this stage leaves nothing that could have changed."""


def _run(run: RunContext) -> StageResult:
    if run.state.done("snapshot"):
        return StageResult("the snapshot exists already; the source is not read again")
    rows = run.planned
    if rows is None:
        plan = make_plan(
            run.config,
            run.work,
            run.source,
            run.address,
            run.connection,
            "",
            replace_source=run.replace_source,
        )
        plan.require()
        rows = plan.source_rows
    return StageResult(
        f"{amount(sum(rows.values()), 'source row')} in {amount(len(rows), 'table')}; target schema matches",
        {"rows": dict(rows)},
    )


def _undo(_run: RunContext) -> None:
    """Nothing to undo."""


STAGE = Stage("preflight", "check source and target", _check, _run, _undo, always=True)
