"""One value per person and key: the first that is not empty, by authority."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.sqlite_sql import literal, quoted, sql
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.crosswalk.places import KEYS, gather_places
from mappers.studio.crosswalk.profile_fields_bulk import add_plain_profiles
from mappers.studio.legacy_tables import META, PEOPLE, Legacy

#: Columns of the user tables that no column of the target holds; kept as facts of the same name.
KEPT_COLUMNS: Final = ("avatar_url", "expiry_date", "upgrade")

_FACT: Final = """
CREATE TABLE x.fact (
  person INTEGER, key TEXT, value TEXT, source TEXT, source_id TEXT, PRIMARY KEY (person, key)
) WITHOUT ROWID"""
#: The profile rows with their name in the report: user_id, or rowid if that repeats.
_PROFILE_ROWS: Final = """
CREATE TABLE x.profile_row (
  number INTEGER PRIMARY KEY, source_id TEXT, person INTEGER, position INTEGER
)"""
_FILL_PROFILE_ROWS: Final = """
INSERT INTO x.profile_row
SELECT p.rowid, CASE WHEN d.unique_ids THEN CAST(p.user_id AS TEXT) ELSE CAST(p.rowid AS TEXT) END,
       m.person, m.position
FROM profile p CROSS JOIN (SELECT count(*) = count(DISTINCT user_id) AS unique_ids FROM profile) d
LEFT JOIN x.member_users m ON m.legacy_id = p.user_id ORDER BY p.rowid"""
#: Only values without a letter or digit, or with an entity, can be empty after cleaning.
_SUSPECT: Final = """
INSERT INTO x.blank (value)
SELECT DISTINCT CAST($column AS TEXT) FROM $table WHERE typeof($column) IN ('text', 'blob')
AND CAST($column AS TEXT) <> ''
AND (CAST($column AS TEXT) NOT GLOB '*[0-9A-Za-z]*' OR CAST($column AS TEXT) GLOB '*&*')"""
_SUSPECTS: Final = Query(
    sql="SELECT rowid AS n, value FROM x.blank WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    key="n",
    columns={"n": "integer", "value": "text"},
    count="SELECT count(*) FROM x.blank",
)
_ADD: Final = """
INSERT OR IGNORE INTO x.fact SELECT c.person, c.key, c.value, c.source, c.source_id FROM ($claims) AS c
WHERE c.value <> '' AND c.person IS NOT NULL AND c.key NOT IN (SELECT key FROM x.dropped)
  AND NOT EXISTS (SELECT 1 FROM x.blank b WHERE b.value = c.value)
ORDER BY $order"""


_REST_OF_FIRST: Final = """
SELECT 1 FROM x.rest AS o CROSS JOIN x.profile_row AS r ON r.number = o.number WHERE r.position = 0 LIMIT 1"""
#: SQLite allows 500 terms in one compound SELECT; a wide table has more columns.
_MOST_TERMS: Final = 400


def collect_profile_fields(workspace: Workspace, legacy: Legacy, dropped_keys: Sequence[str]) -> None:
    """Create x.fact from profile and meta rows, and x.profile_row.

    A person's legacy ids are read in order of authority, each with its profile row first and its meta rows
    second, these by id. `value` is unchanged.
    """
    workspace.execute(_FACT)
    workspace.execute("CREATE TABLE x.dropped (key TEXT PRIMARY KEY) WITHOUT ROWID")
    for key in sorted(set(dropped_keys)):
        workspace.execute("INSERT INTO x.dropped VALUES (?1)", (key,))
    workspace.execute(_PROFILE_ROWS)
    if legacy.has("profile", "user_id"):
        workspace.execute(_FILL_PROFILE_ROWS)
        workspace.execute("CREATE INDEX x.profile_row_person ON profile_row (person)")
    columns = profile_columns(legacy)
    numbers = add_plain_profiles(workspace, columns, dropped_keys) if columns else ()
    _find_blanks(workspace, legacy, numbers)
    # Nearly everyone has one legacy id: the first ids in simple passes, the others sorted.
    first = [_profile_claims(column, "r.position = 0", rest=False) for column in numbers]
    if columns and workspace.scalar(_REST_OF_FIRST) is not None:
        first += [_profile_claims(column, "r.position = 0") for column in columns if column not in numbers]
    if first:
        _add(workspace, _all(first), order="c.person, c.key, c.number")
    for table in _metas(legacy):
        _add(workspace, _meta_claims(table, "m.position = 0"))
    later = [_profile_claims(column, "r.position > 0") for column in columns]
    later += [_meta_claims(table, "m.position > 0") for table in _metas(legacy)]
    if later and workspace.scalar("SELECT 1 FROM x.alias WHERE position > 0 LIMIT 1"):
        _add(workspace, _all(later), order="c.position, c.kind, c.number")
    for source, column in user_columns(legacy):
        _add(workspace, _user_claims(source, column))
    kept = [key for key in KEYS if key not in dropped_keys]
    placed = [_profile_claims(column, "1", rest=False) for column in columns if column in kept]
    gather_places(workspace, placed + [_meta_claims(table, _key_in(kept)) for table in _metas(legacy)])


def _key_in(keys: Sequence[str]) -> str:
    return f"CAST(t.meta_key AS TEXT) IN ({', '.join(map(literal, keys))})"


def profile_columns(legacy: Legacy) -> tuple[str, ...]:
    """Return the columns of `profile` that hold facts."""
    if not legacy.has("profile", "user_id"):
        return ()
    return tuple(column for column in legacy.columns("profile") if column not in ("user_id", "id"))


def user_columns(legacy: Legacy) -> tuple[tuple[str, str], ...]:
    """Return (table, column) of the user tables' columns that are kept as facts."""
    return tuple(
        (source, column)
        for source in legacy.present(PEOPLE)
        for column in KEPT_COLUMNS
        if legacy.has(source, column)
    )


