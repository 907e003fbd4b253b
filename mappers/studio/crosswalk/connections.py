"""One connection for every two people: the first row's direction, accepted before pending."""

from __future__ import annotations

from typing import Final

from mappers.base import Workspace
from mappers.cleaning.values import TRUE
from mappers.reasons import CODES
from mappers.sqlite_sql import literal, quoted, sql
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.legacy_tables import CONTACTS, Legacy

_ENDS: Final = """
INSERT INTO x.contact (source, source_id, user1, user2, accepted, missing)
SELECT $source, t.id, a.person, b.person, lower(trim(CAST($accepted AS TEXT))) IN ($true),
       trim(CASE WHEN a.person IS NULL THEN 'user1 ' || coalesce(CAST(t.user1 AS INTEGER), '') ELSE '' END
         || CASE WHEN b.person IS NULL THEN ' user2 ' || coalesce(CAST(t.user2 AS INTEGER), '') ELSE '' END)
FROM $table AS t LEFT JOIN x.$member AS a ON a.legacy_id = t.user1
LEFT JOIN x.$member AS b ON b.legacy_id = t.user2 ORDER BY t.id"""
#: Each two people once; a row whose two people are the same is not a pair.
_PAIR: Final = """
CREATE TABLE x.pair (
  low INTEGER, high INTEGER, seq INTEGER, accepted INTEGER, PRIMARY KEY (low, high)
) WITHOUT ROWID"""
_FILL_PAIR: Final = """
INSERT INTO x.pair SELECT min(user1, user2) AS low, max(user1, user2) AS high, min(seq), max(accepted)
FROM x.contact WHERE user1 <> user2 GROUP BY 1, 2"""
_LINK: Final = """
CREATE TABLE x.link (
  seq INTEGER PRIMARY KEY, source TEXT, source_id INTEGER, user1 INTEGER, user2 INTEGER, accepted INTEGER,
  missing TEXT, fate TEXT, reason TEXT
)"""
_FILL_LINK: Final = """
INSERT INTO x.link
SELECT c.seq, c.source, c.source_id, c.user1, c.user2, p.accepted, c.missing,
       CASE WHEN c.missing <> '' THEN 'rejected'
            WHEN c.user1 = c.user2 OR c.seq <> p.seq THEN 'merged' END,
       CASE WHEN c.missing <> '' THEN $unknown_user WHEN c.user1 = c.user2 THEN $self
            WHEN c.seq <> p.seq THEN $same_pair END
FROM x.contact AS c
LEFT JOIN x.pair AS p ON p.low = min(c.user1, c.user2) AND p.high = max(c.user1, c.user2) ORDER BY c.seq"""


def decide_connections(workspace: Workspace, legacy: Legacy) -> None:
    """Create x.link: every contact with its two people, its outcome, and whether its pair is accepted."""
    workspace.execute(
        "CREATE TABLE x.contact (seq INTEGER PRIMARY KEY, source TEXT, source_id INTEGER,"
        " user1 INTEGER, user2 INTEGER, accepted INTEGER, missing TEXT)"
    )
    for table in legacy.present(CONTACTS):
        workspace.execute(
            sql(
                _ENDS,
                source=literal(table),
                table=quoted(table),
                accepted=legacy.column(table, "accepted", of="t"),
                member=member(CONTACTS[table]),
                true=", ".join(literal(word) for word in TRUE),
            )
        )
    for statement in (
        _PAIR,
        _FILL_PAIR,
        _LINK,
        sql(_FILL_LINK, **CODES),
        "DROP TABLE x.contact",
        "DROP TABLE x.pair",
    ):
        workspace.execute(statement)
