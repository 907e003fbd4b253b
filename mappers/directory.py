"""Everybody by legacy id, at hand in memory: for tables whose every row names two people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import polars as pl

from mappers.base import Bench, Ids, Query
from mappers.crosswalk.people import member
from mappers.keys import moment, person_id
from mappers.legacy import sql, typed

_READS: Final = """
SELECT legacy_id, space, main_id, created_at FROM x.$member
WHERE legacy_id > ?1 ORDER BY legacy_id LIMIT ?2"""
_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "legacy_id": pl.Int64(),
    "id": pl.String(),
    "created_at": pl.Datetime("ms"),
}


class Directory:
    """The people of one id space.

    Joined with each batch in SQLite, they took as long as all the rest of its reading; an id
    derived for each message instead of each person took as long again.
    """

    def __init__(self, people: pl.DataFrame) -> None:
        """Take a frame of `legacy_id`, ascending and unique, `id` (users.id) and `created_at`."""
        self._people = people

    @classmethod
    def nobody(cls) -> Self:
        """Return an empty directory."""
        return cls(pl.DataFrame(schema=_SCHEMA))

    @classmethod
    def read(cls, bench: Bench, ids: Ids, space: str) -> Self:
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
            for rows in bench.read(query)
        ]
        return cls(pl.concat([pl.DataFrame(schema=_SCHEMA), *people]))

    def places(self, legacy_ids: pl.Series) -> pl.Series:
        """Return where in the directory each legacy id is, null for nobody's."""
        known = self._people["legacy_id"]
        if known.is_empty():
            return pl.repeat(None, len(legacy_ids), dtype=pl.UInt32, eager=True)
        found = known.search_sorted(legacy_ids).clip(upper_bound=len(known) - 1)
        return pl.select(pl.when(known.gather(found) == legacy_ids).then(found)).to_series()

    def ids(self, places: pl.Series) -> pl.Series:
        """Return the users.id of those who are at these places."""
        return self._people["id"].gather(places)

    def created(self, places: pl.Series) -> pl.Series:
        """Return since when they are there."""
        return self._people["created_at"].gather(places)
