"""Looks at both ends before anything is done."""

from __future__ import annotations

from migrate.plan import make_plan
from migrate.run import Left, Run, Stage


def _check(_run: Run) -> None:
    """Nothing is left behind that could have changed."""


def _run(run: Run) -> Left:
    if run.state.done("snapshot"):
        return Left("the snapshot is taken, the source is not asked again")
    plan = make_plan(run.config, run.work, run.origin, run.address, run.connection, "")
    plan.require()
    rows = sum(table.rows for table in plan.source_tables)
    return Left(
        f"{rows:,} source rows in {len(plan.source_tables)} tables; the target fits",
        {"rows": {table.name: table.rows for table in plan.source_tables}},
    )


def _undo(_run: Run) -> None:
    """Nothing was done."""


STAGE = Stage("preflight", "look at both ends", _check, _run, _undo, always=True)
