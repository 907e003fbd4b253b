"""Columns of well-known libraries: what `known_columns.toml` says of them."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from migrate.introspect.profile.names import fold, singular, words

KnownType = Literal["timestamp", "integer", "boolean", "text", "json"]

_FILE: Final = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Known:
    """What a library reads in a column: its `type`, in a table of that `library`."""

    type: KnownType
    library: str


@dataclass(frozen=True)
class _Entry:
    library: str
    table: str
    columns: frozenset[str]
    types: Mapping[str, KnownType]


def known_columns(table: str, columns: Collection[str]) -> dict[str, Known]:
    """Return what the library that a table is of reads in its columns; none if it is of none."""
    names = {fold(column): column for column in columns}
    folded = {fold(table), "".join(singular(word) for word in words(table)[-1:])}
    for entry in _entries():
        if entry.table in folded and entry.columns <= names.keys():
            return {
                names[name]: Known(type_, entry.library)
                for name, type_ in entry.types.items()
                if name in names
            }
    return {}


@functools.cache
def _entries() -> tuple[_Entry, ...]:
    found = tomllib.loads(_FILE.read_text())["table"]
    return tuple(
        _Entry(
            one["library"],
            fold(one["table"]),
            frozenset(map(fold, one["columns"])),
            {fold(name): type_ for name, type_ in one["types"].items()},
        )
        for one in found
    )
