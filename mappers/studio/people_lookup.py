"""Everybody by legacy id, at hand in memory: for tables whose every row names two people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import polars as pl

from mappers.base import Ids, Query, Workspace
from mappers.packed_ids import pack, unpack
from mappers.sqlite_sql import sql, typed
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.person_ids import moment, person_id

_READS: Final = """
SELECT legacy_id, space, main_id, created_at FROM x.$member
WHERE legacy_id > ?1 ORDER BY legacy_id LIMIT ?2"""
_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "legacy_id": pl.Int64(),
    "id": pl.String(),
    "created_at": pl.Datetime("ms"),
}


#: More ids are kept as numbers: to write them as text again for each message takes a tenth longer.
_AS_TEXT: Final = 100_000
#: For so many numbers a person at most a place is kept for each number, which is looked up in a quarter of
#: the time of a search.
_SPARSE: Final = 8


class Directory:
    """The people of one id space.

    Joined with each batch in SQLite, they took as long as all the rest of its reading; an id
    derived for each message instead of each person took as long again.
    """

    def __init__(self, people: pl.DataFrame) -> None:
        """Take a frame of `legacy_id`, ascending and unique, `id` (users.id) and `created_at`."""
        # In one piece of their own: pieces of what was read would keep all of it in memory.
        self._ids = people["id"].rechunk()
        self._created = people["created_at"].rechunk()
        self._packed = pack(self._ids) if len(self._ids) > _AS_TEXT else None
        if self._packed is not None:
            self._ids = self._ids.clear()
        self._known = known = people["legacy_id"].rechunk()
        self._first, self._places = 0, pl.Series("place", [], dtype=pl.UInt32)
        if len(known) and _span(known) <= _SPARSE * len(known):
            self._known, self._first = known.clear(), int(known[0])
            self._places = _looked_up(known - self._first)

    @classmethod
    def nobody(cls) -> Self:
        """Return an empty directory."""
        return cls(pl.DataFrame(schema=_SCHEMA))

    @classmethod
    def read(cls, workspace: Workspace, ids: Ids, space: str) -> Self:
        """Return the directory of an id space of the crosswalk."""
        query = Query(
            sql=sql(_READS, member=member(space)),
            key="legacy_id",
            columns=typed(("legacy_id", "main_id", "created_at"), ("space",)),
            count=sql("SELECT count(*) FROM x.$member", member=member(space)),
        )
        people = [
            rows.select(
                "legacy_id", person_id(rows, ids, "space", "main_id").alias("id"), moment("created_at")
            )
            for rows in workspace.read(query)
        ]
        return cls(pl.concat([pl.DataFrame(schema=_SCHEMA), *people]))

    def places(self, legacy_ids: pl.Series) -> pl.Series:
        """Return where in the directory each legacy id is, null for nobody's."""
        if len(self._places):
            at = legacy_ids - self._first
            inside = at.is_between(0, len(self._places) - 1)
            return self._places.gather(at.set(~inside, None))
        if self._known.is_empty():
            return pl.repeat(None, len(legacy_ids), dtype=pl.UInt32, eager=True)
        found = self._known.search_sorted(legacy_ids).clip(upper_bound=len(self._known) - 1)
        return pl.select(pl.when(self._known.gather(found) == legacy_ids).then(found)).to_series()

    def ids(self, places: pl.Series) -> pl.Series:
        """Return the users.id of those who are at these places."""
        if self._packed is None:
            return self._ids.gather(places)
        return unpack(self._packed[places])

    def created(self, places: pl.Series) -> pl.Series:
        """Return since when they are there."""
        return self._created.gather(places)


def _span(ascending: pl.Series) -> int:
    """Return how many numbers there are between the first and the last, both counted."""
    return int(ascending[-1]) - int(ascending[0]) + 1


def _looked_up(numbers: pl.Series) -> pl.Series:
    """Return, for every number from 0 on, its place in an ascending series, null where it is not in it."""
    places = pl.repeat(None, int(numbers[-1]) + 1, dtype=pl.UInt32, eager=True)
    return places.scatter(numbers, pl.int_range(len(numbers), dtype=pl.UInt32, eager=True))
