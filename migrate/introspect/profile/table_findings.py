"""What an inspection found out about tables: duplicates, left-over copies, checks, full text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Which values count as equal: the same bits, the same text, the same apart from case and outer blanks.
Equality = Literal["exact", "as text", "folded"]
LeftoverKind = Literal["backup", "old", "new", "case variant", "bookkeeping", "full text", "internal"]


@dataclass(frozen=True)
class Duplicates:
    """Values that occur more than once, or not at all, in a unique key or a column that looks like one.

    `groups` values occur in `rows` rows; `nulls` rows have NULL in the key. `declared` is true for a key of
    the database, false for one that only the name suggests.
    """

    table: str
    columns: tuple[str, ...]
    equality: Equality
    declared: bool
    groups: int
    rows: int
    nulls: int


@dataclass(frozen=True)
class Leftover:
    """A table that the application does not use any more.

    `of` is the table it was copied from, `only_here` how many of its rows have a key that is not there,
    `differing` how many are not there with the same values in all common columns (None if a query cannot
    tell). `copied` is False for a table that no snapshot holds.
    """

    name: str
    kind: LeftoverKind
    of: str | None
    reason: str
    rows: int | None
    only_here: int | None
    differing: int | None
    copied: bool


@dataclass(frozen=True)
class Definition:
    """A view or a trigger, which must be written again by hand."""

    name: str
    sql: str


@dataclass(frozen=True)
class CheckReport:
    """A CHECK constraint, which no Prisma schema holds: what it requires, as SQLite's SQL.

    `broken` rows do not satisfy it; None if it calls a function that SQLite does not have.
    """

    table: str
    sql: str
    broken: int | None


@dataclass(frozen=True)
class FullText:
    """A full-text table, which is not copied, and the SQL that replaces it in PostgreSQL.

    `columns` are those that are searched, `content` is the table whose text it indexes. With `holds_text` it
    indexes no table: only it holds its text, which is lost unless it is saved by hand.
    """

    name: str
    sql: str
    columns: tuple[str, ...]
    content: str | None
    holds_text: bool
    instead: str
