"""Prints an inspection for a person: its text tables, then views, triggers and full text."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from migrate.introspect.profile.attention import Attention, list_attention, verdict
from migrate.introspect.profile.inspection import Inspection
from migrate.introspect.profile.text_tables import NUMBERS, Listing, findings, tables
from migrate.runtime.amount import amount
from migrate.runtime.redaction import terminal_safe

_WORDS: Final = {"loss": "lost", "decision": "decide"}


def show(inspection: Inspection, console: Console) -> None:
    """Print an inspection."""
    rows = sum(table.rows for table in inspection.tables)
    console.print(
        f"source  {terminal_safe(inspection.source)}: {amount(len(inspection.tables), 'table')}, "
        f"{amount(rows, 'row')}",
        markup=False,
    )
    found = list_attention(inspection)
    console.print(terminal_safe(verdict(inspection, found)), markup=False, soft_wrap=True)
    for listing in (*tables(inspection), *findings(inspection), *_by_hand(inspection), *_attention(found)):
        _print(listing, console)


def _by_hand(inspection: Inspection) -> tuple[Listing, ...]:
    full_text = tuple((one.name, one.instead) for one in inspection.full_text)
    found = (
        ("Views: rewrite them by hand", tuple((one.name, one.sql) for one in inspection.views)),
        ("Triggers: rewrite them by hand", tuple((one.name, one.sql) for one in inspection.triggers)),
        ("Full-text tables, and their replacement in PostgreSQL", full_text),
        ("Indexes of vectors, and the same with the extension pgvector", inspection.vector_indexes),
    )
    return tuple(Listing(title, "", ("name", "SQL"), rows) for title, rows in found if rows)


def _attention(found: list[Attention]) -> tuple[Listing, ...]:
    rows = tuple(
        (_WORDS[one.severity], f"{one.rows:,}" if one.rows else "", one.table, one.column, one.what, one.todo)
        for one in found
    )
    title = "Needs your attention"
    return (Listing(title, "", ("", "rows", "table", "column", "what", "what to do"), rows),) if rows else ()


def _print(listing: Listing, console: Console) -> None:
    title = f"{listing.title}  {listing.note}" if listing.note else listing.title
    table = Table(
        title=escape(terminal_safe(title)), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for heading in listing.headings:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left", overflow="fold")
    for row in listing.rows:
        table.add_row(*(escape(terminal_safe(cell)) for cell in row))
    console.print()
    console.print(table)
