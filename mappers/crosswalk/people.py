"""One person for every chain of rows that share an id or an e-mail."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Bench, Query
from mappers.legacy import PEOPLE, Legacy, literal, quoted, sql
from mappers.settings import UserSettings

#: Every row of the sources of people, in order of authority: seq counts it.
_ROWS: Final = """
CREATE TABLE x.entry (
  seq INTEGER PRIMARY KEY, source TEXT, space TEXT, legacy_id INTEGER, stub INTEGER, email TEXT, label INTEGER
)"""
_SAME_ID: Final = """
UPDATE x.entry SET label = g.label
FROM (SELECT space, legacy_id, min(label) AS label FROM x.entry WHERE NOT stub
      GROUP BY 1, 2 HAVING min(label) < max(label)) AS g
WHERE g.space = entry.space AND g.legacy_id = entry.legacy_id AND g.label < entry.label AND NOT entry.stub"""
_SAME_EMAIL: Final = """
UPDATE x.entry SET label = g.label
FROM (SELECT email, min(label) AS label FROM x.entry WHERE email IS NOT NULL AND NOT stub
      GROUP BY 1 HAVING min(label) < max(label)) AS g
WHERE g.email = entry.email AND g.label < entry.label AND NOT entry.stub"""
_JUMP: Final = """
UPDATE x.entry SET label = e.label FROM x.entry AS e
WHERE e.seq = entry.label AND e.label < entry.label AND NOT entry.stub"""
#: The rows with their fates. A person is counted in the order of its first row.
_FATES: Final = """
CREATE TABLE x.legacy_user AS
WITH chain AS (
  SELECT label, row_number() OVER (ORDER BY label) AS person
  FROM (SELECT DISTINCT label FROM x.entry WHERE email IS NOT NULL AND NOT stub)
)
SELECT e.seq, e.source, e.space, e.legacy_id, e.email, c.person,
       CASE WHEN e.stub THEN 'excluded' WHEN c.person IS NULL THEN 'rejected'
            WHEN e.seq <> e.label THEN 'merged' END AS fate,
       CASE WHEN e.stub THEN 'stub' WHEN c.person IS NULL THEN 'invalid_email'
            WHEN e.seq = e.label THEN NULL
            WHEN EXISTS (SELECT 1 FROM x.entry f WHERE f.space = e.space AND f.legacy_id = e.legacy_id
                         AND f.seq < e.seq AND NOT f.stub) THEN 'same_id'
            WHEN EXISTS (SELECT 1 FROM x.entry f WHERE f.email = e.email AND f.seq <> e.seq AND NOT f.stub)
              THEN 'same_email' ELSE 'same_id' END AS reason
FROM x.entry e LEFT JOIN chain c ON c.label = e.label AND NOT e.stub ORDER BY e.seq"""
#: Every legacy id of every person; `position` orders the ids of one person by authority.
_ALIAS: Final = """
CREATE TABLE x.alias (
  space TEXT, legacy_id INTEGER, person INTEGER, position INTEGER, via TEXT, PRIMARY KEY (space, legacy_id)
) WITHOUT ROWID"""
_FILL_ALIAS: Final = """
INSERT INTO x.alias
SELECT space, legacy_id, person, row_number() OVER (PARTITION BY person ORDER BY seq) - 1,
       coalesce(reason, space)
FROM (SELECT space, legacy_id, person, reason, min(seq) AS seq FROM x.legacy_user
      WHERE person IS NOT NULL GROUP BY space, legacy_id)
