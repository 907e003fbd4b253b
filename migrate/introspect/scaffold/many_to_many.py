"""Prisma's implicit many-to-many tables: `_AToB` with the columns A and B, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migrate.introspect.profile.inspection import TableReport
from migrate.introspect.scaffold.links import Links


@dataclass(frozen=True)
class Found:
    """A table that Prisma creates by itself: `first` and `second` are the source tables of A and B."""

    table: str
    first: str
    second: str


def find_pairings(
    tables: Sequence[TableReport], links: Links, models: Mapping[str, str], target: Mapping[str, str]
) -> dict[str, Found]:
    """Return the implicit many-to-many tables, by name.

    Such a table holds each pair once, both of its columns refer to keys, and A refers to the model whose name
    comes first: Prisma knows no other form. A table that differs in any of this becomes a model.
    """
    found = {}
    for table in tables:
        if not table.name.startswith("_") or target[table.name] != table.name:
            continue
        if {column.name for column in table.columns} != {"A", "B"} or not _kept_once(table):
            continue
        first, second = links.link(table.name, "A"), links.link(table.name, "B")
        if first is None or second is None or not (first.firm and second.firm):
            continue
        if models[first.to] <= models[second.to]:
            found[table.name] = Found(table.name, first.to, second.to)
    return found


def _kept_once(table: TableReport) -> bool:
    keys = [index.columns for index in table.indexes if index.unique and not index.partial]
    return set(table.key) == {"A", "B"} or any(set(key) == {"A", "B"} for key in keys)
