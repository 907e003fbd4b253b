"""Prints a plan for a person."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from migrate.pipeline.plan.plan import LiveTable, Plan, SourceTable
from migrate.runtime.console import terminal_safe
from migrate.runtime.next_command import complete


def show_plan(plan: Plan, console: Console, *, rehearsal: bool = False) -> None:
    """Print the plan; with `rehearsal` that of a dry run, which changes nothing in the target."""
    console.print(f"source  {terminal_safe(plan.source)}  (from {plan.source_named_by})", markup=False)
    console.print(
        f"target  {terminal_safe(plan.target)}, schema {terminal_safe(plan.schema)}  "
        f"(from {plan.target_named_by})",
        markup=False,
    )
    _show_table("Source tables", plan.source_tables, console)
    if plan.rows_billed:
        console.print(f"The server will bill about {plan.rows_billed:,} rows read.")
    if plan.made:
        console.print(
            f"The target schema is empty: {len(plan.made)} tables are created first, from \\[target] schema."
        )
    will = "a run would replace or empty" if rehearsal else "will be replaced or emptied"
    _show_table(f"Target tables that {will}", plan.live_tables, console)
    console.print("Stages: " + ", ".join(name for name, _ in plan.stages))
    console.print(
        "Rehearsal only: your target is not changed."
        if rehearsal
        else f"First the live rows are backed up to {plan.backups}, and the backup is restored "
        "once as a test.",
        markup=False,
    )
    for finding in plan.findings:
        if finding.level != "error":
            console.print(f"{finding.level}: {terminal_safe(finding.message)}", markup=False)


def show_errors(plan: Plan, console: Console) -> None:
    """Print what would stop a run, and what to do about it."""
    for finding in plan.errors:
        console.print(f"error: {terminal_safe(complete(finding.message))}", markup=False, soft_wrap=True)
    for hint in dict.fromkeys(finding.hint for finding in plan.errors if finding.hint):
        console.print(f"next:  {terminal_safe(complete(hint))}", markup=False, soft_wrap=True)


def _show_table(title: str, rows: Sequence[SourceTable | LiveTable], console: Console) -> None:
    if not rows:
        return
    live = any(isinstance(row, LiveTable) for row in rows)
    table = Table(box=None, pad_edge=False)
    table.add_column("table")
    table.add_column("rows", justify="right")
    if live:
        table.add_column("new rows (max)", justify="right")
    table.add_column("what happens")
    for row in rows:
        coming = [_number(row.coming)] if isinstance(row, LiveTable) else []
        table.add_row(
            escape(terminal_safe(row.name)), _number(row.rows), *coming, escape(terminal_safe(row.fate))
        )
    console.print(title, style="italic")
    console.print(table)


def _number(rows: int | None) -> str:
    return "depends on the data" if rows is None else f"{rows:,}"
