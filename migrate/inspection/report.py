"""An inspection as a person reads it: one table of columns for each table, then what was found."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from migrate.console import terminal_safe
from migrate.inspection.document import ColumnReport, Inspection, TableReport


def show(inspection: Inspection, console: Console) -> None:
    """Print an inspection."""
    rows = sum(table.rows for table in inspection.tables)
    console.print(
        f"source  {terminal_safe(inspection.source)}: {len(inspection.tables)} tables, {rows:,} rows",
        markup=False,
    )
    for table in inspection.tables:
        if not table.leftover:
            _show_table(table, console)
    _show_references(inspection, console)
    _show_rest(inspection, console)


def _show_table(table: TableReport, console: Console) -> None:
    key = ", ".join(table.key) or "no primary key"
    title = f"{table.name}  {table.rows:,} rows, key {key}{', WITHOUT ROWID' if table.without_rowid else ''}"
    _print(
        console,
        title,
        ("column", "declared", "is", "stored as", "NULL", "''", "longest", "what else"),
        (
            (
                column.name,
                _declared(column),
                column.reading + ("" if column.certain or column.reading == "empty" else "?"),
                _classes(column),
                _percent(column.null_share),
                _percent(column.empty_share),
                f"{column.longest:,}" if column.longest else "",
                _details(column),
            )
            for column in table.columns
        ),
    )


def _declared(column: ColumnReport) -> str:
    marks = (" key" if column.key else "") + (" not null" if column.not_null else "")
    return (column.declared or "nothing") + marks + (" generated" if column.generated else "")


def _classes(column: ColumnReport) -> str:
    held = column.classes
    named = (
        ("integer", held.integers), ("real", held.reals), ("text", held.texts), ("blob", held.blobs),
    )  # fmt: skip
    return ", ".join(f"{name} {rows:,}" for name, rows in named if rows)


def _details(column: ColumnReport) -> str:
    parts = []
    if column.lowest is not None:
        parts.append(f"{column.lowest:,} to {column.highest:,}")
    if column.earliest is not None:
        parts.append(f"{column.earliest} to {column.latest}")
    if column.timestamps:
        parts.append("written as " + ", ".join(f"{one.name} {one.rows:,}" for one in column.timestamps))
    if column.decimal:
        inexact = f", {column.decimal.inexact:,} inexact" if column.decimal.inexact else ""
        parts.append(f"{column.decimal.digits} digits, {column.decimal.scale} decimals{inexact}")
    if column.money:
        parts.append("money")
    if column.json:
        counted = vars(column.json).items()
        parts.append("JSON: " + ", ".join(f"{name} {rows:,}" for name, rows in counted if rows))
    if column.values:
        parts.append("; ".join(f"{one.name} {one.rows:,}" for one in column.values))
    if column.reading in ("mixed", "text") and len(_shapes(column)) > 1:
        parts.append("looks like " + ", ".join(_shapes(column)))
    if column.broken_text:
        parts.append(f"{column.broken_text:,} no UTF-8")
    if column.with_nul:
        parts.append(f"{column.with_nul:,} with a NUL character")
    return "; ".join(parts)


def _shapes(column: ColumnReport) -> list[str]:
    return [f"{one.name} {one.rows:,}" for one in column.shapes if one.name not in ("null", "empty")]


def _show_references(inspection: Inspection, console: Console) -> None:
    _print(
        console,
        "References",
        ("from", "to", "known by", "values", "dangling"),
        (
            (
                f"{one.table} ({', '.join(one.columns)})",
                f"{one.to_table} ({', '.join(one.to_columns)})",
                "constraint" if one.declared else f"likely: {one.basis}",
                f"{one.rows:,}",
                f"{one.dangling:,}" if one.dangling else "",
            )
            for one in inspection.references
        ),
    )
    _print(
        console,
        "References inside cells, which no constraint can name",
        ("in", "where", "to", "known by", "ids", "dangling"),
        (
            (
                f"{one.table}.{one.column}",
                f"{one.place} {one.path}".strip(),
                f"{one.to_table} ({one.to_column})",
                one.basis,
                f"{one.ids:,}",
                f"{one.dangling:,}" if one.dangling else "",
            )
            for one in inspection.hidden_references
        ),
    )
    _print(
        console,
        "References whose table another column names",
        ("in", "type", "to", "values", "dangling"),
        (
            (
                f"{one.table} ({one.type_column}, {one.id_column})",
                arm.value if arm.value is not None else "(not shown)",
                f"{arm.to_table} ({arm.to_column})" if arm.to_table else "unknown",
                f"{arm.rows:,}",
                f"{arm.dangling:,}" if arm.dangling else "",
            )
            for one in inspection.polymorphic
            for arm in one.arms
        ),
    )


def _show_rest(inspection: Inspection, console: Console) -> None:
    _print(
        console,
        "Duplicates under keys that are or would be unique",
        ("table", "columns", "key", "equal", "values", "rows", "NULL"),
        (
            (
                one.table,
                ", ".join(one.columns),
                "declared" if one.declared else "would be",
                one.equality,
                f"{one.groups:,}",
                f"{one.rows:,}",
                f"{one.nulls:,}" if one.nulls else "",
            )
            for one in inspection.duplicates
        ),
    )
    _print(
        console,
        "Left-over tables",
        ("table", "kind", "of", "rows", "only here", "why"),
        (
            (
                one.name,
                one.kind,
                one.of or "",
                "" if one.rows is None else f"{one.rows:,}",
                "" if one.only_here is None else f"{one.only_here:,}",
                one.reason,
            )
            for one in inspection.leftovers
        ),
    )
    for title, definitions in (("Views", inspection.views), ("Triggers", inspection.triggers)):
        _print(
            console,
            f"{title}, to be written anew by hand",
            ("name", "SQL"),
            ((one.name, one.sql) for one in definitions),
        )


def _print(console: Console, title: str, headings: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    listed = [[escape(terminal_safe(cell)) for cell in row] for row in rows]
    if not listed:
        return
    table = Table(
        title=escape(terminal_safe(title)), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    right = {"rows", "NULL", "''", "longest", "values", "dangling", "ids", "only here"}
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in listed:
        table.add_row(*row)
    console.print()
    console.print(table)


def _percent(share: float) -> str:
    if not share:
        return ""
    return f"{share:.0%}" if 0.01 <= share <= 0.99 or share == 1 else ("<1%" if share < 0.5 else ">99%")
