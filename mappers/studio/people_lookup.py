"""Everyone by legacy id, in memory: for tables whose every row refers to two people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import polars as pl

from mappers.base import Ids, Query, Workspace
from mappers.packed_ids import pack, unpack
from mappers.sqlite_sql import sql, typed
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.person_ids import as_timestamp, person_id

_READS: Final = """
SELECT legacy_id, space, main_id, created_at FROM x.$member
WHERE legacy_id > ?1 ORDER BY legacy_id LIMIT ?2"""
_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "legacy_id": pl.Int64(),
    "id": pl.String(),
    "created_at": pl.Datetime("ms"),
}


#: With more ids they are kept as numbers: converting them to text for each message takes a tenth longer.
_AS_TEXT: Final = 100_000
#: Up to this many numbers a person, an array holds the place of each number; a look-up then takes a quarter
#: of the time of a search.
_SPARSE: Final = 8


class Directory:
    """The people of one id space.

    A join of each batch in SQLite took as long as all the rest of its reading; deriving an id for each
    message instead of each person took as long again.
    """

    def __init__(self, people: pl.DataFrame) -> None:
        """Take a frame of `legacy_id`, ascending and unique, `id` (users.id) and `created_at`."""
        # In their own memory: slices of what was read would keep all of it in memory.
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
    def empty(cls) -> Self:
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
                "legacy_id", person_id(rows, ids, "space", "main_id").alias("id"), as_timestamp("created_at")
            )
            for rows in workspace.read(query)
        ]
        return cls(pl.concat([pl.DataFrame(schema=_SCHEMA), *people]))

    def places(self, legacy_ids: pl.Series) -> pl.Series:
        """Return the place of each legacy id in the directory, null if it belongs to no person."""
        if len(self._places):
            at = legacy_ids - self._first
            inside = at.is_between(0, len(self._places) - 1)
            return self._places.gather(at.set(~inside, None))
        if self._known.is_empty():
            return pl.repeat(None, len(legacy_ids), dtype=pl.UInt32, eager=True)
        found = self._known.search_sorted(legacy_ids).clip(upper_bound=len(self._known) - 1)
        return pl.select(pl.when(self._known.gather(found) == legacy_ids).then(found)).to_series()

    def ids(self, places: pl.Series) -> pl.Series:
        """Return the users.id of the people at these places."""
        if self._packed is None:
            return self._ids.gather(places)
        return unpack(self._packed[places])

    def created(self, places: pl.Series) -> pl.Series:
        """Return the created_at of the people at these places."""
        return self._created.gather(places)


def _span(ascending: pl.Series) -> int:
    """Return how many numbers there are from the first to the last, both included."""
    return int(ascending[-1]) - int(ascending[0]) + 1


def _looked_up(numbers: pl.Series) -> pl.Series:
    """Return, for every number from 0 on, its place in an ascending series, null if it is not in it."""
    places = pl.repeat(None, int(numbers[-1]) + 1, dtype=pl.UInt32, eager=True)
    return places.scatter(numbers, pl.int_range(len(numbers), dtype=pl.UInt32, eager=True))
