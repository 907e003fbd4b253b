"""Chooses the key of each table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from mappers.declarative.mapping_columns import IdStrategy
from migrate.introspect.profile.inspection import TableReport
from migrate.introspect.profile.table_findings import Duplicates
from migrate.source.catalog import ROWID_NAMES

#: The part of the rows that may lack their key, and are rejected, so that the others keep theirs.
FEW: Final = 0.01
#: The key column that a table without a key gets.
ROW_ID: Final = "row_id"


@dataclass(frozen=True)
class Key:
    """The key of a table: its source columns, or the name by which the rowid can be selected.

    `ids` is what happens to it; `why` explains to the operator a key that is not the declared one.
    """

    columns: tuple[str, ...]
    ids: IdStrategy
    rowid: str | None = None
    why: str = ""

    @property
    def sole(self) -> str | None:
        """Return the only column of a key that is a column of the table."""
        return self.columns[0] if len(self.columns) == 1 else None


def key_of(table: TableReport, repeated: Iterable[Duplicates], *, keep: bool = False) -> Key:
    """Return the key that the rows of a table have in the target.

    Whole numbers become new ids; texts and keys of several columns stay. Rows that a key of PostgreSQL could
    not distinguish (no primary key, NULL in it, 1 and '1') get a new key, made from the rowid. With `keep`
    numbers stay as well.
    """
    found = list(repeated)
    columns = table.key or _pair_of_prisma(table) or _undeclared(table, found)
    if not columns:
        return _from_rowid(table, keep, "there is no primary key")
    parts = [table.column(name) for name in columns]
    nulls = max(part.classes.nulls for part in parts)
    if nulls > table.rows * FEW:
        return _from_rowid(table, keep, "the primary key is NULL in some rows")
    if any(part.generated for part in parts):
        return _from_rowid(table, keep, "the primary key is computed")
    if any(0 < part.classes.blobs < part.filled for part in parts):
        return _from_rowid(table, keep, "keys are bytes in some rows")
    if any(one.declared and one.equality == "as text" and set(one.columns) == set(columns) for one in found):
        return _from_rowid(table, keep, "keys that SQLite distinguishes are equal as text")
    numeric = (parts[0].reading in ("integer_id", "integer") and not parts[0].classes.texts) or (
        parts[0].reading == "empty" and "INT" in parts[0].declared.upper()
    )
    ids: Literal["cuid", "keep"] = "cuid" if len(parts) == 1 and numeric and not keep else "keep"
    why = f"no primary key is declared: {' and '.join(columns)} {'are' if len(columns) > 1 else 'is'} unique"
    why = "" if table.key else f"{why} and never NULL"
    if nulls:
        why = f"(!) the primary key is NULL, and the row is rejected: {nulls:,}"
    return Key(columns, ids, why=why)


def _pair_of_prisma(table: TableReport) -> tuple[str, ...]:
    """Return A and B of Prisma's own table between two models, whose unique index was its key once."""
    pair = ("A", "B")
    once = any(
        index.unique and not index.partial and set(index.columns) == set(pair) for index in table.indexes
    )
    own = table.name.startswith("_") and {column.name for column in table.columns} == set(pair)
    filled = own and all(not table.column(name).classes.nulls for name in pair)
    return pair if once and filled else ()


def _undeclared(table: TableReport, repeated: Iterable[Duplicates]) -> tuple[str, ...]:
    """Return the column called id if it could be the key, although it is not declared."""
    for column in table.columns:
        if column.name.lower() == "id" and column.filled == table.rows > 0:
            twice = any(one.columns == (column.name,) and one.groups for one in repeated)
            return () if twice else (column.name,)
    return ()


def _from_rowid(table: TableReport, keep: bool, why: str) -> Key:
    names = {column.name.lower() for column in table.columns}
    free = next((name for name in ROWID_NAMES if name not in names), None)
    if free is None or table.without_rowid:
        return Key(table.key, "keep", why=why)
    return Key(
        (),
        "keep" if keep else "cuid",
        rowid=free,
        why=f"{why}: rows get the key {ROW_ID}, made from the rowid",
    )
