"""Finds the dates of people without one, and the newest timestamp; each table with dates is read once."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.sqlite_sql import literal, quoted, sql
from mappers.studio.legacy_tables import COMMENTS, MESSAGES, PEOPLE, Legacy

#: Cells with the form of `YYYY-MM-DD HH:MM:SS` that are not after the bound, which has that form too, cannot
#: be newer. Most cells are like this; only the others are checked.
_EARLIER: Final = "($cell BETWEEN '0' AND $bound AND $cell GLOB '????-??-?? ??:??:??')"
_CELLS: Final = """
SELECT t.$key AS n, $cell AS at, $person AS person FROM $table AS t
WHERE t.$key > ?1 AND ($which) ORDER BY t.$key LIMIT ?2"""
#: The last rows of a table are usually its newest.
_LAST: Final = """
SELECT * FROM (SELECT t.$key AS n, $cell AS at FROM $table AS t ORDER BY t.$key DESC LIMIT 500)
WHERE n > ?1 ORDER BY n LIMIT ?2"""
#: Everyone without a date, by the first row of each of their ids.
_UNDATED: Final = (
    "CREATE TABLE x.undated (seq INTEGER PRIMARY KEY, person INTEGER)",
    "INSERT INTO x.undated SELECT c.label, c.person FROM x.chain AS c CROSS JOIN x.person AS p"
    " ON p.person = c.person WHERE p.created_at IS NULL ORDER BY c.label",
    "INSERT INTO x.undated SELECT m.label, u.person FROM x.moved AS m"
    " CROSS JOIN x.undated AS u ON u.seq = m.low",
)
_UNSEEN: Final = """
INSERT INTO x.$unseen SELECT l.legacy_id, u.person FROM x.undated AS u CROSS JOIN x.legacy_user AS l
ON l.seq = u.seq WHERE l.space = $space ORDER BY l.legacy_id"""
#: Tables with dates that date no person.
_OTHERS: Final = (
    *((table, column) for table in PEOPLE for column in ("joined", "created_at")),
    ("studio_gallery", "created_at"),
    *((table, "updated") for table in COMMENTS),
)


def dated_columns(legacy: Legacy) -> frozenset[tuple[str, str]]:
    """Return (table, column) of what is read for dates, whether or not a target column is made from it."""
    found = [*_OTHERS, *((table, name) for table in COMMENTS for name in ("id", "date", "user_id"))]
    return frozenset((table, column) for table, column in found if legacy.has(table, column))


def date_people(workspace: Workspace, legacy: Legacy) -> cleaning.Newest | None:
    """Give people without a date the date of their first message or comment, else 1970-01-01.

    Returns the newest timestamp of the tables, None if no account expires: then it is not needed.
    """
    for statement in _UNDATED:
        workspace.execute(statement)
    unseen = workspace.scalar("SELECT 1 FROM x.undated LIMIT 1") is not None
    for space in dict.fromkeys(PEOPLE.values()):
        workspace.execute(
            sql(
                "CREATE TABLE x.$unseen (legacy_id INTEGER PRIMARY KEY, person INTEGER)",
                unseen=_unseen(space),
            )
        )
        workspace.execute(sql(_UNSEEN, unseen=_unseen(space), space=literal(space)))
    workspace.write("first_seen", pl.DataFrame(schema={"person": pl.Int64, "at": pl.Int64}))
    expires = workspace.scalar("SELECT 1 FROM x.person WHERE expires_at IS NOT NULL LIMIT 1")
    newest = cleaning.Newest() if expires else None
    known = workspace.scalar("SELECT max(created_at) FROM x.user_rows")
    if newest and isinstance(known, int):
        newest.reach(known)
    for table, column in _OTHERS:
        if newest and legacy.has(table, column):
            read_newest(workspace, newest, quoted(table), quoted(column))
    for tables, who in ((MESSAGES, "from_user"), (COMMENTS, "user_id")):
        for table in legacy.present(tables):
            if legacy.has(table, "date"):
                named = who if unseen and legacy.has(table, who) else None
                _read_dates(workspace, newest, table, named, tables[table])
    workspace.execute("CREATE INDEX x.first_seen_person ON first_seen (person, at)")
    workspace.execute(
        "UPDATE x.person SET (created_at, updated_at) = (SELECT coalesce(min(at), 0), coalesce(min(at), 0)"
        " FROM x.first_seen AS s WHERE s.person = person.person) WHERE created_at IS NULL"
    )
    for done in ("undated", "first_seen", *map(_unseen, dict.fromkeys(PEOPLE.values()))):
        workspace.execute(sql("DROP TABLE x.$done", done=done))
    return newest


def read_newest(
    workspace: Workspace,
    newest: cleaning.Newest,
    table: str,
    column: str,
    *,
    key: str = "id",
    which: str = "1",
) -> None:
    """Search a column for the newest date, in the rows that the SQL `which` selects."""
    cell = f"t.{column}"
    later = sql("$which AND NOT $earlier", which=which, earlier=_earlier(cell, newest))
    for rows in workspace.read(_cells(table, cell, key, later)):
        newest.add(rows["at"])


def _read_dates(
    workspace: Workspace, newest: cleaning.Newest | None, table: str, who: str | None, space: str
) -> None:
    """Search a table for the newest date, and for the dates of people without one."""
    if newest:
        for rows in workspace.read(_last(quoted(table), "t.date", "id")):
            newest.add(rows["at"])
    if newest and not who:
        read_newest(workspace, newest, quoted(table), "date")
    if not who:
        return
    parts = {"unseen": _unseen(space), "who": quoted(who)}
    which = sql("t.$who IN (SELECT legacy_id FROM x.$unseen)", **parts)
    if newest:
        which = sql("$which OR NOT $earlier", which=which, earlier=_earlier("t.date", newest))
    person = sql("(SELECT u.person FROM x.$unseen AS u WHERE u.legacy_id = t.$who)", **parts)
    for rows in workspace.read(_cells(quoted(table), "t.date", "id", which, person)):
        if newest:
            newest.add(rows["at"])
        seen = rows.filter(pl.col("person").is_not_null()).select(
            "person", cleaning.timestamp(pl.col("at")).to_physical().alias("at")
        )
        workspace.write(
            "first_seen", seen.drop_nulls().group_by("person").agg(pl.col("at").min()).sort("person")
        )


def _cells(table: str, cell: str, key: str, which: str, person: str = "NULL") -> Query:
    return Query(
        sql=sql(
            _CELLS,
            key=key,
            cell=cell,
            person=person,
            table=table,
            which=which,
        ),
        key="n",
        columns={"n": "integer", "at": "text", "person": "integer"},
        count=sql("SELECT count(*) FROM $table", table=table),
    )


def _last(table: str, cell: str, key: str) -> Query:
    return Query(
        sql=sql(_LAST, key=key, cell=cell, table=table),
        key="n",
        columns={"n": "integer", "at": "text"},
        count="SELECT 500",
    )


def _earlier(cell: str, newest: cleaning.Newest) -> str:
    return sql(_EARLIER, cell=cell, bound=literal(newest.bound))


def _unseen(space: str) -> str:
    return quoted(f"unseen_{space}")
