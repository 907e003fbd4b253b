"""The result of an inspection: a typed document from which a mapping is made.

Counts are of rows and exact: each is taken over the whole table. It holds no value of a person: only numbers
and timestamps as bounds, the values of closed sets, names of tables, columns and keys of JSON objects.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from migrate.introspect.profile.table_findings import CheckReport, Definition, Duplicates, FullText, Leftover

#: Raised when a field changes its meaning or is removed; not when one is added.
VERSION: Final = 1

#: What all values of a column are, apart from NULL and ''; `mixed`: several of these; `empty`: no value.
Reading = Literal[
    "empty", "boolean", "integer_id", "integer", "decimal", "real", "timestamp", "json",
    "uuid", "cuid", "ulid", "email", "url", "closed_set", "text", "blob", "mixed",
]  # fmt: skip

#: The evidence for a reference: its name and its values, the name alone (no value to test), values alone.
Basis = Literal["name and values", "name", "values"]

#: Where the ids of a reference that no constraint can name are written.
Place = Literal["json", "json key", "list", "url", "text"]


@dataclass(frozen=True)
class Classes:
    """How many cells of each storage class a column holds; `empty` are the texts that are ''."""

    nulls: int
    integers: int
    reals: int
    texts: int
    blobs: int
    empty: int


@dataclass(frozen=True)
class Count:
    """A name and how many rows it counts."""

    name: str
    rows: int


@dataclass(frozen=True)
class JsonFacts:
    """JSON in a column: objects, arrays, and text that begins like JSON but is not.

    `refused` of the objects and arrays hold what jsonb does not accept: a NUL character, a single surrogate,
    bytes that are not UTF-8.
    """

    objects: int
    arrays: int
    broken: int
    refused: int


@dataclass(frozen=True)
class DecimalFacts:
    """Numbers with a fraction: digits before and after the decimal point, at most.

    `inexact` are reals that are not the number of 15 digits they print as, such as 0.1 + 0.2. `beyond` are
    the numbers with many more digits after the point than declared, `most` the most digits of the others.
    """

    digits: int
    scale: int
    inexact: int
    beyond: int = 0
    most: int = 0


@dataclass(frozen=True)
class ColumnReport:
    """A column as it is declared and as it is.

    `reading` is proven over all rows; if `certain` is false the values allow it and neither name nor declared
    type speaks for it (a count that never passed 1 is no boolean). `shapes` count the cells by how they are
    written. `lowest` and `highest` bound the numbers, `earliest` and `latest` (ISO, UTC if a zone was
    written) the instants; all are None for what is about a person. `longest` is in characters,
    `longest_bytes` in bytes. `values` are those of a closed set. `digits` are those of the longest number,
    before its point; `fits_int` says whether all numbers are within half of what 32 bits hold. `library`
    names the library that the column is known of, '' for none; `clock` is true if its default is the time of
    writing, `touched` is true if a trigger sets it to that on every update. `collation` is the one by which
    its texts are compared.
    """

    name: str
    declared: str
    not_null: bool
    default: str | None
    key: int
    generated: bool
    reading: Reading
    certain: bool
    money: bool
    classes: Classes
    null_share: float
    empty_share: float
    shapes: tuple[Count, ...]
    lowest: float | int | None
    highest: float | int | None
    earliest: str | None
    latest: str | None
    longest: int
    longest_bytes: int
    broken_text: int
    with_nul: int
    timestamps: tuple[Count, ...]
    json: JsonFacts | None
    decimal: DecimalFacts | None
    values: tuple[Count, ...]
    digits: int = 0
    fits_int: bool = True
    library: str = ""
    clock: bool = False
    touched: bool = False
    collation: str = "BINARY"

    @property
    def filled(self) -> int:
        """Return the number of cells that are neither NULL nor ''."""
        held = self.classes
        return held.integers + held.reals + held.texts + held.blobs - held.empty


@dataclass(frozen=True)
class Index:
    """An index; `columns` holds None if a term is an expression. `sql` is None for a constraint's.

    `collations` are those by which the columns are compared, `descending` the columns that are ordered from
    the greatest.
    """

    name: str
    columns: tuple[str | None, ...]
    unique: bool
    partial: bool
    sql: str | None
    collations: tuple[str, ...] = ()
    descending: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableReport:
    """A table: `key` is its primary key in order, empty if it has none; `leftover` whether it is one."""

    name: str
    rows: int
    sql: str
    key: tuple[str, ...]
    without_rowid: bool
    autoincrement: bool
    leftover: bool
    columns: tuple[ColumnReport, ...]
    indexes: tuple[Index, ...]

    def column(self, name: str) -> ColumnReport:
        """Return the column of that name. Raises KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Reference:
    """Columns whose values are keys of another table.

    Of `rows` cells that hold a value, `dangling` name no row. For a declared one `on_delete` and
    `on_update` are the constraint's; for a likely one `basis` says what speaks for it. `malformed`
    says what is wrong with a declaration that names no row, '' if nothing is.
    """

    table: str
    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    declared: bool
    basis: Basis | None
    on_delete: str | None
    on_update: str | None
    rows: int
    dangling: int
    malformed: str = ""


@dataclass(frozen=True)
class HiddenReference:
    """Ids inside the cells of a column that no constraint can declare.

    `path` is the path in a JSON document (`$.items[*].userId`; `*` also stands for keys that are not names),
    the separator of a list, the pattern of a URL or another text. Of `ids` ids found there, `dangling` refer
    to no row of `to_table`. `by` is the key next to them in JSON that names their table (`relationTo`),
    else ''.
    """

    table: str
    column: str
    place: Place
    path: str
    to_table: str
    to_column: str
    basis: Basis
    ids: int
    dangling: int
    by: str = ""


@dataclass(frozen=True)
class PolymorphicArm:
    """One value of the type column, the table it means (None: unknown) and how many of its ids are found
    there.
    """

    value: str | None
    to_table: str | None
    to_column: str | None
    rows: int
    dangling: int


@dataclass(frozen=True)
class Polymorphic:
    """A pair of columns: one names a table, the other a row of it."""

    table: str
    type_column: str
    id_column: str
    arms: tuple[PolymorphicArm, ...]


@dataclass(frozen=True)
class Inspection:
    """Everything that is known about a source; tables in the order of their names.

    `lookalikes` have names like left-over tables, but their rows show that they are in use. `rtrees` are
    the tables that are R-trees of SQLite.
    """

    version: int
    source: str
    snapshot_sha256: str
    sqlite_version: str
    tables: tuple[TableReport, ...]
    references: tuple[Reference, ...]
    hidden_references: tuple[HiddenReference, ...]
    polymorphic: tuple[Polymorphic, ...]
    duplicates: tuple[Duplicates, ...]
    leftovers: tuple[Leftover, ...]
    views: tuple[Definition, ...]
    triggers: tuple[Definition, ...]
    full_text: tuple[FullText, ...] = ()
    #: indexes of vectors, and the statements that make them with pgvector
    vector_indexes: tuple[tuple[str, str], ...] = ()
    lookalikes: tuple[Leftover, ...] = ()
    checks: tuple[CheckReport, ...] = ()
    rtrees: tuple[str, ...] = ()

    def table(self, name: str) -> TableReport:
        """Return the table of that name. Raises KeyError if there is none."""
        return {table.name: table for table in self.tables}[name]

    def facts(self) -> dict[str, Any]:
        """Return the inspection as a JSON document."""
        return asdict(self)
