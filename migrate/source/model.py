"""What a legacy database looks like from here, whichever way it is reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class RawText(bytes):
    """Text that is not UTF-8: its storage class is text, its bytes are these."""

    __slots__ = ()


#: A value as SQLite stores it: integer, real, text (`str`, or `RawText` where
#: the bytes are no UTF-8), blob, null.
Value = int | float | str | bytes | RawText | None
Row = tuple[Value, ...]


@dataclass(frozen=True)
class Column:
    """A column as `PRAGMA table_xinfo` tells it.

    `key` is the position in the primary key, 0 for none; `hidden` is 0, or 2
    and 3 for generated columns, which SQLite computes and nobody copies.
    """

    name: str
    declared: str
    not_null: bool
    key: int
    hidden: int

    @property
    def stored(self) -> bool:
        """Whether the column's values are copied rather than computed."""
        return self.hidden == 0


@dataclass(frozen=True)
class KeyPart:
    """One term of the order in which a table is paged, as the primary key's index has it."""

    column: str
    collation: str = "BINARY"
    descending: bool = False


@dataclass(frozen=True)
class Table:
    """A table that will be copied.

    `sql` is its DDL. `key` names the columns it is paged by: the alias of
    the rowid (`rowid`, `_rowid_`, `oid`, whichever no column hides, or the
    INTEGER PRIMARY KEY), or the primary key of a table WITHOUT ROWID; empty
    where there is neither, then the table is read whole.
    """

    name: str
    sql: str
    columns: tuple[Column, ...]
    order: tuple[KeyPart, ...]
    without_rowid: bool

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the columns that the table is paged by."""
        return tuple(part.column for part in self.order)

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns whose values are copied."""
        return tuple(column for column in self.columns if column.stored)

    @property
    def bare_rowid(self) -> bool:
        """Whether the key is a rowid that is no column of the table."""
        return not self.without_rowid and bool(self.order) and self.key[0] not in self._names

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns)


@dataclass(frozen=True)
class LeftOut:
    """An object that is not copied, and why."""

    name: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """What a legacy database holds.

    `tables` are copied, in the order of their names. `left_out` names the
    internal, virtual and shadow tables. `views`, `triggers`, `indexes` and
    `virtual` tables are pairs of name and DDL, for the record only.
    """

    tables: tuple[Table, ...]
    left_out: tuple[LeftOut, ...]
    views: tuple[tuple[str, str], ...]
    triggers: tuple[tuple[str, str], ...]
    indexes: tuple[tuple[str, str], ...]
    version: str
    virtual: tuple[tuple[str, str], ...] = ()

    def table(self, name: str) -> Table:
        """Return the table of that name; KeyError where it is not copied."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)


@dataclass(frozen=True)
class ColumnLook:
    """The storage classes in use in one column.

    Counts of cells by class, whether a real may be infinite (it may where their
    sum is), and the bytes of the longest text or blob.
    """

    integers: int
    reals: int
    texts: int
    blobs: int
    infinite: bool
    longest: int


@dataclass(frozen=True)
class ColumnStats:
    """What a first scan of a table found: its rows, and each stored column by name."""

    rows: int
    columns: dict[str, ColumnLook]


@dataclass(frozen=True)
class Page:
    """Rows in key order.

    Each row holds the bare rowid first, where the table is paged by one, then
    the stored columns. `raw` are the positions at which `RawText` occurs.
    `after` is the key of the last row, `more` whether another page may follow,
    `mark` the source's state when the page was read.
    """

    rows: Sequence[Row]
    after: Row
    more: bool
    mark: str | None
    raw: frozenset[int] = frozenset()


@dataclass
class Usage:
    """What reading has cost so far: rows the server billed, bytes of responses, requests."""

    rows_read: int = 0
    bytes: int = 0
    requests: int = 0


@dataclass(frozen=True)
class TableForecast:
    """What copying a table will cost: rows, and the rows that the server will bill for it."""

    table: str
    rows: int
    rows_read: int


@dataclass(frozen=True)
class Progress:
    """Where the snapshot stands: the table being read, its rows, and what it cost over all."""

    table: str
    rows: int
    expected: int
    bytes: int
    rows_read: int


class Source(Protocol):
    """A legacy database, read only.

    Every method raises SourceError where the database refuses or answers
    nonsense, SourceUnavailable where it did not answer within the limit of
    retries.
    """

    #: what a person may see: host or path, no token
    label: str
    #: which database it is; a partial snapshot is resumed only from the same
    identity: str
    usage: Usage
    #: an SQLite file of ours that is the whole database, where there is one
    copy: Path | None

    def inspect(self) -> Catalogue:
        """Return what the database holds."""
        ...

    def count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        ...

    def forecast(self, rows: int) -> int:
        """Return how many rows the server will bill for copying a table of `rows` rows."""
        ...

    def look(self, table: Table) -> ColumnStats | None:
        """Return the storage classes in use, None where values come out exact without."""
        ...

    def pages(self, table: Table, look: ColumnStats | None, after: Row | None = None) -> Iterator[Page]:
        """Yield the rows with keys beyond `after`, page by page, in key order."""
        ...

    def mark(self) -> str | None:
        """Return the present state: equal marks, equal content. None where there is no such thing."""
        ...

    def fingerprint(self, table: Table, look: ColumnStats | None) -> str:
        """Read a table through and return a digest of its rows."""
        ...

    def close(self) -> None:
        """Let go of connections and temporary files."""
        ...


@dataclass(frozen=True)
class TableFacts:
    """One table of a snapshot: its rows, and the key it was paged by."""

    name: str
    rows: int
    key: tuple[str, ...] = field(default=())
