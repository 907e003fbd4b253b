"""The summary of a run as a table in the terminal."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mappers.reasons import explain
from migrate.pipeline.summary.summary import FILE, Summary, is_lost
from migrate.publish.publication import in_words
from migrate.runtime.console import terminal_safe

#: How many columns with lost values are printed; the report has them all.
_SHOWN: Final = 40
#: Columns that a line of changed values names.
_COLUMNS: Final = 6


def _safe(text: object) -> str:
    return escape(terminal_safe(text))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        table.add_column(
            name, justify="left" if name in ("table", "column", "outcome", "reason", "rule") else "right"
        )
    return table


def show(summary: Summary, console: Console) -> None:
    """Print the summary as tables."""
    flows = _table("Source rows", "table", "rows", "migrated", "merged", "rejected", "excluded")
    reasons = _table("Rows that did not become a row of their own", "table", "outcome", "reason", "rows")
    for flow in summary.flows:
        parts = {"merged": flow.merged, "rejected": flow.rejected, "excluded": flow.excluded}
        counts = (flow.rows, flow.migrated, *(sum(part.values()) for part in parts.values()))
        flows.add_row(_safe(flow.table), *(f"{count:,}" for count in counts))
        for fate, part in parts.items():
            for reason, count in sorted(part.items()):
                reasons.add_row(_safe(flow.table), fate, _safe(reason), f"{count:,}")
    console.print(flows)
    if reasons.row_count:
        console.print(reasons)
    if summary.left_out:
        left = ", ".join(
            f"{name} {rows:,} rows ({rule})" for name, (rule, rows) in sorted(summary.left_out.items())
        )
        console.print(f"NOT migrated: {_safe(left)}")
    filled = ", ".join(f"{name} {rows:,}" for name, rows in summary.filled.items())
    console.print(f"Target rows: {_safe(filled)}")
    if summary.breakdown and summary.categories:
        console.print(
            f"{summary.breakdown.label}: "
            + _safe(", ".join(f"{name} {rows:,}" for name, rows in summary.categories.items()))
        )
    _show_lost(summary, console)
    _show_changed(summary, console)
    _show_meanings(summary, console)
    went = Counter(str(row["went_to"]).split(":")[0] for row in summary.columns)
    kept = went.pop(summary.metadata, 0)
    gone = went.pop("dropped", 0)
    metadata = f"{kept} kept as metadata, " if kept else ""
    console.print(
        f"Source columns: {sum(went.values())} mapped, {metadata}{gone} dropped by rule; {FILE} lists them"
    )
    if summary.publication:
        console.print(f"Publish: {_safe(in_words(summary.publication))}")
    times = ", ".join(f"{name} {seconds:.1f}" for name, seconds in summary.seconds.items())
    console.print(f"Seconds: {_safe(times)}; total {sum(summary.seconds.values()):.1f}")


def _show_changed(summary: Summary, console: Console) -> None:
    """Print a line for each rule under which values changed, with the columns it changed most."""
    for rule, total in summary.warnings.items():
        if is_lost(rule):  # these are in the table of lost values
            continue
        of = sorted(
            (one for one in summary.changed if one.rule == rule), key=lambda one: (-one.rows, one.table)
        )
        names = ", ".join(f"{one.table}.{one.column} {one.rows:,}" for one in of[:_COLUMNS])
        more = f" and {len(of) - _COLUMNS:,} more columns" if len(of) > _COLUMNS else ""
        values = "1 value" if total == 1 else f"{total:,} values"
        console.print(f"{values} changed ({_safe(rule)}): {_safe(names)}{more}; see report")


def _show_meanings(summary: Summary, console: Console) -> None:
    """Print the sentence of every code that the summary uses."""
    codes = [rule for rule, _ in summary.left_out.values()]
    for flow in summary.flows:
        codes += [*flow.merged, *flow.rejected, *flow.excluded]
    table = Table("code", "meaning", title="Codes", title_justify="left", box=None, pad_edge=False)
    for code, sentence in explain([*codes, *summary.warnings]).items():
        table.add_row(_safe(code), sentence)
    if table.row_count:
        console.print(table)


def _show_lost(summary: Summary, console: Console) -> None:
    """Print the columns with values that were not migrated: their rows are, so no reject names them."""
    lost = [one for one in summary.changed if one.lost]
    if not lost:
        return
    table = _table("Values that did not fit and are NOT migrated", "table", "column", "rule", "values")
    for one in lost[:_SHOWN]:
        table.add_row(_safe(one.table), _safe(one.column), one.rule, f"{one.rows:,}")
    console.print(table)
    if len(lost) > _SHOWN:
        console.print(f"and {len(lost) - _SHOWN:,} more columns: see {FILE}")
