"""Merges rows that share an id or an e-mail into one person."""

from __future__ import annotations

from typing import Final

from mappers.base import Workspace
from mappers.reasons import CODES
from mappers.sqlite_sql import literal, quoted, sql
from mappers.studio.crosswalk.user_rows import read_user_rows
from mappers.studio.legacy_tables import PEOPLE, Legacy
from mappers.studio.settings import UserSettings

#: Every row of the sources of people, in order of authority: seq numbers it.
_ENTRY: Final = """
CREATE TABLE x.entry (seq INTEGER PRIMARY KEY, source TEXT, space TEXT, legacy_id INTEGER, stub INTEGER)"""
#: The first row of each id: rows of one id are one person, so the others follow it.
_FIRST: Final = "CREATE TABLE x.$first (legacy_id INTEGER PRIMARY KEY, seq INTEGER)"
_FILL_FIRST: Final = """
INSERT OR IGNORE INTO x.$first
SELECT legacy_id, seq FROM x.entry
WHERE space = $space AND NOT stub AND typeof(legacy_id) = 'integer' ORDER BY seq"""
#: E-mails that connect the rows of several ids: few of many. Digests find them, the texts decide.
_TIES: Final = (
    "CREATE TABLE x.tie AS SELECT DISTINCT label, email FROM x.user_rows WHERE digest IN ("
    " SELECT digest FROM x.user_rows WHERE digest IS NOT NULL"
    " GROUP BY digest HAVING min(label) < max(label))",
    "DELETE FROM x.tie WHERE email IN (SELECT email FROM x.tie GROUP BY email HAVING count(*) = 1)",
    "CREATE INDEX x.tie_email ON tie (email, label)",
    "CREATE TABLE x.tied (label INTEGER PRIMARY KEY, low INTEGER)",
    "INSERT INTO x.tied SELECT DISTINCT label, label FROM x.tie ORDER BY label",
)
_SAME_EMAIL: Final = """
UPDATE x.tied SET low = g.low
FROM (SELECT t.label, min(m.low) AS low FROM x.tie AS t JOIN (
        SELECT e.email, min(l.low) AS low FROM x.tie AS e JOIN x.tied AS l USING (label) GROUP BY e.email
      ) AS m USING (email) GROUP BY t.label) AS g
WHERE g.label = tied.label AND g.low < tied.low"""
_JUMP: Final = """
UPDATE x.tied SET low = l.low FROM x.tied AS l WHERE l.label = tied.low AND l.low < tied.low"""
#: The ids that are not their person's first; `position` orders all ids of one person by authority.
_MOVED: Final = """
INSERT INTO x.moved
SELECT label, low, row_number() OVER (PARTITION BY low ORDER BY label)
FROM x.tied WHERE low < label ORDER BY label"""
#: People are numbered in the order of their first row.
_CHAIN: Final = """
INSERT INTO x.chain (label, person)
SELECT label, row_number() OVER (ORDER BY label) FROM (
  SELECT DISTINCT coalesce(m.low, t.label) AS label FROM x.user_rows AS t LEFT JOIN x.moved AS m USING (label)
  WHERE t.email IS NOT NULL)"""
#: The e-mails that more than one row of an id has, if that id is not its person's first.
_ECHO: Final = """
CREATE TABLE x.echo AS SELECT label, email FROM x.user_rows
WHERE label IN (SELECT label FROM x.moved) AND email IS NOT NULL GROUP BY label, email HAVING count(*) > 1"""
_LEGACY_USER: Final = """
CREATE TABLE x.legacy_user (
  seq INTEGER PRIMARY KEY, source TEXT, space TEXT, legacy_id INTEGER, person INTEGER, fate TEXT, reason TEXT
)"""
#: The rows with their outcomes.
_FATES: Final = """
INSERT INTO x.legacy_user
SELECT e.seq, e.source, e.space, e.legacy_id, c.person,
       CASE WHEN e.stub THEN 'excluded' WHEN c.person IS NULL THEN 'rejected'
            WHEN e.seq <> c.label THEN 'merged' END,
       CASE WHEN e.stub THEN $stub WHEN typeof(e.legacy_id) <> 'integer' THEN $invalid_id
            WHEN c.person IS NULL THEN $invalid_email WHEN e.seq = c.label THEN NULL
            WHEN t.label < e.seq THEN $same_id
            WHEN EXISTS (SELECT 1 FROM x.tie AS i WHERE i.email = t.email)
              OR EXISTS (SELECT 1 FROM x.echo AS o WHERE o.label = t.label AND o.email = t.email)
              THEN $same_email ELSE $same_id END
FROM x.entry AS e LEFT JOIN x.user_rows AS t ON t.seq = e.seq LEFT JOIN x.moved AS m ON m.label = t.label
LEFT JOIN x.chain AS c ON c.label = coalesce(m.low, t.label) ORDER BY e.seq"""
#: Every legacy id of every person, with the person's own id: millions of rows look it up here.
_MEMBER: Final = """
CREATE TABLE x.$member (
  legacy_id INTEGER PRIMARY KEY, person INTEGER, space TEXT, main_id INTEGER, position INTEGER, via TEXT,
  created_at INTEGER
)"""
_FILL_MEMBER: Final = """
INSERT INTO x.$member
SELECT f.legacy_id, u.person, coalesce(o.space, u.space), coalesce(o.legacy_id, u.legacy_id),
       coalesce(m.position, 0), coalesce(u.reason, u.space), p.created_at
FROM x.$first AS f CROSS JOIN x.legacy_user AS u ON u.seq = f.seq
CROSS JOIN x.person AS p ON p.person = u.person
LEFT JOIN x.moved AS m ON m.label = f.seq LEFT JOIN x.legacy_user AS o ON o.seq = m.low
ORDER BY f.legacy_id"""
_ALIAS: Final = "SELECT $space AS space, legacy_id, person, position, via FROM x.$member"


