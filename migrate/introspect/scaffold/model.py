"""The neutral model of a target, made once from an inspection: every file is written from it.

Names of tables and columns are the database's, names of models and fields are Prisma's. It holds no value of
a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

ScalarType = Literal[
    "String", "Boolean", "Int", "BigInt", "Float", "Decimal", "DateTime", "Json", "Bytes", "Vector"
]  # fmt: skip
Action = Literal["Cascade", "Restrict", "SetNull", "NoAction"]

#: PostgreSQL's type of each scalar of Prisma, as Prisma's engine writes it.
_SQL: Final[Mapping[ScalarType, str]] = {
    "String": "TEXT", "Boolean": "BOOLEAN", "Int": "INTEGER", "BigInt": "BIGINT",
    "Float": "DOUBLE PRECISION", "Decimal": "DECIMAL", "DateTime": "TIMESTAMP(3)", "Json": "JSONB",
    "Bytes": "BYTEA", "Vector": "vector",
}  # fmt: skip


@dataclass(frozen=True)
class Enum:
    """A closed set: `members` are pairs of Prisma's name and the database's value."""

    name: str
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Type:
    """The type of a field: a scalar, an enum, or a scalar narrowed (`digits` and `scale`, or a day).

    With `many` it is a list of the scalar. A `Vector` of pgvector has `digits` numbers; Prisma has no type
    for it.
    """

    scalar: ScalarType = "String"
    enum: Enum | None = None
    digits: int | None = None
    scale: int | None = None
    day: bool = False
    many: bool = False

    @property
    def prisma(self) -> str:
        """Return Prisma's name for it, without a native type."""
        if self.many:
            return f"{self.scalar}[]"
        if self.scalar == "Vector":
            return f'Unsupported("{self.sql}")'
        return self.enum.name if self.enum else self.scalar

    @property
    def native(self) -> str | None:
        """Return Prisma's attribute if the type is not Prisma's default database type, otherwise None."""
        if self.day:
            return "@db.Date"
        if self.scalar == "Vector":
            return None
        return f"@db.Decimal({self.digits}, {self.scale})" if self.digits is not None else None

    @property
    def sql(self) -> str:
        """Return PostgreSQL's type, as Prisma's engine writes it; an enum's name is quoted."""
        if self.enum:
            return f'"{self.enum.name}"'
        if self.day:
            return "DATE"
        if self.many:
            return f"{_SQL[self.scalar]}[]"
        if self.scalar == "Vector":
            return f"vector({self.digits})" if self.digits else "vector"
        return f"DECIMAL({self.digits},{self.scale})" if self.digits is not None else _SQL[self.scalar]


@dataclass(frozen=True)
class Default:
    """The value of a new row: a function of Prisma's, or a constant.

    `now`, `cuid` and `autoincrement` are functions; a `text` is any text, of which `literal` is written in
    quotes, a `plain` one (number, true, false) is written as it is; a `member` is a value of an enum; an
    `instant` is a fixed timestamp in UTC, `YYYY-MM-DD HH:MM:SS`.
    """

    kind: Literal["now", "cuid", "autoincrement", "text", "plain", "member", "instant"]
    literal: str = ""


@dataclass(frozen=True)
class Field:
    """A column of the target."""

    name: str
    column: str
    type: Type
    required: bool
    default: Default | None = None
    updated_at: bool = False


@dataclass(frozen=True)
class Relation:
    """A foreign key; `field` is Prisma's on this side, `back` on the other, `name` if one is needed."""

    columns: tuple[str, ...]
    to_model: str
    to_columns: tuple[str, ...]
    to_fields: tuple[str, ...]
    required: bool
    one: bool
    field: str
    back: str
    name: str | None
    on_delete: Action | None
    on_update: Action | None
    constraint: str
    map: bool


@dataclass(frozen=True)
class Index:
    """An index or, if `unique`, a unique key; `map` is true if its name is not the one Prisma would give it.

    `descending` are those of its columns that are ordered from the greatest.
    """

    columns: tuple[str, ...]
    unique: bool
    name: str
    map: bool
    descending: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SqlIndex:
    """An index that Prisma's schema does not describe: its name, and the statement that makes it.

    `terms` are its columns and expressions as SQL, `condition` says which rows it has ('' for all).
    """

    name: str
    sql: str
    unique: bool
    terms: tuple[str, ...]
    condition: str = ""


@dataclass(frozen=True)
class Model:
    """A table of the target; `key` are the columns of its primary key, `constraint` that key's name."""

    name: str
    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    constraint: str
    map: bool
    indexes: tuple[Index, ...] = ()
    relations: tuple[Relation, ...] = ()
    sql_indexes: tuple[SqlIndex, ...] = ()

    def field(self, column: str) -> Field:
        """Return the field of a column. Raises KeyError if there is none."""
        for one in self.fields:
            if one.column == column:
                return one
        raise KeyError(column)


@dataclass(frozen=True)
class Pairing:
    """An implicit many-to-many table of Prisma's: `first` and `second` are the models of its A and B."""

    name: str
    first: str
    second: str
    first_back: str
    second_back: str

    @property
    def table(self) -> str:
        """Return the table's name."""
        return f"_{self.name}"


#: The options of an entry of the mapping file, in the order in which they are written.
Options = Mapping[str, object]


@dataclass(frozen=True)
class Line:
    """A source column in the mapping file: its options, and remarks for the operator."""

    column: str
    options: Options
    remark: str = ""
    review: bool = False
    #: what the draft counts by the shapes of the values, to be marked, too; a forecast counts it by the
    #: mappers instead
    counts: tuple[str, ...] = ()

    @property
    def marked(self) -> bool:
        """Whether the line bears the mark `(!)`."""
        return self.review or bool(self.counts)

    @property
    def note(self) -> str:
        """All that the operator should know of the column, as one sentence."""
        return "; ".join(part for part in (self.remark, *self.counts) if part)


@dataclass(frozen=True)
class Section:
    """A source table in the mapping file: its options, its columns, and remarks for the operator."""

    source: str
    rows: int
    options: Options
    lines: tuple[Line, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def migrated(self) -> bool:
        """Return whether the table has a target."""
        return "target" in self.options


@dataclass(frozen=True)
class Outcome:
    """What becomes of `rows` rows, or values of a column, in the words of the ledger.

    `fate` is that of the rows, None if they are migrated and the value is not what it was; `column`
    is the column that is the cause, '' if the ledger names none.
    """

    table: str
    column: str
    fate: str | None
    rule: str
    rows: int


@dataclass(frozen=True)
class Draft:
    """All that is written; `appendix` is what must be done by hand, headings with their lines."""

    source: str
    sections: tuple[Section, ...]
    models: tuple[Model, ...] = ()
    enums: tuple[Enum, ...] = ()
    pairings: tuple[Pairing, ...] = ()
    appendix: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    #: what a run of it does with rows and values
    forecast: tuple[Outcome, ...] = ()
    #: how the tenants of a fleet are kept apart, the section `[fleet]` of the mapping; empty for one source
    fleet: Options = field(default_factory=dict)

    def model(self, name: str) -> Model:
        """Return the model of that name. Raises KeyError if there is none."""
        for one in self.models:
            if one.name == name:
                return one
        raise KeyError(name)
