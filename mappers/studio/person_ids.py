"""New ids of people and of what belongs to them."""

from __future__ import annotations

import polars as pl

from mappers.base import Ids
from mappers.studio.legacy_tables import PEOPLE


def person_id(rows: pl.DataFrame, ids: Ids, space: str = "space", legacy_id: str = "legacy_id") -> pl.Expr:
    """Return the users.id of the person whose own row is `legacy_id` of `space`, null if there is none.

    Only the spaces that occur in `rows` are derived.
    """
    found = rows[space].drop_nulls().unique().sort().to_list()
    if not found:
        return pl.lit(None, pl.String)
    return pl.coalesce(
        ids.expr(name, pl.when(pl.col(space) == name).then(pl.col(legacy_id))) for name in found
    )


def person_key(space: str = "space", legacy_id: str = "legacy_id") -> pl.Expr:
    """Return the legacy key of what a person has one of: its id, after the space if it is not the first."""
    number = pl.col(legacy_id).cast(pl.String)
    first = next(iter(PEOPLE.values()))
    return pl.when(pl.col(space) == first).then(number).otherwise(pl.col(space) + ":" + number)


def as_timestamp(column: str) -> pl.Expr:
    """Return a timestamp of the crosswalk (milliseconds since 1970, UTC) as the target's timestamp."""
    return pl.col(column).cast(pl.Datetime("ms"))
