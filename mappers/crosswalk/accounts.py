"""What the user tables say about a person: the first of its rows that has a value gives it."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Bench, Query
from mappers.crosswalk.people import joined_people, member, of_people
from mappers.legacy import COMMENTS, MESSAGES, Legacy, quoted, sql, typed

_ACTIVE: Final = ("1", "active")
#: In the order of who owns a user name: the lowest id of the people's own space, then the others.
_WANTED: Final = """
CREATE TABLE x.wanted AS
SELECT c.person, c.username AS base,
       row_number() OVER (ORDER BY a.users IS NULL, coalesce(a.users, a.others)) AS place
FROM x.account c JOIN (
  SELECT person, min(CASE WHEN space = 'users' THEN legacy_id END) AS users, min(legacy_id) AS others
  FROM x.alias GROUP BY person) a USING (person)"""


def gather_accounts(bench: Bench, legacy: Legacy) -> None:
    """Make x.account (a row a person, cleaned) and x.wanted (the user names asked for).

    Moments are milliseconds since 1970, UTC.
    """
    bench.write("account", pl.DataFrame(schema=_SCHEMA))
    for rows in bench.read(_query(legacy)):
        bench.write("account", _account(rows))
    bench.execute("CREATE UNIQUE INDEX x.account_person ON account (person)")
    _date_the_undated(bench, legacy)
    bench.execute(_WANTED)


_TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "username": ("username",),
    "display_name": ("display_name", "displayname"),
    "status": ("status",),
    "role_id": ("role_id",),
    "avatar_url": ("avatar_url",),
}
_DATES: Final[dict[str, tuple[str, ...]]] = {
    "created_at": ("joined", "created_at"),
    "expires_at": ("expiry_date",),
}
_SCHEMA: Final = {
    "person": pl.Int64,
    "email": pl.String,
    "username": pl.String,
    "display_name": pl.String,
    "active": pl.Int64,
    "role_id": pl.Int64,
    "avatar_url": pl.String,
    "password_seq": pl.Int64,
    "created_at": pl.Int64,
    "expires_at": pl.Int64,
}


def _query(legacy: Legacy) -> Query:
    names = {**_TEXTS, **_DATES}
    columns = ", ".join(f"{of_people(legacy, *columns)} AS {name}" for name, columns in names.items())
    return Query(
        sql=sql(
            "WITH k AS (SELECT person FROM x.alias WHERE position = 0 AND person > ?1"
            " ORDER BY person LIMIT ?2)"
            " SELECT e.person AS person, e.seq AS seq, e.email AS email, $columns,"
            " CASE WHEN CAST($password AS TEXT) <> '' THEN e.seq END AS password_seq"
            # Without the sign the index of a column that has no type would not be used.
            " FROM k CROSS JOIN x.legacy_user AS e ON e.person = +k.person $joined ORDER BY e.person, e.seq",
            columns=columns,
            password=of_people(legacy, "password"),
            joined=joined_people(legacy),
        ),
        key="person",
        columns=typed(("person", "seq", "password_seq"), ("email", *names)),
        count="SELECT count(*) FROM x.alias WHERE position = 0",
    )


def _account(rows: pl.DataFrame) -> pl.DataFrame:
    clean = rows.sort("person", "seq").with_columns(
        *(cleaning.text(pl.col(name)).alias(name) for name in _TEXTS),
        *(cleaning.timestamp(pl.col(name)).to_physical().alias(name) for name in _DATES),
    )
    first = clean.group_by("person", maintain_order=True).agg(
        pl.exclude("person", "seq").drop_nulls().first(),
    )
    return first.with_columns(
        cleaning.username(pl.col("username"), pl.col("email")).alias("username"),
        pl.col("status").str.to_lowercase().is_in(_ACTIVE).fill_null(False).cast(pl.Int64).alias("active"),
        pl.col("role_id").cast(pl.Int64, strict=False).alias("role_id"),
        cleaning.url(pl.col("avatar_url")).alias("avatar_url"),
    ).select(*_SCHEMA)


def _date_the_undated(bench: Bench, legacy: Legacy) -> None:
    """Give people without a date that of their first message or comment, else 1970-01-01."""
    bench.execute("CREATE TABLE x.undated AS SELECT person FROM x.account WHERE created_at IS NULL")
    bench.execute("CREATE UNIQUE INDEX x.undated_person ON undated (person)")
    bench.write("first_seen", pl.DataFrame(schema={"person": pl.Int64, "at": pl.Int64}))
    if bench.scalar("SELECT 1 FROM x.undated LIMIT 1"):
        for tables, who in ((MESSAGES, "from_user"), (COMMENTS, "user_id")):
            for table in legacy.present(tables):
                if legacy.has(table, who) and legacy.has(table, "date"):
                    _see(bench, table, tables[table], who)
    bench.execute("CREATE INDEX x.first_seen_person ON first_seen (person, at)")
    bench.execute(
        "UPDATE x.account SET created_at = coalesce("
        " (SELECT min(at) FROM x.first_seen s WHERE s.person = account.person), 0) WHERE created_at IS NULL"
    )
    bench.execute("DROP TABLE x.undated")
    bench.execute("DROP TABLE x.first_seen")


def _see(bench: Bench, table: str, space: str, who: str) -> None:
    whose = sql(
        "FROM $table AS t JOIN x.$member AS m ON m.legacy_id = t.$who JOIN x.undated AS u"
        " ON u.person = m.person",
        table=quoted(table),
        member=member(space),
        who=quoted(who),
    )
    query = Query(
        sql=sql(
            "SELECT t.id AS id, m.person AS person, t.date AS date $whose"
            " WHERE t.id > ?1 ORDER BY t.id LIMIT ?2",
            whose=whose,
        ),
        key="id",
        columns={"id": "integer", "person": "integer", "date": "text"},
        count=sql("SELECT count(*) $whose", whose=whose),
    )
    for rows in bench.read(query):
        seen = rows.select("person", cleaning.timestamp(pl.col("date")).to_physical().alias("at"))
        bench.write("first_seen", seen.drop_nulls().group_by("person").agg(pl.col("at").min()).sort("person"))
