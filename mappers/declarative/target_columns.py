"""What the mapper knows of the target's columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from mappers.declarative.mapping_file import Kind

Family = Literal[
    "text", "uuid", "integer", "boolean", "real", "decimal", "timestamp", "date", "json", "bytes", "enum",
    "texts", "other",
]  # fmt: skip

#: The families by the type's name without its modifier, as PostgreSQL's format_type spells it.
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
}
#: The type that a kind has where no target is known yet.
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
}
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
}
_WIDEST: Final = (-(2**63), 2**63 - 1)


@dataclass(frozen=True)
class TargetColumn:
    """One column of a target table.

    `type` is PostgreSQL's own spelling, such as `character varying(30)`;
    `enum` holds the labels where the type is an enum, `max_length` counts
    characters, `precision` and `scale` are those of numeric(p,s).
    """

    name: str
    type: str
    not_null: bool = False
    enum: tuple[str, ...] | None = None
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    generated: bool = False
    has_default: bool = False

    @property
    def family(self) -> Family:
        """The types that are filled alike."""
        if self.enum is not None:
            return "enum"
        return _FAMILIES.get(re.sub(r"\(.*?\)", "", self.type), "other")

    @property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest integer that the column takes."""
        return _RANGES.get(self.type, _WIDEST)


def usual(name: str, kind: Kind) -> TargetColumn:
    """Return the column that a kind goes to where no target is known yet."""
    return TargetColumn(name, _USUAL[kind])
