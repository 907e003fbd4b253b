"""The crosswalk's table of people, as all mappers and the checker read it."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Bench, Query
from mappers.crosswalk.people import member
from mappers.facts import category, category_keys, facts_of, last_seen, placed, wide
from mappers.legacy import COMMENTS, MESSAGES, META, PEOPLE, Legacy, quoted, sql
from mappers.settings import MapperSettings

_KEYS: Final = ("first_name", "last_name", "location", "last_login", "lastupdated")
_DERIVED: Final = {
    "person": pl.Int64,
    "category": pl.String,
    "full_name": pl.String,
    "location": pl.String,
    "seen_at": pl.Int64,
}
#: created_at, updated_at: milliseconds since 1970, UTC. `category` is null without a profile.
_PERSON: Final = """
CREATE TABLE x.person (
  person INTEGER PRIMARY KEY, space TEXT, legacy_id INTEGER, email TEXT, username TEXT, display_name TEXT,
  full_name TEXT, active INTEGER, role_id INTEGER, avatar_url TEXT, password_seq INTEGER,
  created_at INTEGER, updated_at INTEGER, profile INTEGER, category TEXT,
  studio INTEGER, studio_name TEXT, premium INTEGER
)"""
_FILL_PERSON: Final = """
INSERT INTO x.person
SELECT a.person, a.space, a.legacy_id, c.email, u.name, c.display_name, d.full_name, c.active, c.role_id,
       c.avatar_url, c.password_seq, c.created_at, max(c.created_at, coalesce(d.seen_at, c.created_at)),
       a.person IN (SELECT person FROM x.profiled),
       CASE WHEN a.person IN (SELECT person FROM x.profiled) THEN d.category END,
       a.person IN (SELECT person FROM x.profiled) AND d.category = 'STUDIO',
       CASE WHEN d.full_name IS NOT NULL THEN d.full_name || ' Studio'
            WHEN c.display_name IS NOT NULL THEN c.display_name
            WHEN d.location IS NOT NULL THEN d.location || ' Studio'
            ELSE 'Studio of ' || u.name END,
       coalesce(c.role_id = ?1, 0) OR coalesce(c.expires_at > ?2, 0)
FROM x.alias a JOIN x.account c USING (person) JOIN x.username u USING (person)
LEFT JOIN x.derived d USING (person)
WHERE a.position = 0 ORDER BY a.person"""


def settle_persons(bench: Bench, legacy: Legacy, settings: MapperSettings) -> None:
    """Make x.person of accounts, user names and facts."""
    bench.execute("CREATE TABLE x.profiled (person INTEGER PRIMARY KEY)")
    bench.execute(
        "INSERT OR IGNORE INTO x.profiled"
        " SELECT person FROM x.profile_row WHERE person IS NOT NULL ORDER BY person"
    )
    for table in legacy.present(META):
        bench.execute(
            sql(
                # Distinct ids first: millions of rows name some thousand people.
                "INSERT OR IGNORE INTO x.profiled SELECT m.person"
                " FROM (SELECT DISTINCT user_id FROM $table) AS t"
                " JOIN x.$member AS m ON m.legacy_id = t.user_id ORDER BY m.person",
                table=quoted(table),
                member=member(META[table]),
            )
        )
    _derive(bench, settings)
    bench.execute(_PERSON)
    bench.execute(_FILL_PERSON, (settings.studios.paid_role, _newest(bench, legacy)))
    for space in dict.fromkeys(PEOPLE.values()):
        bench.execute(
            sql(
                "UPDATE x.$member SET created_at = p.created_at FROM x.person AS p"
                " WHERE p.person = $member.person",
                member=member(space),
            )
        )


def _derive(bench: Bench, settings: MapperSettings) -> None:
    rules = settings.profiles.category_rules
    keys = {*_KEYS, *category_keys(rules)}
    query = Query(
        sql=facts_of("x.account", keys),
        key="person",
        columns={"person": "integer", "key": "text", "value": "text"},
        count="SELECT count(*) FROM x.account",
    )
    bench.write("derived", pl.DataFrame(schema=_DERIVED))
    for rows in bench.read(query):
        found = placed(wide(rows, keys)).select(
            "person",
            category(rules).alias("category"),
            cleaning.person_name(pl.col("first_name"), pl.col("last_name")).alias("full_name"),
            "location",
            last_seen().to_physical().alias("seen_at"),
        )
        bench.write("derived", found)
    bench.execute("CREATE UNIQUE INDEX x.derived_person ON derived (person)")


def _newest(bench: Bench, legacy: Legacy) -> int | None:
    """Return the snapshot's newest date, in milliseconds, None where it has none.

    Asked only where somebody's account expires.
    """
    if not bench.scalar("SELECT 1 FROM x.account WHERE expires_at IS NOT NULL LIMIT 1"):
        return None
    dates = [(table, column) for table, column in _DATES if legacy.has(table, column)]
    dates += [
        (table, "date") for table in legacy.present({**MESSAGES, **COMMENTS}) if legacy.has(table, "date")
    ]
    dates += [(table, "updated") for table in legacy.present(COMMENTS) if legacy.has(table, "updated")]
    cells = [("id", column, quoted(table), "1") for table, column in dates]
    cells.append(("person", "value", "x.fact", "key = 'last_login'"))
    newest = cleaning.Newest()
    for key, column, table, which in cells:
        query = Query(
            sql=sql(
                "SELECT $key AS n, $column AS at FROM $table"
                " WHERE $which AND $key > ?1 ORDER BY $key LIMIT ?2",
                key=key,
                column=quoted(column),
                table=table,
                which=which,
            ),
            key="n",
            columns={"n": "integer", "at": "text"},
            count=sql("SELECT count(*) FROM $table WHERE $which", table=table, which=which),
        )
        for rows in bench.read(query):
            newest.add(rows["at"])
    return newest.milliseconds


_DATES: Final = (
    *((table, column) for table in PEOPLE for column in ("joined", "created_at")),
    ("studio_gallery", "created_at"),
)
