"""The coordinates of persons with several legacy ids: both from one place, never one from each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.sqlite_sql import sql
from mappers.studio.profile_values import LATITUDE, LONGITUDE

#: Columns of a read that has x.place joined to it, as `pl`.
PLACE_COLUMNS: Final = (
    "pl.person IS NOT NULL AS several, pl.latitude AS own_latitude, pl.longitude AS own_longitude"
)
KEYS: Final = (*LATITUDE, *LONGITUDE)

_CLAIMED: Final = """
CREATE TABLE x.place_claim AS
SELECT c.person AS person, c.key AS key, c.value AS value, c.position AS position, c.kind AS kind,
       c.number AS number
FROM ($claims) AS c
WHERE c.key IN ('latitude', 'longitude', 'loc3', 'loc4') AND c.value <> ''
  AND c.person IN (SELECT person FROM x.alias WHERE position > 0)"""
_CLAIMS: Final = Query(
    sql="WITH k AS (SELECT DISTINCT person FROM x.place_claim WHERE person > ?1 ORDER BY person LIMIT ?2)"
    " SELECT c.person, c.key, c.value, c.position, c.kind, c.number FROM k"
    " JOIN x.place_claim AS c USING (person) ORDER BY c.person, c.position, c.kind, c.number",
    key="person",
    columns={
        "person": "integer", "key": "text", "value": "text", "position": "integer", "kind": "integer",
        "number": "integer",
    },
    count="SELECT count(DISTINCT person) FROM x.place_claim",
)  # fmt: skip
_PLACE: Final = {"person": pl.Int64, "latitude": pl.String, "longitude": pl.String}


def gather_places(workspace: Workspace, claims: Sequence[str]) -> None:
    """Make x.place: of each person with several legacy ids and any coordinate the pair that is taken.

    The ids are asked in order of authority, each for the pair of its profile row, then for its meta keys
    loc3 and loc4; the first pair that is a place is taken. Both are NULL if none is. `claims` are queries
    for the facts of profile and meta rows.
    """
    workspace.write("place", pl.DataFrame(schema=_PLACE))
    if claims and workspace.scalar("SELECT 1 FROM x.alias WHERE position > 0 LIMIT 1"):
        workspace.execute(sql(_CLAIMED, claims=" UNION ALL ".join(claims)))
        workspace.execute("CREATE INDEX x.place_claim_person ON place_claim (person)")
        for rows in workspace.read(_CLAIMS):
            workspace.write("place", _chosen(rows))
        workspace.execute("DROP TABLE x.place_claim")
    workspace.execute("CREATE UNIQUE INDEX x.place_person ON place (person)")


def _chosen(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the place of each person of a batch of claims, in their order."""
    stated = rows.with_columns(cleaning.text(pl.col("value"))).filter(pl.col("value").is_not_null())
    wide = stated.pivot(
        on="key", on_columns=list(KEYS), index=["person", "position"], values="value",
        aggregate_function="first", maintain_order=True,
    )  # fmt: skip
    pairs = []
    for kind, (latitude, longitude) in enumerate(zip(LATITUDE, LONGITUDE, strict=True)):
        lat, lon = cleaning.place(wide[latitude], wide[longitude])
        pair = wide.select("person", "position", pl.lit(kind).alias("kind"))
        found = pair.with_columns(wide[latitude].alias("latitude"), wide[longitude].alias("longitude"))
        pairs.append(found.filter(lat.is_not_null() & lon.is_not_null()))
    first = pl.concat(pairs).sort("person", "position", "kind").unique("person", maintain_order=True)
    people = stated.select("person").unique(maintain_order=True)
    return people.join(first.select(list(_PLACE)), on="person", how="left", maintain_order="left")
