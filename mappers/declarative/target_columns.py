"""What the mapper knows about the target's columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from mappers.declarative.mapping_columns import Kind

Family = Literal[
    "text", "uuid", "integer", "boolean", "real", "decimal", "timestamp", "date", "json", "bytes", "enum",
    "texts", "list", "vector", "other",
]  # fmt: skip

#: The families by the type's name without its modifier, as PostgreSQL's format_type writes it.
_FAMILIES: Final[Mapping[str, Family]] = {
    "text": "text",
    "character varying": "text",
    "character": "text",
    "citext": "text",
    "uuid": "uuid",
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "boolean": "boolean",
    "real": "real",
    "double precision": "real",
    "numeric": "decimal",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamp",
    "date": "date",
    "json": "json",
    "jsonb": "json",
    "bytea": "bytes",
    "text[]": "texts",
    "character varying[]": "list",
    "uuid[]": "list",
    "smallint[]": "list",
    "integer[]": "list",
    "bigint[]": "list",
    "boolean[]": "list",
    "real[]": "list",
    "double precision[]": "list",
    "numeric[]": "list",
    "vector": "vector",
}
#: The type of a kind if no target is known yet.
_USUAL: Final[Mapping[Kind, str]] = {
    "id": "text",
    "reference": "text",
    "references": "text",
    "text": "text",
    "enum": "text",
    "integer": "bigint",
    "boolean": "boolean",
    "real": "double precision",
    "decimal": "numeric",
    "timestamp": "timestamp(3) without time zone",
    "date": "date",
    "json": "jsonb",
    "bytes": "bytea",
    "vector": "vector",
    "list": "text[]",
}
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
}
_WIDEST: Final = (-(2**63), 2**63 - 1)


class TargetColumn(Protocol):
    """One column of a target table.

    `type` is PostgreSQL's own spelling, such as `character varying(30)`;
    `enum` holds the labels if the type is an enum, `max_length` counts
    characters, `precision` and `scale` are those of numeric(p,s); `default` and
    `identity` say that PostgreSQL fills the column if no value is given.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def not_null(self) -> bool: ...  # noqa: D102
    @property
    def enum(self) -> tuple[str, ...] | None: ...  # noqa: D102
    @property
    def max_length(self) -> int | None: ...  # noqa: D102
    @property
    def precision(self) -> int | None: ...  # noqa: D102
    @property
    def scale(self) -> int | None: ...  # noqa: D102
    @property
    def generated(self) -> bool: ...  # noqa: D102
    @property
    def default(self) -> str | None: ...  # noqa: D102
    @property
    def identity(self) -> str | None: ...  # noqa: D102


def family(column: TargetColumn) -> Family:
    """Return the family of types that are filled as the column is."""
    if column.enum is not None:
        return "enum"
    return _FAMILIES.get(re.sub(r"\(.*?\)", "", column.type).rpartition(".")[2], "other")


def dimensions(column: TargetColumn) -> int | None:
    """Return how many numbers a vector of the column has, None if any number of them."""
    found = re.search(r"\((\d+)\)", column.type)
    return int(found[1]) if found else None


def element_type(column: TargetColumn) -> str:
    """Return the type of the elements of an array, without its modifier."""
    return re.sub(r"\(.*?\)", "", column.type).removesuffix("[]")


def integer_range(column: TargetColumn) -> tuple[int, int]:
    """Return the smallest and the largest integer that the column takes."""
    return _RANGES.get(column.type.removesuffix("[]"), _WIDEST)


def has_default(column: TargetColumn) -> bool:
    """Return whether PostgreSQL fills the column if no value is given."""
    return bool(column.default or column.identity)


@dataclass(frozen=True)
class _Usual:
    """A column of a usual type, without any limit."""

    name: str
    type: str
    not_null: bool = False
    enum: tuple[str, ...] | None = None
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    generated: bool = False
    default: str | None = None
    identity: str | None = None


def usual(name: str, kind: Kind) -> TargetColumn:
    """Return the column that a kind goes to if no target is known yet."""
    return _Usual(name, _USUAL[kind])
