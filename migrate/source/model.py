"""The model of a legacy database, the same for every transport."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class RawText(bytes):
    """Text that is not UTF-8: its storage class is text, its content is these bytes."""

    __slots__ = ()


#: A value as SQLite stores it: integer, real, text (`str`, or `RawText` if it is not UTF-8), blob, null.
Value = int | float | str | bytes | RawText | None
Row = tuple[Value, ...]


@dataclass(frozen=True)
class Column:
    """A column as `PRAGMA table_xinfo` returns it.

    `key` is the position in the primary key, 0 for none; `hidden` is 0, or 2 and 3 for generated columns,
    which SQLite computes and which are not copied.
    """

    name: str
    declared: str
    not_null: bool
    key: int
    hidden: int

    @property
    def stored(self) -> bool:
        """Return whether the column's values are copied rather than computed."""
        return self.hidden == 0


@dataclass(frozen=True)
class KeyPart:
    """One term of the order in which a table is paged, as in the primary key's index."""

    column: str
    collation: str = "BINARY"
    descending: bool = False


@dataclass(frozen=True)
class Table:
    """A table that is copied.

    `sql` is its DDL. `key` names the columns it is paged by: a name of the rowid that no column hides
    (`rowid`, `_rowid_`, `oid` or the INTEGER PRIMARY KEY), or the primary key of a table WITHOUT ROWID. If it
    is empty, the table is read in one page. With `vectors` it has an index of libSQL's vectors, which is
    empty for SQLite: rows are never counted by it.
    """

    name: str
    sql: str
    columns: tuple[Column, ...]
    order: tuple[KeyPart, ...]
    without_rowid: bool
    vectors: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """Return the names of the columns that the table is paged by."""
        return tuple(part.column for part in self.order)

    @property
    def stored(self) -> tuple[Column, ...]:
        """Return the columns whose values are copied."""
        return tuple(column for column in self.columns if column.stored)

    @property
    def bare_rowid(self) -> bool:
        """Return whether the key is a rowid that is not a column of the table."""
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
    """The content of a legacy database.

    `tables` are copied, in the order of their names. `left_out` names the internal, virtual and shadow
    tables. `views`, `triggers`, `indexes` and `virtual` tables are pairs of name and DDL, only for the
    record.
    """

    tables: tuple[Table, ...]
    left_out: tuple[LeftOut, ...]
    views: tuple[tuple[str, str], ...]
    triggers: tuple[tuple[str, str], ...]
    indexes: tuple[tuple[str, str], ...]
    version: str
    virtual: tuple[tuple[str, str], ...] = ()

    def table(self, name: str) -> Table:
        """Return the table of that name. Raises KeyError if it is not copied."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)


@dataclass(frozen=True)
class ColumnStats:
    """The storage classes in use in one column.

    Counts of cells by class, whether a real may be infinite (if their sum is), and the bytes of the longest
    text or blob.
    """

    integers: int
    reals: int
    texts: int
    blobs: int
    infinite: bool
    longest: int


@dataclass(frozen=True)
class TableStats:
    """The result of a first scan of a table: its rows, and each stored column by name."""

    rows: int
    columns: dict[str, ColumnStats]


@dataclass(frozen=True)
class Page:
    """Rows in key order.

    Each row holds the bare rowid first, if the table is paged by one, then the stored columns. `raw` are the
    positions of `RawText`. `after` is the key of the last row, `more` is true if another page may follow,
    `mark` is the version of the source when the page was read.
    """

    rows: Sequence[Row]
    after: Row
    more: bool
    mark: str | None
    raw: frozenset[int] = frozenset()


@dataclass
class Usage:
    """The cost of reading so far: rows the server billed, bytes of responses, requests."""

    rows_read: int = 0
    bytes: int = 0
    requests: int = 0


@dataclass(frozen=True)
class TableForecast:
    """The cost of copying a table: rows, and the rows that the server will bill for it."""

    table: str
    rows: int
    rows_read: int


@dataclass(frozen=True)
class Progress:
    """The progress of the snapshot: the table being read, its rows, and the total cost."""

    table: str
    rows: int
    expected: int
    bytes: int
    rows_read: int


class Source(Protocol):
    """A legacy database, read only.

    Every method raises SourceError if the database refuses or gives an invalid answer, SourceUnavailable if
    it did not answer within the limit of retries.
    """

    #: what may be shown: host or path, no token
    label: str
    #: which database it is; a partial snapshot is resumed only from the same
    identity: str
    usage: Usage
    #: an SQLite file of ours that is the whole database, if there is one
    copy: Path | None

    def inspect(self) -> Catalogue:
        """Return the tables and other objects of the database."""
        ...

    def count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        ...

    def forecast(self, rows: int) -> int:
        """Return how many rows the server will bill for copying a table of `rows` rows."""
        ...

    def stats(self, table: Table) -> TableStats | None:
        """Return the storage classes in use, None if values are exact without them."""
        ...

    def pages(self, table: Table, stats: TableStats | None, after: Row | None = None) -> Iterator[Page]:
        """Yield the rows with keys beyond `after`, page by page, in key order."""
        ...

    def mark(self) -> str | None:
        """Return the current version.

        Equal versions mean equal content. None if the source has no version.
        """
        ...

    def fingerprint(self, table: Table, stats: TableStats | None) -> str:
        """Read the whole table and return a digest of its rows."""
        ...

    def close(self) -> None:
        """Close connections and remove temporary files."""
        ...


@dataclass(frozen=True)
class TableFacts:
    """One table of a snapshot: its rows, and the key it was paged by."""

    name: str
    rows: int
    key: tuple[str, ...] = field(default=())
