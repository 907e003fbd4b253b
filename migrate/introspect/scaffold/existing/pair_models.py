"""Which target table a source table of another name has become: by its columns and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile.inspection import TableReport
from migrate.introspect.profile.names import words
from migrate.introspect.scaffold.existing.column_pairs import kind_for, pair_columns
from migrate.introspect.scaffold.types.shape_fit import misfits
from migrate.postgres.catalog import Table

#: Columns that many tables have: they say nothing of which table it is.
_COMMON: Final = frozenset({
    ("id",), ("uuid",), ("created",), ("updated",), ("created", "at"), ("updated", "at"), ("deleted", "at"),
    ("modified", "at"), ("name",), ("title",), ("description",), ("status",), ("type",), ("a",), ("b",),
})  # fmt: skip
#: Columns in common that are enough, of which one must say something; the part of the columns on either side.
_ENOUGH: Final = 2
_HALF: Final = 0.5
#: The part of a column's values that must fit.
_FITTING: Final = 0.9


@dataclass(frozen=True)
class Likeness:
    """A target table that a source table is like: `columns` are the target's names of what they share."""

    target: str
    columns: tuple[str, ...]


def find_alike(
    sources: Mapping[str, TableReport], targets: Mapping[str, Table]
) -> tuple[dict[str, Likeness], dict[str, list[str]]]:
    """Return the target table of each source table that is like one and no other, and the doubtful ones.

    The doubtful ones are source tables with the target tables that they are equally like.
    """
    scores = {
        (source, target): shared
        for source, report in sources.items()
        for target, table in targets.items()
        if (shared := _shared(report, table))
    }
    found, doubtful = {}, {}
    for source in sources:
        best = _best({target: shared for (one, target), shared in scores.items() if one == source})
        back = [
            one
            for target in best
            for one in _best({other: shared for (other, to), shared in scores.items() if to == target})
        ]
        if len(best) == 1 and back == [source]:
            found[source] = Likeness(best[0], scores[source, best[0]])
        elif best:
            doubtful[source] = best
    return found, doubtful


def _best(scores: Mapping[str, tuple[str, ...]]) -> list[str]:
    most = max(map(len, scores.values()), default=0)
    return sorted(name for name, shared in scores.items() if len(shared) == most)


def _shared(source: TableReport, target: Table) -> tuple[str, ...]:
    """Return the target's columns that the source table has, too, if they are enough to be the same table."""
    pairs = pair_columns(source, target)
    of_source = [one.name for one in source.columns if words(one.name) != ("id",)]
    of_target = [one.name for one in target.columns if words(one.name) != ("id",)]
    shared = tuple(
        to for column, to in sorted(pairs.items()) if to in of_target and _fits(source, column, target, to)
    )
    telling = [name for name in shared if words(name) not in _COMMON]
    part = len(shared) / max(len(of_source), len(of_target), 1)
    return shared if telling and len(shared) >= _ENOUGH and part >= _HALF else ()


def _fits(source: TableReport, column: str, target: Table, to: str) -> bool:
    """Return whether the values of a column are of the target's type."""
    report, there = source.column(column), target.column(to)
    kind = kind_for(there) if there is not None else None
    return kind is not None and misfits(report, kind) <= report.filled * (1 - _FITTING)
