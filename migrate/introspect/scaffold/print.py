"""The summary of `migrate init`: the files, what is migrated and left out, what needs a review."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from migrate.introspect.scaffold.manual_work import SKIPPED
from migrate.introspect.scaffold.model import Draft
from migrate.runtime.amount import amount
from migrate.runtime.redaction import terminal_safe

#: Columns that are named on the terminal; the others have their lines in mapping.toml.
_MOST = 8


def facts(draft: Draft, folder: Path, files: Sequence[str], notes: Sequence[str]) -> dict[str, Any]:
    """Return the summary as a JSON document."""
    return {
        "version": 1,
        "source": draft.source,
        "files": [str(folder / name) for name in files],
        "migrated": [
            {
                "table": one.source,
                "target": one.options["target"],
                "rows": one.rows,
                "columns": len(one.lines),
            }
            for one in draft.sections
            if one.migrated
        ],
        "left_out": [
            {
                "table": one.source,
                "rows": one.rows,
                "reason": one.options["left_out"],
                "remarks": list(one.remarks),
            }
            for one in draft.sections
            if not one.migrated
        ],
        "review": [
            {"table": section.source, "column": line.column, "remark": line.note}
            for section in draft.sections
            for line in section.lines
            if line.marked
        ]
        + [
            {"table": section.source, "column": "", "remark": remark.removeprefix("(!) ")}
            for section in draft.sections
            for remark in section.remarks
            if section.migrated and remark.startswith("(!)")
        ],
        "forecast": [asdict(one) for one in draft.forecast],
        "problems": list(draft.problems),
        "notes": list(notes),
        "next": next_command(folder, fleet=bool(draft.fleet)),
    }


def show(draft: Draft, folder: Path, files: Sequence[str], notes: Sequence[str], console: Console) -> None:
    """Print the summary."""
    console.print(f"wrote   {', '.join(str(folder / name) for name in files)}", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for heading in ("", "tables", "rows", "marked (!)"):
        table.add_column(heading, justify="left" if not heading else "right")
    for title, migrated in (("migrated", True), ("left out", False)):
        sections = [one for one in draft.sections if one.migrated is migrated]
        rows, review = sum(one.rows for one in sections), _to_review(sections)
        table.add_row(title, f"{len(sections):,}", f"{rows:,}", f"{review:,}" if migrated else "")
    console.print(table)
    for name, what in _own_rows(draft):
        console.print(escape(terminal_safe(f"NOT migrated: {name}: {what}.")), soft_wrap=True)
    for what in _foreseen(draft):
        console.print(escape(terminal_safe(what)), soft_wrap=True)
    for heading, lines in draft.appendix.items():
        found = ", ".join(lines) if heading == SKIPPED else f"{len(lines):,}, see the end of mapping.toml"
        console.print(escape(terminal_safe(f"{heading}: {found}")), soft_wrap=True)
    if _to_review(draft.sections):
        console.print("Read the lines marked with (!) in mapping.toml.")
    for problem in draft.problems:
        console.print(escape(terminal_safe(f"Fix before running: {problem}")), soft_wrap=True, style="red")
    for note in notes:
        console.print(escape(terminal_safe(f"note:   {note}")), soft_wrap=True)
    console.print(f"next:   {next_command(folder, fleet=bool(draft.fleet))}", markup=False, soft_wrap=True)


def regenerated_facts(draft: Draft, folder: Path, files: Sequence[str]) -> dict[str, Any]:
    """Return what `--regenerate` did as a JSON document."""
    return {
        "version": 1,
        "source": draft.source,
        "files": [str(folder / name) for name in files],
        "forecast": [asdict(one) for one in draft.forecast],
        "problems": list(draft.problems),
        "next": next_command(folder, fleet=bool(draft.fleet)),
    }


def show_regenerated(draft: Draft, folder: Path, files: Sequence[str], console: Console) -> None:
    """Print what `--regenerate` did."""
    if files:
        names = ", ".join(str(folder / name) for name in files)
        console.print(f"wrote   {names}", markup=False, soft_wrap=True)
    for what in _foreseen(draft):
        console.print(escape(terminal_safe(what)), soft_wrap=True)
    for problem in draft.problems:
        console.print(escape(terminal_safe(f"Fix before running: {problem}")), soft_wrap=True, style="red")
    console.print(f"next:   {next_command(folder, fleet=bool(draft.fleet))}", markup=False, soft_wrap=True)


def _foreseen(draft: Draft) -> Iterator[str]:
    """Yield what a run of the unedited draft does with rows and values, the most frequent first."""
    places = {
        "rows that a run excludes": [one for one in draft.forecast if one.fate == "excluded"],
        "rows that a run rejects": [one for one in draft.forecast if one.fate == "rejected"],
        "values that a run leaves out": [one for one in draft.forecast if one.rule.endswith("_left_out")],
    }
    for what, found in places.items():
        if found:
            ordered = sorted(found, key=lambda one: (-one.rows, one.table, one.column))
            named = [
                f"{one.table}{'.' if one.column else ''}{one.column} {one.rows:,}" for one in ordered[:_MOST]
            ]
            more = f" and {amount(len(ordered) - _MOST, 'more column')}" if len(ordered) > _MOST else ""
            yield f"{what}: {sum(one.rows for one in found):,} ({', '.join(named)}{more})"


def next_command(folder: Path, *, fleet: bool = False) -> str:
    """Return the command that the operator types after reviewing the mapping."""
    command = "fleet plan" if fleet else "run"
    return f"migrate {command} --config {shlex.quote(str(folder / 'config.toml'))}"


def _own_rows(draft: Draft) -> list[tuple[str, str]]:
    """Return the tables that are left out although they hold rows that no other table holds."""
    return [
        (f"{section.source} ({amount(section.rows, 'row')})", remark.removeprefix("(!) "))
        for section in draft.sections
        for remark in section.remarks
        if not section.migrated and remark.startswith("(!)")
    ]


def _to_review(sections: Sequence[Any]) -> int:
    lines = sum(bool(line.marked) for section in sections for line in section.lines)
    remarks: list[str] = [one for section in sections for one in section.remarks]
    return lines + sum(one.startswith("(!)") for one in remarks)
