"""An inspection as text tables: one of columns for each table, then the findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile.inspection import ColumnReport, Inspection, Reference, TableReport
from migrate.introspect.profile.table_findings import Leftover
from migrate.runtime.amount import amount

#: Headings whose cells are numbers.
NUMBERS: Final = frozenset(
    {"rows", "NULL", "''", "longest", "values", "dangling", "ids", "only here", "differ", "broken by"}
)


@dataclass(frozen=True)
class Listing:
    """A text table; `note` is shown next to its title."""

    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(inspection: Inspection) -> Iterator[Listing]:
    """Yield the columns of each table that is in use."""
    for table in inspection.tables:
        if not table.leftover:
            yield _table(table)


def findings(inspection: Inspection) -> Iterator[Listing]:
    """Yield references, duplicates and left-over tables; nothing for a kind without findings."""
    for listing in (*_references(inspection), *_rest(inspection)):
        if listing.rows:
            yield listing


def _table(table: TableReport) -> Listing:
    key = ", ".join(table.key) or "no primary key"
    note = f"{amount(table.rows, 'row')}, key {key}{', WITHOUT ROWID' if table.without_rowid else ''}"
    return _listing(
        table.name,
        note,
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
        parts.append(f"{column.broken_text:,} not UTF-8")
    if column.with_nul:
        parts.append(f"{column.with_nul:,} with a NUL character")
    return "; ".join(parts)


def _shapes(column: ColumnReport) -> list[str]:
    return [f"{one.name} {one.rows:,}" for one in column.shapes if one.name not in ("null", "empty")]


def _references(inspection: Inspection) -> Iterator[Listing]:
    yield _listing(
        "References",
        "",
        ("from", "to", "known by", "values", "dangling"),
        (
            (
                f"{one.table} ({', '.join(one.columns)})",
                f"{one.to_table} ({', '.join(one.to_columns)})",
                _known_by(one),
                f"{one.rows:,}",
                f"{one.dangling:,}" if one.dangling else "",
            )
            for one in inspection.references
        ),
    )
    yield _listing(
        "References inside cells (JSON, lists), without a constraint",
        "",
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
    yield _listing(
        "References whose table is named in another column",
        "",
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


def _known_by(one: Reference) -> str:
    if one.malformed:
        return f"malformed constraint: {one.malformed}"
    return "constraint" if one.declared else f"likely: {one.basis}"


def _rest(inspection: Inspection) -> Iterator[Listing]:
    yield _listing(
        "Duplicates in columns that are or should be unique",
        "",
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
    yield _listing(
        "CHECK constraints: recreate them by hand",
        "",
        ("table", "CHECK", "broken by"),
        (
            (one.table, one.sql, "not known" if one.broken is None else f"{one.broken:,}")
            for one in inspection.checks
        ),
    )
    yield _leftovers("Unused tables", inspection.leftovers)
    yield _leftovers("Named like copies, but with rows of their own", inspection.lookalikes)


def _leftovers(title: str, found: Iterable[Leftover]) -> Listing:
    return _listing(
        title,
        "",
        ("table", "kind", "of", "rows", "only here", "differ", "why"),
        (
            (
                one.name,
                one.kind,
                one.of or "",
                *(
                    "" if count is None else f"{count:,}"
                    for count in (one.rows, one.only_here, one.differing)
                ),
                one.reason,
            )
            for one in found
        ),
    )


def _listing(title: str, note: str, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Listing:
    return Listing(title, note, headings, tuple(rows))


def _percent(share: float) -> str:
    if not share:
        return ""
    return f"{share:.0%}" if 0.01 <= share <= 0.99 or share == 1 else ("<1%" if share < 0.5 else ">99%")
