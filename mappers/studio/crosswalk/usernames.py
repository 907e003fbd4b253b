"""A user name for everyone: the first person with a name keeps it, the others get the smallest free
number.
"""

from __future__ import annotations

from typing import Final

from mappers.base import Workspace
from mappers.sqlite_sql import literal, sql
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.legacy_tables import PEOPLE

#: A person with several ids is ordered by the lowest id of the people's own space, else by the lowest.
_SEVERAL: Final = """
INSERT INTO x.several
SELECT person, min(CASE WHEN space = $own THEN legacy_id END), min(legacy_id) FROM x.alias
WHERE person IN (SELECT person FROM x.alias WHERE position > 0) GROUP BY person"""
#: In the order of who keeps a user name: by id in the people's own space, then in the other.
_WANTED: Final = """
INSERT INTO x.wanted (person, base)
SELECT m.person, p.username FROM x.$member AS m CROSS JOIN x.person AS p ON p.person = m.person
LEFT JOIN x.several AS s ON s.person = m.person
WHERE s.person IS NULL OR m.legacy_id = $asked ORDER BY m.legacy_id"""

_TABLES: Final = (
    "CREATE TABLE x.username (person INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE x.held (name TEXT PRIMARY KEY, place INTEGER) WITHOUT ROWID",
    "CREATE TABLE x.waiting (place INTEGER PRIMARY KEY, person INTEGER, base TEXT, root TEXT)",
    "CREATE TABLE x.digits (n INTEGER PRIMARY KEY)",
    "INSERT INTO x.digits VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9)",
    "CREATE TABLE x.taken (base TEXT, number INTEGER, PRIMARY KEY (base, number)) WITHOUT ROWID",
    "CREATE TABLE x.number (k INTEGER PRIMARY KEY)",
    "CREATE TABLE x.offer (place INTEGER PRIMARY KEY, person INTEGER, root TEXT, name TEXT)",
)
#: `wanted` holds (place, person, base): the order of who keeps a name, and the clean name.
_OWNERS: Final = "INSERT OR IGNORE INTO x.held SELECT base, place FROM x.wanted ORDER BY place"
#: Only names of one root, the name without its trailing digits, can collide: `a` + 11 and `a1` + 1.
_LOSERS: Final = """
INSERT INTO x.waiting
SELECT w.place, w.person, w.base, rtrim(w.base, '0123456789')
FROM x.wanted AS w CROSS JOIN x.held AS h ON h.name = w.base WHERE h.place <> w.place ORDER BY w.place"""
#: The names that are a wanted base and a number, found by the digit that comes after it.
_TAKEN: Final = """
INSERT INTO x.taken
SELECT b.base, CAST(substr(h.name, length(b.base) + 1) AS INTEGER)
FROM (SELECT DISTINCT base FROM x.waiting) AS b CROSS JOIN x.digits AS d
CROSS JOIN x.held AS h ON h.name >= b.base || d.n AND h.name < b.base || char(d.n + 49)
WHERE length(h.name) BETWEEN length(b.base) + 1 AND length(b.base) + 9
  AND substr(h.name, length(b.base) + 1) NOT GLOB '*[^0-9]*'"""
_NUMBERS: Final = """
WITH RECURSIVE counted(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM counted WHERE k < (
  SELECT max(w.n + coalesce(t.n, 0)) FROM (SELECT base, count(*) AS n FROM x.waiting GROUP BY base) w
  LEFT JOIN (SELECT base, count(*) AS n FROM x.taken GROUP BY base) t USING (base)))
INSERT INTO x.number SELECT k FROM counted"""
#: Everyone who waits is offered a number: the n-th person waiting for a base gets the n-th free one.
_OFFERS: Final = """
INSERT INTO x.offer
WITH asked AS (
  SELECT base, count(*) AS n, (SELECT count(*) FROM x.taken t WHERE t.base = w.base) AS gone
  FROM x.waiting w GROUP BY base
), free AS (
  SELECT a.base, k.k, row_number() OVER (PARTITION BY a.base ORDER BY k.k) AS nth
  FROM asked a JOIN x.number k ON k.k <= a.n + a.gone
  WHERE NOT EXISTS (SELECT 1 FROM x.taken t WHERE t.base = a.base AND t.number = k.k)
), queue AS (
  SELECT *, row_number() OVER (PARTITION BY base ORDER BY place) AS nth FROM x.waiting
)
SELECT q.place, q.person, q.root, q.base || f.k FROM queue q JOIN free f USING (base, nth)"""
#: If two are offered the same name, the later one of the root, and all after it, must wait again.
_LOST: Final = """
CREATE TABLE x.lost AS SELECT root, min(place) AS place FROM (
  SELECT root, place, row_number() OVER (PARTITION BY name ORDER BY place) AS n FROM x.offer
) WHERE n > 1 GROUP BY root"""
_WITHDRAW: Final = """
DELETE FROM x.offer
WHERE EXISTS (SELECT 1 FROM x.lost l WHERE l.root = offer.root AND offer.place >= l.place)"""
_ROUND: Final = (
    _TAKEN,
    _NUMBERS,
    _OFFERS,
    _LOST,
    _WITHDRAW,
    "INSERT INTO x.username SELECT person, name FROM x.offer",
    "INSERT INTO x.held (name) SELECT name FROM x.offer",
    "DELETE FROM x.waiting WHERE place IN (SELECT place FROM x.offer)",
    "DROP TABLE x.lost",
    "DELETE FROM x.taken",
    "DELETE FROM x.number",
    "DELETE FROM x.offer",
)


def assign_usernames(workspace: Workspace) -> None:
    """Give everyone in x.person, whose user names are clean but not yet distinct, a unique name."""
    workspace.execute("CREATE TABLE x.several (person INTEGER PRIMARY KEY, own INTEGER, other INTEGER)")
    own, *others = dict.fromkeys(PEOPLE.values())
    workspace.execute(sql(_SEVERAL, own=literal(own)))
    workspace.execute("CREATE TABLE x.wanted (place INTEGER PRIMARY KEY, person INTEGER, base TEXT)")
    workspace.execute(sql(_WANTED, member=member(own), asked="s.own"))
    for space in others:
        workspace.execute(
            sql(_WANTED, member=member(space), asked="CASE WHEN s.own IS NULL THEN s.other END")
        )
    assign_free_usernames(workspace)
    workspace.execute(
        "UPDATE x.person SET username = u.name FROM x.username AS u WHERE u.person = person.person"
    )
    for done in ("several", "wanted", "held", "waiting", "digits", "taken", "number", "offer", "username"):
        workspace.execute(sql("DROP TABLE x.$done", done=done))


def assign_free_usernames(workspace: Workspace) -> None:
    """Create x.username from x.wanted: the names of those who cannot have what they want.

    First all who keep their name; then, in order of `place`, each other person gets the smallest 1, 2, … that
    makes a free name. This is done in rounds: in one round a person gets no name that someone before them,
    still without a name, might get.
    """
    for statement in _TABLES:
        workspace.execute(statement)
    workspace.execute(_OWNERS)
    workspace.execute(_LOSERS)
    workspace.execute("CREATE INDEX x.waiting_base ON waiting (base, place)")
    while workspace.scalar("SELECT 1 FROM x.waiting LIMIT 1"):
        for statement in _ROUND:
            workspace.execute(statement)
