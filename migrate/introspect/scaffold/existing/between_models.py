"""Tables between two others: Prisma's implicit `_PostToTag`, and tables of a model of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile.inspection import Inspection, TableReport
from migrate.introspect.scaffold.existing.column_pairs import pair
from migrate.postgres.catalog import LiveSchema, Table

#: Columns that a table between two others may have as well: an id, an instant, a position.
_MORE: Final = 3


@dataclass(frozen=True)
class Between:
    """A table that joins two others on both sides; `columns` are the target's of the source's.

    `ends` are the two columns of the source that refer to the others.
    """

    source: str
    target: str
    columns: Mapping[str, str]
    ends: tuple[str, ...]


def find_between(
    sources: Mapping[str, TableReport],
    targets: Mapping[str, Table],
    pairs: Mapping[str, str],
    inspection: Inspection,
    live: LiveSchema,
) -> Iterator[Between]:
    """Yield the tables that refer to the same two tables as one of the target, and to no other.

    `pairs` are the target's tables of the source's. One of two that join the same tables is not taken, nor
    one that refers twice to one table: which end is which could only be guessed.
    """
    of_sources = {name: _ends(_references(name, inspection), pairs) for name in sources}
    known = {name: name for name in live.tables}
    of_targets = {name: _ends(_foreign_keys(name, live), known) for name in targets}
    for source, ends in of_sources.items():
        meant = [name for name, other in of_targets.items() if ends and set(other) == set(ends)]
        rivals = [name for name, other in of_sources.items() if other and set(other) == set(ends)]
        if len(meant) == len(rivals) == 1 and len(sources[source].columns) <= len(ends) + _MORE:
            there = of_targets[meant[0]]
            columns = {column: there[parent] for parent, column in ends.items()}
            rest = [one.name for one in sources[source].columns if one.name not in columns]
            free = [one.name for one in targets[meant[0]].columns if one.name not in columns.values()]
            in_order = tuple(sorted(ends.values(), key=lambda column: columns[column]))
            yield Between(source, meant[0], columns | pair(rest, free), in_order)


def _ends(references: Mapping[str, str], tables: Mapping[str, str]) -> dict[str, str]:
    """Return the column that refers to each of two target tables; {} for any other number of them."""
    found = {tables[parent]: column for column, parent in references.items() if parent in tables}
    return found if len(found) == len(references) == 2 else {}


def _references(name: str, inspection: Inspection) -> dict[str, str]:
    return {
        one.columns[0]: one.to_table
        for one in reversed(inspection.references)
        if one.table == name and len(one.columns) == 1
    }


def _foreign_keys(name: str, live: LiveSchema) -> dict[str, str]:
    return {
        key.columns[0]: key.ref_table
        for key in live.foreign_keys
        if (key.schema, key.table) == (live.schema, name) and len(key.columns) == 1
    }
