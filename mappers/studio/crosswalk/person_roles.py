"""The roles that follow from a person's facts: profile, category, studio."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.settings import MapperSettings
from mappers.sqlite_sql import quoted, sql, typed
from mappers.studio.crosswalk.first_dates import read_newest
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.crosswalk.places import PLACE_COLUMNS
from mappers.studio.legacy_tables import META, Legacy
from mappers.studio.profile_values import (
    LEFT_TO_SAY,
    category,
    category_keys,
    facts_of,
    last_seen,
    placed,
    wide,
)

_KEYS: Final = ("first_name", "last_name", "location", "last_login", "lastupdated")
_DERIVED: Final = {
    "person": pl.Int64,
    "category": pl.String,
    "full_name": pl.String,
    "location": pl.String,
    "seen_at": pl.Int64,
}
_WITH_PLACE: Final = """
SELECT f.person AS person, f.key AS key, f.value AS value, $place FROM ($facts) AS f
LEFT JOIN x.place AS pl ON pl.person = f.person ORDER BY f.person, f.key"""
_PROFILE: Final = """
UPDATE x.person SET profile = 1, category = d.category, full_name = d.full_name,
       updated_at = max(created_at, coalesce(d.seen_at, created_at))
FROM x.derived AS d WHERE d.person = person.person"""
_STUDIO: Final = """
UPDATE x.person SET studio = 1,
       studio_name = CASE WHEN d.full_name IS NOT NULL THEN d.full_name || ' Studio'
                          WHEN display_name IS NOT NULL THEN display_name
                          WHEN d.location IS NOT NULL THEN d.location || ' Studio'
                          ELSE 'Studio of ' || username END,
       premium = coalesce(role_id = ?1, 0) OR coalesce(expires_at > ?2, 0)
FROM x.derived AS d WHERE d.category = 'STUDIO' AND d.person = person.person"""

#: The people whose facts make a profile or metadata, and how many. Few have more facts than the address of
#: their image, which has its own column.
_INFORMED: Final = "CREATE TABLE x.informed (person INTEGER PRIMARY KEY, facts INTEGER)"
_FILL_INFORMED: Final = """
INSERT INTO x.informed SELECT person, sum(n) FROM (
  SELECT f.person, count(*) AS n FROM x.fact AS f CROSS JOIN x.person AS p ON p.person = f.person
  WHERE $which GROUP BY f.person UNION ALL SELECT person, 0 FROM x.profiled
) GROUP BY person ORDER BY person"""


def complete_people(
    workspace: Workspace, legacy: Legacy, settings: MapperSettings, newest: cleaning.Newest | None
) -> None:
    """Complete x.person from its people's facts. `newest`: the newest timestamp of the other tables."""
    workspace.execute("CREATE TABLE x.profiled (person INTEGER PRIMARY KEY)")
    workspace.execute(
        "INSERT OR IGNORE INTO x.profiled"
        " SELECT person FROM x.profile_row WHERE person IS NOT NULL ORDER BY person"
    )
    for table in legacy.present(META):
        workspace.execute(
            sql(
                # Distinct ids first: millions of rows refer to a few thousand people.
                "INSERT OR IGNORE INTO x.profiled SELECT m.person"
                " FROM (SELECT DISTINCT user_id FROM $table) AS t"
                " JOIN x.$member AS m ON m.legacy_id = t.user_id ORDER BY m.person",
                table=quoted(table),
                member=member(META[table]),
            )
        )
    _derive(workspace, settings)
    if newest:
        read_newest(workspace, newest, "x.fact", "value", key="person", which="t.key = 'last_login'")
    workspace.execute(_PROFILE)
    workspace.execute(_INFORMED)
    workspace.execute(sql(_FILL_INFORMED, which=LEFT_TO_SAY))
    workspace.execute(_STUDIO, (settings.studios.paid_role, newest.milliseconds if newest else None))


def _derive(workspace: Workspace, settings: MapperSettings) -> None:
    rules = settings.profiles.category_rules
    keys = {*_KEYS, *category_keys(rules)}
    query = Query(
        sql=sql(_WITH_PLACE, facts=facts_of("x.profiled", keys), place=PLACE_COLUMNS),
        key="person",
        columns=typed(("person", "several"), ("key", "value", "own_latitude", "own_longitude")),
        count="SELECT count(*) FROM x.profiled",
    )
    workspace.write("derived", pl.DataFrame(schema=_DERIVED))
    for rows in workspace.read(query):
        own = rows.select("person", "several", "own_latitude", "own_longitude").unique("person")
        found = placed(wide(rows, keys).join(own, on="person", maintain_order="left")).select(
            "person",
            category(rules).alias("category"),
            cleaning.person_name(pl.col("first_name"), pl.col("last_name")).alias("full_name"),
            "location",
            last_seen().to_physical().alias("seen_at"),
        )
        workspace.write("derived", found)
    workspace.execute("CREATE UNIQUE INDEX x.derived_person ON derived (person)")
