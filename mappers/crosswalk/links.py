"""One connection for every two people: the first row's direction, accepted before pending."""

from __future__ import annotations

from typing import Final

from mappers.base import Bench
from mappers.cleaning.values import TRUE
from mappers.crosswalk.people import member
from mappers.legacy import CONTACTS, Legacy, literal, quoted, sql

_ENDS: Final = """
INSERT INTO x.contact (source, source_id, user1, user2, accepted, missing)
SELECT $source, t.id, a.person, b.person, lower(trim(CAST($accepted AS TEXT))) IN ($true),
       trim(CASE WHEN a.person IS NULL THEN 'user1 ' || coalesce(CAST(t.user1 AS INTEGER), '') ELSE '' END
         || CASE WHEN b.person IS NULL THEN ' user2 ' || coalesce(CAST(t.user2 AS INTEGER), '') ELSE '' END)
FROM $table AS t LEFT JOIN x.$member AS a ON a.legacy_id = t.user1
LEFT JOIN x.$member AS b ON b.legacy_id = t.user2 ORDER BY t.id"""
_LINK: Final = """
CREATE TABLE x.link AS
WITH paired AS (
  SELECT *, min(user1, user2) AS low, max(user1, user2) AS high,
         user1 IS NOT NULL AND user2 IS NOT NULL AND user1 <> user2 AS sound FROM x.contact
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY sound, low, high ORDER BY seq) AS n,
         max(accepted) OVER (PARTITION BY sound, low, high) AS agreed FROM paired
)
SELECT seq, source, source_id, user1, user2, agreed AS accepted, missing,
       CASE WHEN missing <> '' THEN 'rejected' WHEN user1 = user2 OR n > 1 THEN 'merged' END AS fate,
       CASE WHEN missing <> '' THEN 'unknown_user' WHEN user1 = user2 THEN 'self'
            WHEN n > 1 THEN 'same_pair' END AS reason,
       first_value(seq) OVER (PARTITION BY sound, low, high ORDER BY seq) AS kept
FROM ranked ORDER BY seq"""


def settle_links(bench: Bench, legacy: Legacy) -> None:
    """Make x.link: every contact with its two people, its fate, and whether its pair is agreed."""
    bench.execute(
        "CREATE TABLE x.contact (seq INTEGER PRIMARY KEY, source TEXT, source_id INTEGER,"
        " user1 INTEGER, user2 INTEGER, accepted INTEGER, missing TEXT)"
    )
    for table in legacy.present(CONTACTS):
        bench.execute(
            sql(
                _ENDS,
                source=literal(table),
                table=quoted(table),
                accepted=legacy.column(table, "accepted", of="t"),
                member=member(CONTACTS[table]),
                true=", ".join(literal(word) for word in TRUE),
            )
        )
    bench.execute(_LINK)
    bench.execute("CREATE UNIQUE INDEX x.link_seq ON link (seq)")
    bench.execute("DROP TABLE x.contact")
