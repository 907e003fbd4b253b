"""A user name for everybody: the first of a name owns it, the others get the smallest free number."""

from __future__ import annotations

from typing import Final

from mappers.base import Bench

_TABLES: Final = (
    "CREATE TABLE x.username (person INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE x.held (name TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE x.waiting (place INTEGER PRIMARY KEY, person INTEGER, base TEXT, root TEXT)",
    "CREATE TABLE x.digits (n INTEGER PRIMARY KEY)",
    "INSERT INTO x.digits VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9)",
    "CREATE TABLE x.taken (base TEXT, number INTEGER, PRIMARY KEY (base, number)) WITHOUT ROWID",
    "CREATE TABLE x.number (k INTEGER PRIMARY KEY)",
    "CREATE TABLE x.offer (place INTEGER PRIMARY KEY, person INTEGER, root TEXT, name TEXT)",
)
#: `wanted` holds (person, place, base): the clean name and the order of who owns what.
_OWNERS: Final = """
INSERT INTO x.username SELECT person, base
FROM (SELECT person, base, row_number() OVER (PARTITION BY base ORDER BY place) AS n FROM x.wanted)
WHERE n = 1"""
#: Only names of one root, the name without its trailing digits, can meet: `a` + 11 and `a1` + 1.
_LOSERS: Final = """
INSERT INTO x.waiting SELECT place, person, base, rtrim(base, '0123456789')
FROM (SELECT *, row_number() OVER (PARTITION BY base ORDER BY place) AS n FROM x.wanted) WHERE n > 1"""
_TAKEN: Final = """
INSERT INTO x.taken
SELECT substr(h.name, 1, length(h.name) - d.n), CAST(substr(h.name, -d.n) AS INTEGER)
FROM x.held h JOIN x.digits d
  ON d.n < length(h.name) AND d.n <= length(h.name) - length(rtrim(h.name, '0123456789'))
WHERE substr(h.name, -d.n, 1) <> '0'
  AND substr(h.name, 1, length(h.name) - d.n) IN (SELECT base FROM x.waiting)"""
_NUMBERS: Final = """
WITH RECURSIVE counted(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM counted WHERE k < (
  SELECT max(w.n + coalesce(t.n, 0)) FROM (SELECT base, count(*) AS n FROM x.waiting GROUP BY base) w
  LEFT JOIN (SELECT base, count(*) AS n FROM x.taken GROUP BY base) t USING (base)))
INSERT INTO x.number SELECT k FROM counted"""
#: Everybody who waits is offered a number: the n-th who waits for a base, the n-th free one.
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
#: Where two are offered one name, the later one of the root, and all after it, must wait again.
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
    "INSERT INTO x.held SELECT name FROM x.offer",
    "DELETE FROM x.waiting WHERE place IN (SELECT place FROM x.offer)",
    "DROP TABLE x.lost",
    "DELETE FROM x.taken",
    "DELETE FROM x.number",
    "DELETE FROM x.offer",
)


def settle_usernames(bench: Bench) -> None:
    """Make x.username from x.wanted: every person's name, no two the same.

    First all owners of distinct names, then in order of `place` each other person gets the
    smallest 1, 2, … that makes a name nobody holds. Done in rounds: within one round nobody
    is served who might stand behind someone still without a name.
    """
    for statement in _TABLES:
        bench.execute(statement)
    bench.execute(_OWNERS)
    bench.execute("INSERT INTO x.held SELECT name FROM x.username")
    bench.execute(_LOSERS)
    bench.execute("CREATE INDEX x.waiting_base ON waiting (base, place)")
    while bench.scalar("SELECT 1 FROM x.waiting LIMIT 1"):
        for statement in _ROUND:
            bench.execute(statement)