def _metas(legacy: Legacy) -> tuple[str, ...]:
    return legacy.present(META)


def _find_blanks(workspace: Workspace, legacy: Legacy, numbers: Sequence[str]) -> None:
    """Create x.blank: the distinct values, not empty, that are empty after cleaning.

    Of the profile rows it reads those in x.rest, and all rows of the columns `numbers`.
    """
    workspace.execute("CREATE TABLE x.blank (value TEXT)")
    rest = "(SELECT p.* FROM x.rest AS r CROSS JOIN profile AS p ON p.rowid = r.number)"
    cells = [("profile" if column in numbers else rest, column) for column in profile_columns(legacy)]
    cells += [(quoted(table), "meta_value") for table in _metas(legacy)]
    cells += [(quoted(table), column) for table, column in user_columns(legacy)]
    for table, column in cells:
        workspace.execute(sql(_SUSPECT, table=table, column=quoted(column)))
    workspace.write("not_blank", pl.DataFrame(schema={"n": pl.Int64}))
    for rows in workspace.read(_SUSPECTS):
        workspace.write("not_blank", rows.filter(cleaning.text(pl.col("value")).is_not_null()).select("n"))
    workspace.execute("DELETE FROM x.blank WHERE rowid IN (SELECT n FROM x.not_blank)")
    workspace.execute("DROP TABLE x.not_blank")
    workspace.execute("CREATE INDEX x.blank_value ON blank (value)")


def _add(workspace: Workspace, claims: str, order: str = "c.number") -> None:
    workspace.execute(sql(_ADD, claims=claims, order=order))


def _all(claims: Sequence[str]) -> str:
    groups = [
        " UNION ALL ".join(claims[first : first + _MOST_TERMS])
        for first in range(0, len(claims), _MOST_TERMS)
    ]
    if len(groups) > 1:
        groups = [sql("SELECT * FROM ($claims)", claims=one) for one in groups]
    return " UNION ALL ".join(groups)


def _profile_claims(column: str, which: str, *, rest: bool = True) -> str:
    rows = (
        "x.rest AS o CROSS JOIN x.profile_row AS r ON r.number = o.number" if rest else "x.profile_row AS r"
    )
    return sql(
        "SELECT r.person AS person, $key AS key, CAST(p.$column AS TEXT) AS value, 'profile' AS source,"
        " r.source_id AS source_id, r.position AS position, 0 AS kind, r.number AS number"
        " FROM $rows CROSS JOIN profile AS p ON p.rowid = r.number WHERE $which",
        key=literal(column),
        column=quoted(column),
        rows=rows,
        which=which,
    )


def _meta_claims(table: str, which: str) -> str:
    return sql(
        "SELECT m.person AS person, CAST(t.meta_key AS TEXT) AS key, CAST(t.meta_value AS TEXT) AS value,"
        " $source AS source, CAST(t.id AS TEXT) AS source_id,"
        " m.position AS position, 1 AS kind, t.id AS number"
        " FROM $table AS t CROSS JOIN x.$member AS m ON m.legacy_id = t.user_id WHERE $which",
        source=literal(table),
        table=quoted(table),
        member=member(META[table]),
        which=which,
    )


def _user_claims(source: str, column: str) -> str:
    whose = sql(
        "FROM $table AS t CROSS JOIN x.$member AS e ON e.legacy_id = t.id",
        table=quoted(source),
        member=member(PEOPLE[source]),
    )
    if source == "users":  # Only the cleaned copy holds placeholders, whose rows belong to no person.
        whose = "FROM x.legacy_user AS e CROSS JOIN users AS t ON t.id = e.legacy_id WHERE e.source = 'users'"
    return sql(
        "SELECT e.person AS person, $key AS key, CAST(t.$column AS TEXT) AS value, $source AS source,"
        " CAST(t.id AS TEXT) AS source_id, t.id AS number $whose",
        key=literal(column),
        column=quoted(column),
        source=literal(source),
        whose=whose,
    )
