"""The fields of the user tables for each person: the first of its rows that has a value counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.sqlite_sql import literal, sql
from mappers.studio.crosswalk.user_rows import NOTHING

#: created_at, updated_at: milliseconds since 1970, UTC. `category` is null without a profile.
_PERSON: Final = """
CREATE TABLE x.person (
  person INTEGER PRIMARY KEY, space TEXT, legacy_id INTEGER, email TEXT, username TEXT, display_name TEXT,
  full_name TEXT, active INTEGER, role_id INTEGER, avatar_url TEXT, password_seq INTEGER,
  created_at INTEGER, updated_at INTEGER, profile INTEGER, category TEXT,
  studio INTEGER, studio_name TEXT, premium INTEGER, expires_at INTEGER
)"""
#: Nearly everyone has one row, or two; for those with more, all rows are kept in `further`.
_ROWS: Final = (
    "CREATE TABLE x.later (person INTEGER PRIMARY KEY, seq INTEGER, n INTEGER)",
    "INSERT INTO x.later SELECT person, min(seq), count(*) FROM x.legacy_user WHERE fate = 'merged'"
    " GROUP BY person",
    "CREATE TABLE x.further (person INTEGER, seq INTEGER, PRIMARY KEY (person, seq)) WITHOUT ROWID",
    "INSERT INTO x.further SELECT u.person, u.seq FROM x.legacy_user AS u CROSS JOIN x.later AS l"
    " ON l.person = u.person WHERE l.n > 1",
)
_FILL: Final = """
INSERT INTO x.person
SELECT c.person, u.space, u.legacy_id, $email, nullif($own, $nothing), $display_name, NULL,
       coalesce($active, 0), CAST(nullif($role_id, $nothing) AS INTEGER), nullif($avatar_url, $nothing),
       $password, $created_at, $created_at, 0, NULL, 0, NULL, 0, $expires_at
FROM x.chain AS c CROSS JOIN x.legacy_user AS u ON u.seq = c.label
CROSS JOIN x.user_rows AS f ON f.seq = c.label
LEFT JOIN x.later AS l ON l.person = c.person LEFT JOIN x.user_rows AS g ON g.seq = l.seq
WHERE $which ORDER BY c.label"""
_FIRST_OF_ALL: Final = """
(SELECT t.$name FROM x.further AS r CROSS JOIN x.user_rows AS t ON t.seq = r.seq
 WHERE r.person = c.person AND t.$column IS NOT NULL ORDER BY r.seq LIMIT 1)"""
_COLUMNS: Final = (
    "email", "own", "display_name", "active", "role_id", "avatar_url", "created_at", "expires_at",
)  # fmt: skip

_NAMELESS: Final = Query(
    sql="SELECT person, email FROM x.person WHERE username IS NULL AND person > ?1 ORDER BY person LIMIT ?2",
    key="person",
    columns={"person": "integer", "email": "text"},
    count="SELECT count(*) FROM x.person WHERE username IS NULL",
)


def read_account_fields(workspace: Workspace) -> None:
    """Create x.person from the people's rows, without the fields that need facts or unique user names."""
    workspace.execute(_PERSON)
    for statement in _ROWS:
        workspace.execute(statement)
    workspace.execute(_fill("coalesce(l.n, 1) = 1", _of_two))
    if workspace.scalar("SELECT 1 FROM x.further LIMIT 1"):
        workspace.execute(_fill("l.n > 1", _of_all))
    _name_after_emails(workspace)
    workspace.execute("DROP TABLE x.further")
    workspace.execute("DROP TABLE x.later")


def _name_after_emails(workspace: Workspace) -> None:
    """Make a user name from the e-mail for those whose own name leaves nothing."""
    workspace.write("named", pl.DataFrame(schema={"person": pl.Int64, "username": pl.String}))
    for rows in workspace.read(_NAMELESS):
        named = cleaning.username_of_address(pl.col("email")).alias("username")
        workspace.write("named", rows.select("person", named))
    workspace.execute(
        "UPDATE x.person SET username = n.username FROM x.named AS n WHERE n.person = person.person"
    )
    workspace.execute("DROP TABLE x.named")


def _fill(which: str, of: Callable[[str, str], str]) -> str:
    columns = {column: of(column, column) for column in _COLUMNS}
    return sql(_FILL, which=which, nothing=literal(NOTHING), password=of("password", "seq"), **columns)


def _of_two(column: str, name: str) -> str:
    if name == column:
        return f"coalesce(f.{column}, g.{column})"
    return f"CASE WHEN f.{column} IS NOT NULL THEN f.{name} WHEN g.{column} IS NOT NULL THEN g.{name} END"


def _of_all(column: str, name: str) -> str:
    return sql(_FIRST_OF_ALL, column=column, name=name)
