"""The type that a column gets, and how its values are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from mappers.declarative.mapping_columns import Kind
from migrate.introspect.scaffold.model import Options, Type


@dataclass(frozen=True)
class Choice:
    """The type of a column and how its values are read.

    Of its values `misfits` do not fit, and `unset` are words such as CURRENT_TIMESTAMP in place of an
    instant. `guess` is true if nothing but a name, or what other columns hold, speaks for the type.
    """

    type: Type
    kind: Kind
    options: Options = field(default_factory=dict)
    misfits: int = 0
    unset: int = 0
    remark: str = ""
    guess: bool = False
    #: values that are not migrated as they stand, by what becomes of them
    counts: tuple[tuple[str, int], ...] = ()


def joined(*remarks: str) -> str:
    """Return remarks as one text, the empty ones left out."""
    return "; ".join(remark for remark in remarks if remark)
