"""Prints a plan on one screen of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from migrate.pipeline.plan.plan import EMPTIED, REPLACED, UNFED, LiveTable, Plan, SourceTable
from migrate.runtime.amount import amount
from migrate.runtime.next_command import complete
from migrate.runtime.redaction import terminal_safe

#: Lines of the table, names of emptied tables, and warnings that fit on a screen; `-v` shows all.
_LINES: Final = 24
_NAMES: Final = 12
_WARNINGS: Final = 12
_MIGRATED: Final = "migrated"
_MORE: Final = "`migrate plan -v` lists them"


def show_plan(plan: Plan, console: Console, *, rehearsal: bool = False, verbose: bool = False) -> None:
    """Print the plan; with `rehearsal` that of a dry run, which changes nothing in the target."""
    _print(f"source  {plan.source}  (from {plan.source_named_by})", console)
    _print(f"target  {plan.target}, schema {plan.schema}  (from {plan.target_named_by})", console)
    lines = None if verbose else _LINES
    console.print(_table(plan, lines))
    if lines is not None and len(plan.source_tables) > lines:
        rest = _ordered(plan)[lines:]
        rows = sum(table.rows for table in rest)
        _print(f"and {amount(len(rest), 'more source table')} with {amount(rows, 'row')}; {_MORE}", console)
    for text in _about_target(plan, rehearsal=rehearsal, verbose=verbose):
        _print(text, console)
    if verbose:
        _print("Stages: " + ", ".join(name for name, _ in plan.stages), console)
    _print(
        "Rehearsal only: your target is not changed."
        if rehearsal
        else f"First the live rows are backed up to {plan.backups}, and the backup is restored "
        "once as a test.",
        console,
    )
    said = [f"{found.level}: {found.message}" for found in plan.findings if found.level != "error"]
    for text in said if verbose else said[:_WARNINGS]:
        _print(text, console)
    if not verbose and len(said) > _WARNINGS:
        _print(f"and {len(said) - _WARNINGS:,} more notes and warnings; {_MORE}", console)


def show_errors(plan: Plan, console: Console) -> None:
    """Print what would stop a run, and what to do about it."""
    for finding in plan.errors:
        _print(f"error: {finding.message}", console)
    for hint in dict.fromkeys(finding.hint for finding in plan.errors if finding.hint):
        _print(f"next:  {hint}", console)


def _print(text: str, console: Console) -> None:
    console.print(terminal_safe(complete(text)), markup=False, soft_wrap=True)


def _ordered(plan: Plan) -> list[SourceTable]:
    """Return the source tables; those that something else happens to than the others come first."""
    return sorted(plan.source_tables, key=lambda table: (table.fate == _MIGRATED, -table.rows, table.name))


def _table(plan: Plan, most: int | None) -> Table:
    """Return the table: source rows on the left, the live tables that they go to on the right."""
    live = {table.name: table for table in plan.live_tables}
    known = not plan.made and any(table.rows != 0 for table in plan.live_tables)
    table = Table(box=None, pad_edge=False)
    table.add_column("source table")
    table.add_column("rows", justify="right")
    table.add_column("what happens")
    table.add_column("target: rows now → at most after" if known else "target")
    ordered = _ordered(plan)
    said: set[str] = set()
    for source in ordered[:most]:
        into = ", ".join(
            _change(name, live.get(name) if known and name not in said else None) for name in source.into
        )
        said.update(source.into)
        table.add_row(_safe(source.name), f"{source.rows:,}", _safe(source.fate), _safe(into))
    return table


def _change(name: str, live: LiveTable | None) -> str:
    if live is None:
        return name
    before = "?" if live.rows is None else f"{live.rows:,}"
    after = "depends on the data" if live.coming is None else f"{live.coming:,}"
    return f"{name}: {before} → {after}"


def _about_target(plan: Plan, *, rehearsal: bool, verbose: bool) -> Iterator[str]:
    """Yield what happens to the target: its new tables, and the live rows that go."""
    if plan.rows_billed:
        yield f"The server will bill about {amount(plan.rows_billed, 'row')} read."
    if plan.made:
        made = amount(len(plan.made), "table is", "tables are")
        yield f"The target schema is empty: {made} made first, from [target] schema."
        return
    will = "a run would" if rehearsal else "the run will"
    replaced = [table for table in plan.live_tables if table.fate == REPLACED and table.rows != 0]
    if replaced:
        yield f"Live rows that {will} replace: {_rows(replaced)} in {amount(len(replaced), 'table')}."
    elif plan.live_tables:
        yield "The live tables have no rows yet."
    shown = {name for source in plan.source_tables for name in source.into}
    by_column = [table for table in replaced if table.name not in shown]
    if by_column:
        yield f"  among them, filled from columns of other tables: {_named(by_column, verbose=verbose)}"
    for fate, why in ((EMPTIED, ""), (UNFED, ", because the source has no rows for them")):
        emptied = [table for table in plan.live_tables if table.fate == fate]
        if emptied:
            yield f"Live tables that {will} empty{why}: {_named(emptied, verbose=verbose)}"


def _rows(tables: Iterable[LiveTable]) -> str:
    counts = [table.rows for table in tables]
    return f"{sum(rows or 0 for rows in counts):,}" + (" and more" if None in counts else "")


def _named(tables: Sequence[LiveTable], *, verbose: bool) -> str:
    """Return names with rows, the most rows first."""
    ordered = sorted(tables, key=lambda table: (-(table.rows or 0), table.name))
    shown = ordered if verbose else ordered[:_NAMES]
    names = ", ".join(f"{table.name} {'?' if table.rows is None else f'{table.rows:,}'}" for table in shown)
    return names + (f" and {len(ordered) - len(shown):,} more" if len(ordered) > len(shown) else "")


def _safe(text: object) -> str:
    return escape(terminal_safe(text))
