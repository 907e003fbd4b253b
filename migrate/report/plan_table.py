"""A plan as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from migrate.pipeline.plan.plan import LiveTable, Plan, SourceTable
from migrate.runtime.console import terminal_safe


def show_plan(plan: Plan, console: Console) -> None:
    """Print the plan."""
    console.print(f"source  {terminal_safe(plan.source)}  (from {plan.source_named_by})", markup=False)
    console.print(
        f"target  {terminal_safe(plan.target)}, schema {terminal_safe(plan.schema)}  "
        f"(from {plan.target_named_by})",
        markup=False,
    )
    console.print(_table("Source tables", plan.source_tables))
    if plan.rows_billed:
        console.print(f"Reading them is billed as about {plan.rows_billed:,} rows read.")
    if plan.made:
        console.print(
            f"The schema is empty: {len(plan.made)} tables are made in it first, from \\[target] schema."
        )
    console.print(_table("Live tables that publish replaces or empties", plan.live_tables))
    console.print("Stages: " + ", ".join(name for name, _ in plan.stages))
    console.print(
        f"The live rows are backed up to {plan.backups} and the backup is restored once as a test.",
        markup=False,
    )
    for finding in plan.findings:
        console.print(f"{finding.level}: {terminal_safe(finding.message)}", markup=False)


def _table(title: str, rows: Sequence[SourceTable | LiveTable]) -> Table:
    live = any(isinstance(row, LiveTable) for row in rows)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("table")
    table.add_column("rows", justify="right")
    if live:
        table.add_column("to come, at most", justify="right")
    table.add_column("what becomes of it")
    for row in rows:
        coming = [_number(row.coming)] if isinstance(row, LiveTable) else []
        table.add_row(
            escape(terminal_safe(row.name)), _number(row.rows), *coming, escape(terminal_safe(row.fate))
        )
    return table


def _number(rows: int | None) -> str:
    return "?" if rows is None else f"{rows:,}"