def merge_people(workspace: Workspace, legacy: Legacy, settings: UserSettings) -> None:
    """Create x.legacy_user (the person and the outcome of each row), and x.user_rows (the values of each
    row).
    """
    workspace.execute(_ENTRY)
    for source in legacy.present(PEOPLE):
        workspace.execute(
            sql(
                "INSERT INTO x.entry (source, space, legacy_id, stub)"
                " SELECT $source, $space, id, $stub FROM $table ORDER BY id",
                source=literal(source),
                space=literal(PEOPLE[source]),
                table=quoted(source),
                stub=_stub(legacy, source, settings.placeholder_status),
            )
        )
    for space in _spaces():
        workspace.execute(sql(_FIRST, first=first(space)))
        workspace.execute(sql(_FILL_FIRST, first=first(space), space=literal(space)))
    read_user_rows(workspace, legacy)
    _join_chains(workspace)
    workspace.execute(_LEGACY_USER)
    workspace.execute(sql(_FATES, **CODES))
    for done in ("entry", "tie", "tied", "echo"):
        workspace.execute(sql("DROP TABLE x.$done", done=done))


def map_legacy_ids(workspace: Workspace) -> None:
    """Create x.member_<space>, and x.alias over all of them: the person that each legacy id has become.

    x.person must exist.
    """
    for space in _spaces():
        workspace.execute(sql(_MEMBER, member=member(space)))
        workspace.execute(sql(_FILL_MEMBER, member=member(space), first=first(space)))
    alias = (sql(_ALIAS, space=literal(space), member=member(space)) for space in _spaces())
    workspace.execute("CREATE VIEW x.alias AS " + " UNION ALL ".join(alias).replace("x.", ""))


def first(space: str) -> str:
    """Return the name of the table in x that finds the first row of an id of `space`."""
    return quoted(f"first_{space}")


def member(space: str) -> str:
    """Return the name of the table in x that finds a person by an id of `space`."""
    return quoted(f"member_{space}")


def joined_people(legacy: Legacy) -> str:
    """Return SQL that joins the rows of x.legacy_user, `e`, with their source tables."""
    return "".join(
        sql(
            " LEFT JOIN $table AS $table ON e.source = $source AND $table.id = e.legacy_id",
            table=quoted(source),
            source=literal(source),
        )
        for source in legacy.present(PEOPLE)
    )


def of_people(legacy: Legacy, *names: str) -> str:
    """Return SQL for a column that the sources of people call by one of `names`, for use with
    `joined_people`.
    """
    return (
        "coalesce(NULL, "
        + ", ".join(["NULL", *(legacy.column(source, *names) for source in legacy.present(PEOPLE))])
        + ")"
    )


def _spaces() -> tuple[str, ...]:
    return tuple(dict.fromkeys(PEOPLE.values()))


def _stub(legacy: Legacy, source: str, status: str) -> str:
    # Only the cleaned copy holds placeholders.
    if source != "users" or not legacy.has(source, "status"):
        return "0"
    return sql("coalesce(lower(trim(status)) = $status, 0)", status=literal(status.lower()))


def _join_chains(workspace: Workspace) -> None:
    """Create x.chain and x.moved: give each id the lowest row that it reaches over shared e-mails.

    Labels, the first row of each id, spread from neighbour to neighbour until none changes. Each also takes
    the label of the row that its own label points to, so that long chains need few rounds.
    """
    for statement in _TIES:
        workspace.execute(statement)
    while workspace.execute(_SAME_EMAIL):
        workspace.execute(_JUMP)
    workspace.execute("CREATE TABLE x.moved (label INTEGER PRIMARY KEY, low INTEGER, position INTEGER)")
    workspace.execute(_MOVED)
    workspace.execute("CREATE TABLE x.chain (label INTEGER PRIMARY KEY, person INTEGER)")
    workspace.execute(_CHAIN)
    workspace.execute(_ECHO)
