"""The summary of a run on one screen of a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mappers.reasons import describe
from migrate.pipeline.summary.summary import Changed, Flow, Summary
from migrate.publish.publication import in_words
from migrate.runtime.amount import amount
from migrate.runtime.redaction import terminal_safe

#: Names in one line, and lines of one part; the report has them all.
_NAMES: Final = 4
_LINES: Final = 15
_FATES: Final = ("merged", "rejected", "excluded")
_REPORT: Final = "the report has them all"


def show(summary: Summary, console: Console, *, verbose: bool = False) -> None:
    """Print the summary: rows from source to target, reasons, left-out tables, values to look at."""
    console.print(_flows(summary))
    for name, rows, why in _left_out(summary):
        console.print(f"NOT migrated: {name} {amount(rows, 'row')} ({why})", markup=False, soft_wrap=True)
    _print_lines("Rows that did not become a row of their own", list(_reasons(summary.flows)), console)
    _print_lines("Values that need your attention", list(_values(summary.changed)), console)
    if summary.breakdown and summary.categories:
        counts = ", ".join(f"{name} {rows:,}" for name, rows in summary.categories.items())
        console.print(_safe(f"{summary.breakdown.label}: {counts}"))
    if verbose:
        _show_details(summary, console)
    seconds = f"{sum(summary.seconds.values()):.1f} s in all"
    if summary.publication:
        went = in_words(summary.publication)
        console.print(f"{'Rehearsed' if summary.dry else 'Published'}: {_safe(went)}; {seconds}")
    else:
        console.print(f"{seconds}")


def _safe(text: object) -> str:
    return escape(terminal_safe(text))


def _flows(summary: Summary) -> Table:
    """Return the table of source tables; an outcome that no row has is no column."""
    targets: dict[str, list[str]] = defaultdict(list)
    for route in summary.routes:
        if route.target not in targets[route.source]:
            targets[route.source].append(route.target)
    counts = {
        flow.table: {fate: sum(getattr(flow, fate).values()) for fate in _FATES} for flow in summary.flows
    }
    shown = [fate for fate in _FATES if any(count[fate] for count in counts.values())]
    table = Table(box=None, pad_edge=False)
    for name in ("source table", "rows", "migrated", *shown, "target: its rows"):
        table.add_column(name, justify="left" if " " in name else "right")
    said: set[str] = set()
    for flow in summary.flows:
        into = ", ".join(_counted(targets[flow.table], summary.filled, said))
        fates = (f"{counts[flow.table][fate]:,}" for fate in shown)
        table.add_row(_safe(flow.table), f"{flow.rows:,}", f"{flow.migrated:,}", *fates, _safe(into))
    rest = [name for name in summary.filled if name not in said]
    if rest:
        table.add_row(
            "", "", "", *("" for _ in shown), _safe(", ".join(_counted(rest, summary.filled, said)))
        )
    return table


def _counted(names: Iterable[str], filled: dict[str, int], said: set[str]) -> Iterator[str]:
    """Yield the target tables, each with its rows the first time that it is named."""
    for name in names:
        yield name if name in said or name not in filled else f"{name}: {filled[name]:,}"
        said.add(name)


def _left_out(summary: Summary) -> Iterator[tuple[str, int, str]]:
    """Yield the tables that a rule leaves out, the largest first, with the sentence of the rule."""
    ordered = sorted(summary.left_out.items(), key=lambda item: (-item[1][1], item[0]))
    full = [(name, rows, rule) for name, (rule, rows) in ordered if rows]
    for name, rows, rule in full[:_LINES]:
        yield terminal_safe(name), rows, terminal_safe(describe(rule).rstrip(".") or rule)
    if len(full) > _LINES:
        yield (
            f"{amount(len(full) - _LINES, 'more table')},",
            sum(rows for _, rows, _ in full[_LINES:]),
            _REPORT,
        )


def _reasons(flows: Iterable[Flow]) -> Iterator[tuple[int, str, str, str]]:
    """Yield rows, outcome, tables and sentence of each reason, the most rows first."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for flow in flows:
        for fate in _FATES:
            for reason, rows in getattr(flow, fate).items():
                found[fate, reason][flow.table] += rows
    order = sorted(found.items(), key=lambda item: (-item[1].total(), item[0]))
    for (fate, reason), tables in order:
        yield tables.total(), fate, _named(tables), _explained(reason)


def _values(changed: Iterable[Changed]) -> Iterator[tuple[int, str, str, str]]:
    """Yield number, what happened, columns and sentence of each rule that changed values, lost ones first."""
    found: dict[tuple[bool, str], Counter[str]] = defaultdict(Counter)
    for one in changed:
        found[not one.lost, one.rule][f"{one.table}.{one.column}"] += one.rows
    order = sorted(found.items(), key=lambda item: (item[0][0], -item[1].total(), item[0][1]))
    for (kept, rule), columns in order:
        yield columns.total(), "changed" if kept else "NOT migrated", _named(columns), _explained(rule)


def _named(counts: Counter[str]) -> str:
    """Return the names with the highest counts; the count only if there is another name."""
    if len(counts) == 1:
        return next(iter(counts))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    more = f" and {len(ordered) - _NAMES:,} more" if len(ordered) > _NAMES else ""
    return ", ".join(f"{name} {rows:,}" for name, rows in ordered[:_NAMES]) + more


def _explained(code: str) -> str:
    sentence = describe(code)
    return f"{code}: {sentence}" if sentence else code


def _print_lines(title: str, lines: list[tuple[int, str, str, str]], console: Console) -> None:
    if not lines:
        return
    console.print(title, style="italic")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=2, overflow="fold")
    table.add_column(ratio=3, overflow="fold")
    for rows, what, names, why in lines[:_LINES]:
        table.add_row(f"{rows:,}", what, _safe(names), _safe(why))
    console.print(table)
    if len(lines) > _LINES:
        console.print(f"and {len(lines) - _LINES:,} more reasons: {_REPORT}")


def _show_details(summary: Summary, console: Console) -> None:
    """Print what became of the source's columns, and the time of each stage."""
    went = Counter(str(row["went_to"]).split(":")[0] for row in summary.columns)
    kept = went.pop(summary.metadata, 0)
    gone = went.pop("dropped", 0)
    metadata = f"{kept} kept as metadata, " if kept else ""
    console.print(f"Source columns: {sum(went.values())} mapped, {metadata}{gone} dropped by rule")
    times = ", ".join(f"{name} {seconds:.1f}" for name, seconds in summary.seconds.items())
    console.print(f"Seconds: {_safe(times)}")
