"""Declares each target column once: the sources that it is made from, and its value.

The query's SELECT list, the frame and the entry of the report all come from the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from mappers.base import Cast, Ids
from mappers.studio.legacy_tables import COMMENTS, CONTACTS, MESSAGES, META, PEOPLE

#: A value of a batch: an expression, or a function of the batch and the ids that returns one.
Value = pl.Expr | Callable[[pl.DataFrame, Ids], pl.Expr | pl.Series]
#: Target column -> its sources and its value. A source is `group.column`, such as `people.email`, or
#: `key.name`: a key of the meta tables, which is a column of `profile` too. No source: a constant, or
#: a value that follows from other rows.
Columns = Mapping[str, tuple[tuple[str, ...], Value]]

#: The source tables of each group.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "people": tuple(PEOPLE),
        "profile": ("profile",),
        "meta": tuple(META),
        "gallery": ("studio_gallery",),
        "messages": tuple(MESSAGES),
        "contacts": tuple(CONTACTS),
        "comments": (next(iter(COMMENTS)),),
    }
)
KEY: Final = "key"


def frame(rows: pl.DataFrame, ids: Ids, columns: Columns) -> pl.DataFrame:
    """Return the target's rows: a column for each declaration."""
    return rows.select(
        (value if isinstance(value, pl.Expr) else value(rows, ids)).alias(name)
        for name, (_, value) in columns.items()
    )


def source_columns(columns: Columns, group: str) -> tuple[str, ...]:
    """Return the source columns of a group that the target's columns are made from."""
    found = (source.partition(".") for sources, _ in columns.values() for source in sources)
    return tuple(dict.fromkeys(name for of, _, name in found if of == group))


def keys(*names: str) -> tuple[str, ...]:
    """Return the sources that are keys."""
    return tuple(f"{KEY}.{name}" for name in names)


def select_list(columns: Mapping[str, tuple[Cast, str]]) -> str:
    """Return a SELECT list of (how it is read, SQL) by name."""
    return ", ".join(f'{value} AS "{name}"' for name, (_, value) in columns.items())


def casts(columns: Mapping[str, tuple[Cast, str]]) -> dict[str, Cast]:
    """Return how each column of a SELECT list is read."""
    return {name: cast for name, (cast, _) in columns.items()}


def texts(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, tuple[Cast, str]]:
    """Return the part of a SELECT list that is read as text."""
    return {name: ("text", value) for name, value in dict(values).items()}
