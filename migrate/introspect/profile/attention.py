"""What in an inspected source needs a decision of a person, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from migrate.introspect.profile.inspection import ColumnReport, Inspection
from migrate.runtime.amount import amount

#: `loss`: something is, or would be, missing in the target; `decision`: a person must choose.
Severity = Literal["loss", "decision"]


@dataclass(frozen=True)
class Attention:
    """Something that a person must look at: how many rows or values, which table and column, what to do."""

    severity: Severity
    rows: int
    table: str
    column: str
    what: str
    todo: str


_DANGLING: Final = 'fix the source, or choose dangling = "reject", "null" or "placeholder" in the mapping'


def list_attention(inspection: Inspection) -> list[Attention]:
    """Return what needs a person, losses first, then by number of rows."""
    found = [
        *_references(inspection),
        *_keys(inspection),
        *_values(inspection),
        *_copies(inspection),
        *_by_hand(inspection),
    ]
    return sort_attention(found)


def sort_attention(found: Iterable[Attention]) -> list[Attention]:
    """Return losses first, then by number of rows."""
    return sorted(found, key=lambda one: (one.severity != "loss", -one.rows, one.table, one.column))


def verdict(inspection: Inspection, found: Iterable[Attention]) -> str:
    """Return how many tables go through untouched, and how many need a decision."""
    used = {table.name for table in inspection.tables if not table.leftover}
    open_tables = used & {one.table for one in found}
    if not open_tables:
        return f"All {amount(len(used), 'table')} in use go through untouched."
    through = len(used) - len(open_tables)
    return (
        f"{through:,} of {amount(len(used), 'table')} in use go through untouched; "
        f"{amount(len(open_tables), 'needs', 'need')} a decision: {_named(sorted(open_tables))}."
    )


def _named(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _references(inspection: Inspection) -> Iterator[Attention]:
    for one in inspection.references:
        columns = ", ".join(one.columns)
        if one.malformed:
            yield Attention(
                "decision", one.rows, one.table, columns, f"malformed constraint: {one.malformed}",
                "it is not made in PostgreSQL; correct it in the source, or leave it out",
            )  # fmt: skip
        elif one.dangling:
            yield Attention(
                "loss", one.dangling, one.table, columns, f"refer to no row of {one.to_table}", _DANGLING
            )
    for hidden in inspection.hidden_references:
        yield Attention(
            "decision", hidden.ids, hidden.table, hidden.column,
            f"ids of {hidden.to_table} inside cells ({f'{hidden.place} {hidden.path}'.strip()})",
            f'keep the ids of {hidden.to_table} (ids = "keep"), or list the path (ids = [...])',
        )  # fmt: skip
    for pair in inspection.polymorphic:
        lost = sum(arm.dangling if arm.to_table else arm.rows for arm in pair.arms)
        if lost:
            yield Attention(
                "loss", lost, pair.table, f"{pair.type_column}, {pair.id_column}",
                "name no table, or no row of it", _DANGLING,
            )  # fmt: skip


def _keys(inspection: Inspection) -> Iterator[Attention]:
    for table in inspection.tables:
        if not table.key and not table.leftover:
            yield Attention(
                "decision", table.rows, table.name, "", "no primary key",
                "choose its key columns (key = [...]); otherwise each row gets a new id",
            )  # fmt: skip
    for one in inspection.duplicates:
        rows = one.rows + one.nulls
        which = "a key of the database" if one.declared else "a column that looks unique"
        yield Attention(
            "loss" if one.declared else "decision", rows, one.table, ", ".join(one.columns),
            f"the same value more than once, or none, in {which} (compared {one.equality})",
            "correct the rows in the source, or do without the unique constraint",
        )  # fmt: skip
    for check in inspection.checks:
        if check.broken:
            yield Attention(
                "decision", check.broken, check.table, "", f"break CHECK ({check.sql})",
                "correct the rows, or leave the constraint out of PostgreSQL",
            )  # fmt: skip


def _values(inspection: Inspection) -> Iterator[Attention]:
    for table in inspection.tables:
        if table.leftover:
            continue
        for column in table.columns:
            for rows, what, todo in _of_column(column):
                if rows:
                    yield Attention("loss", rows, table.name, column.name, what, todo)
            if column.reading == "mixed":
                what, todo = (
                    "values of several types in one column",
                    "choose its type (as = ...) in the mapping",
                )
                yield Attention("decision", column.filled, table.name, column.name, what, todo)


def _of_column(column: ColumnReport) -> Iterator[tuple[int, str, str]]:
    """Yield rows, what is wrong with them and what to do, also with 0 rows."""
    otherwise = 'choose otherwise = "reject", "null" or "default" in the mapping'
    yield column.with_nul, "texts with a NUL character, which PostgreSQL does not store", otherwise
    yield column.broken_text, "texts that are not UTF-8", otherwise
    impossible = sum(one.rows for one in column.timestamps if one.name == "impossible")
    yield impossible, "dates that do not exist", otherwise
    if column.json:
        kept = 'choose invalid = "reject", "null" or "wrap" in the mapping'
        yield column.json.broken, "texts that begin like JSON, but are not", kept
        yield column.json.refused, "JSON that jsonb does not accept", kept


def _copies(inspection: Inspection) -> Iterator[Attention]:
    for one in inspection.leftovers:
        differing = max(one.only_here or 0, one.differing or 0)
        if differing:
            yield Attention(
                "decision", differing, one.name, "", f"{one.reason}; rows that are not the same in {one.of}",
                "look at these rows before you leave the table out",
            )  # fmt: skip
    for one in inspection.lookalikes:
        yield Attention(
            "decision", one.rows or 0, one.name, "", f"named like a copy ({one.reason}), but with own rows",
            "leave it out if the application does not need it; otherwise it is migrated",
        )  # fmt: skip


def _by_hand(inspection: Inspection) -> Iterator[Attention]:
    for kind, definitions in (("view", inspection.views), ("trigger", inspection.triggers)):
        for definition in definitions:
            yield Attention(
                "decision", 0, definition.name, "", f"a {kind}", "rewrite it by hand for PostgreSQL"
            )
    for one in inspection.full_text:
        if one.holds_text:
            yield Attention(
                "loss", 0, one.name, "", "a full-text table with text that no other table has",
                "save its text by hand into a table of its own",
            )  # fmt: skip
        else:
            yield Attention(
                "decision", 0, one.name, "", "a full-text table", "replace it with the SQL that is shown"
            )