ORDER BY space, legacy_id"""
#: The same by integer alone, with the person's own id beside it: what millions of rows look up.
_MEMBER: Final = """
CREATE TABLE x.$member (
  legacy_id INTEGER PRIMARY KEY, person INTEGER, space TEXT, main_id INTEGER, position INTEGER,
  created_at INTEGER
)"""
_FILL_MEMBER: Final = """
INSERT INTO x.$member
SELECT a.legacy_id, a.person, m.space, m.legacy_id, a.position, NULL
FROM x.alias a JOIN x.alias m ON m.person = a.person AND m.position = 0
WHERE a.space = $space ORDER BY a.legacy_id"""


def settle_people(bench: Bench, legacy: Legacy, settings: UserSettings) -> None:
    """Make x.legacy_user, x.alias and x.member_<space>: who is who, and the fate of each row."""
    bench.execute(_ROWS)
    for source in legacy.present(PEOPLE):
        bench.execute(
            sql(
                "INSERT INTO x.entry (source, space, legacy_id, stub)"
                " SELECT $source, $space, id, $stub FROM $table ORDER BY id",
                source=literal(source),
                space=literal(PEOPLE[source]),
                table=quoted(source),
                stub=_stub(legacy, source, settings.placeholder_status),
            )
        )
    _clean_emails(bench, legacy)
    _join_chains(bench)
    bench.execute(_FATES)
    bench.execute("CREATE UNIQUE INDEX x.legacy_user_seq ON legacy_user (seq)")
    bench.execute("CREATE INDEX x.legacy_user_person ON legacy_user (person, seq)")
    bench.execute(_ALIAS)
    bench.execute(_FILL_ALIAS)
    bench.execute("CREATE INDEX x.alias_person ON alias (person, position)")
    for space in dict.fromkeys(PEOPLE.values()):
        bench.execute(sql(_MEMBER, member=member(space)))
        bench.execute(sql(_FILL_MEMBER, member=member(space), space=literal(space)))


def member(space: str) -> str:
    """Return the name of the table of x that finds a person by an id of `space`."""
    return quoted(f"member_{space}")


def joined_people(legacy: Legacy) -> str:
    """Return SQL that joins the rows of x.legacy_user or x.entry, `e`, with their source tables."""
    return "".join(
        sql(
            " LEFT JOIN $table AS $table ON e.source = $source AND $table.id = e.legacy_id",
            table=quoted(source),
            source=literal(source),
        )
        for source in legacy.present(PEOPLE)
    )


def of_people(legacy: Legacy, *names: str) -> str:
    """Return SQL for a column that the sources of people call by one of `names`, beside `joined_people`."""
    return (
        "coalesce(NULL, "
        + ", ".join(["NULL", *(legacy.column(source, *names) for source in legacy.present(PEOPLE))])
        + ")"
    )


def _stub(legacy: Legacy, source: str, status: str) -> str:
    # Only the tidied copy holds placeholders.
    if source != "users" or not legacy.has(source, "status"):
        return "0"
    return sql("coalesce(lower(trim(status)) = $status, 0)", status=literal(status.lower()))


def _clean_emails(bench: Bench, legacy: Legacy) -> None:
    query = Query(
        sql=sql(
            "SELECT e.seq AS seq, $email AS email FROM x.entry AS e $joined"
            " WHERE e.seq > ?1 AND NOT e.stub ORDER BY e.seq LIMIT ?2",
            email=of_people(legacy, "email"),
            joined=joined_people(legacy),
        ),
        key="seq",
        columns={"seq": "integer", "email": "text"},
        count="SELECT count(*) FROM x.entry WHERE NOT stub",
    )
    bench.write("clean_email", pl.DataFrame(schema={"seq": pl.Int64, "email": pl.String}))
    for rows in bench.read(query):
        clean = rows.select("seq", cleaning.email(pl.col("email")).alias("email"))
        bench.write("clean_email", clean.drop_nulls())
    bench.execute("CREATE INDEX x.clean_email_seq ON clean_email (seq)")
    bench.execute(
        "UPDATE x.entry SET label = seq,"
        " email = (SELECT c.email FROM x.clean_email c WHERE c.seq = entry.seq)"
    )
    bench.execute("DROP TABLE x.clean_email")


def _join_chains(bench: Bench) -> None:
    """Give each row the lowest seq that it reaches over shared ids and shared e-mails.

    Labels flow from neighbour to neighbour until none changes; each also takes the label
    of the row it points to, so that long chains need few rounds.
    """
    bench.execute("CREATE INDEX x.entry_id ON entry (space, legacy_id)")
    bench.execute("CREATE INDEX x.entry_email ON entry (email)")
    while bench.execute(_SAME_ID) + bench.execute(_SAME_EMAIL):
        bench.execute(_JUMP)
