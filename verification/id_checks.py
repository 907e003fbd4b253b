"""Ids: well formed, and in a one-to-one relation with their legacy ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl
from psycopg import sql

from verification.context import CheckContext, Table
from verification.key_scan import scan_ids
from verification.multiset_diff import Staged, compare
from verification.queries import at, count, count_rows, key_of, offenders
from verification.result import Check, Outcome
from verification.sums.batch_sums import rows_as_mapped

#: the shape of a derived id, as in Prisma's `cuid()` and Zod's `.cuid()`; the length is checked separately,
#: which takes a sixth of the time of `{24}` in the pattern
_SHAPE: Final = "^c[0-9a-z]*$"
_LENGTH: Final = 25
_PEOPLE: Final = """
SELECT CAST(a.space AS TEXT) AS entity, CAST(a.legacy_id AS TEXT) AS legacy_id,
       CAST(p.space AS TEXT) AS space, CAST(p.legacy_id AS TEXT) AS own_id
FROM x.alias AS a JOIN x.person AS p ON p.person = a.person
"""


def _shaped(context: CheckContext) -> Outcome:
    outcome = Outcome()
    pointing = {(key.table, column) for key in context.foreign_keys for column in key.columns}
    for table in context.tables.values():
        if table.name in context.legacy_keys:
            continue
        for name in table.primary_key:
            column = table.column(name)
            # A foreign key is as well formed as the key that it refers to.
            if (table.name, name) in pointing or column is None or column.type != "text":
                continue
            outcome.looked_at += count_rows(context, table.name)
            # If sums prove the rows, no other check reads the column; then the server tests it in less time.
            if not rows_as_mapped(context, table.name) and scan_ids(context, table.name, name).ids:
                continue
            test = sql.SQL(
                'SELECT {0} FROM {1} WHERE octet_length({2}) <> {3} OR {2} COLLATE "C" !~ {4}'
            ).format(key_of(table), at(context, table.name), sql.Identifier(name), _LENGTH, _SHAPE)
            offenders(context, outcome, table.name, test, "is not an id of CUID form", name)
    return outcome


def has_people(context: CheckContext) -> bool:
    """Return whether the crosswalk has people: `x.person`, and `x.alias` for all their legacy ids."""
    query = "SELECT count(*) FROM x.sqlite_schema WHERE name IN ('person', 'alias')"
    attached = any(row[1] == "x" for row in context.snapshot.execute("PRAGMA database_list"))
    return attached and context.snapshot.execute(query).fetchone() == (2,)


def legacy_ids(context: CheckContext) -> Iterator[pl.DataFrame]:
    """Yield `entity` and `legacy_id` of what `people` yields, without deriving an id."""
    for frame in context.read(_PEOPLE):
        yield frame.select(pl.col("entity", "legacy_id").cast(pl.String))


def people(context: CheckContext) -> Iterator[pl.DataFrame]:
    """Yield `entity`, `legacy_id` and the new `id` of the person, for every legacy id of every person."""
    for frame in context.read(_PEOPLE):
        for (space,), part in frame.cast(pl.String).group_by("space"):
            yield part.select(
                "entity", "legacy_id", context.ids.expr(str(space), pl.col("own_id")).alias("id")
            )


def _mapped(context: CheckContext) -> Outcome:
    if missing := context.note_missing("users"):
        return Outcome.not_applicable(missing)
    if not has_people(context):
        return Outcome.not_applicable("the crosswalk knows no people")
    outcome = Outcome()
    _compare_with_people(context, outcome)
    _one_id_a_person(context, outcome)
    _both_ways(context, context.tables["users"], ["users", "community_users"], outcome)
    if "studios" in context.tables and "studios" in context.mapped:
        _both_ways(context, context.tables["studios"], ["studios"], outcome)
        _owners(context, outcome)
    return outcome


def _compare_with_people(context: CheckContext, outcome: Outcome) -> None:
    """Derive every person's id again, and compare it with the map."""
    text = pl.concat_str("entity", "legacy_id", "id", separator="\x1f").alias("text")
    key = pl.concat_str("entity", "legacy_id", separator=" ").alias("key")
    staged = Staged(
        sql.Identifier(*context.id_map),
        sql.SQL("concat_ws({}, entity, legacy_id, new_id)").format(sql.Literal("\x1f")),
        sql.SQL("concat_ws(' ', entity, legacy_id)"),
        sql.SQL("entity IN ('users', 'community_users')"),
    )
    difference = compare(context, lambda: (f.select(text, key) for f in people(context)), staged)
    outcome.looked_at += difference.staged
    table = context.id_map[1]
    missing, unexpected = difference.missing["key"].to_list(), difference.unexpected["key"].to_list()
    outcome.found_many(
        table, missing, "the id derived from the person of this legacy id is not in the id map"
    )
    outcome.found_many(table, unexpected, "is not the id derived from the person of this legacy id")
    if difference.unnamed:
        what = "more ids do not match than can be listed"
        outcome.found_many(table, [None], what, total=difference.unnamed)


def _one_id_a_person(context: CheckContext, outcome: Outcome) -> None:
    ids = count(
        context,
        sql.SQL("SELECT count(DISTINCT new_id) FROM {} WHERE entity IN ('users', 'community_users')").format(
            sql.Identifier(*context.id_map)
        ),
    )
    persons = int(context.snapshot.execute("SELECT count(DISTINCT person) FROM x.alias").fetchone()[0])
    if ids != persons:
        outcome.found(context.id_map[1], None, f"{persons} people share {ids} ids", "new_id")


def _both_ways(context: CheckContext, table: Table, entities: list[str], outcome: Outcome) -> None:
    known = sql.SQL("(SELECT new_id, entity, legacy_id FROM {} WHERE entity = ANY ({}))").format(
        sql.Identifier(*context.id_map), sql.Literal(entities)
    )
    outcome.looked_at += count_rows(context, table.name)
    unmapped = sql.SQL(
        "SELECT held.id::text FROM {} AS held "
        "WHERE NOT EXISTS (SELECT FROM {} AS known WHERE known.new_id = held.id)"
    ).format(at(context, table.name), known)
    offenders(context, outcome, table.name, unmapped, "is not in the id map", "id")
    gone = sql.SQL(
        "SELECT concat_ws(' ', entity, legacy_id) FROM {} AS known "
        "WHERE NOT EXISTS (SELECT FROM {} AS held WHERE held.id = known.new_id)"
    ).format(known, at(context, table.name))
    offenders(context, outcome, context.id_map[1], gone, f"refers to no row of {table.name}", "new_id")


def _owners(context: CheckContext, outcome: Outcome) -> None:
    """Check that a studio, which has its owner's legacy ids, maps to the same person as the owner."""
    # A studio's legacy id is its owner's: `42`, or `community_users:2` in the other id space.
    space = "CASE WHEN strpos(s.legacy_id, ':') > 0 THEN split_part(s.legacy_id, ':', 1) ELSE 'users' END"
    own = "CASE WHEN strpos(s.legacy_id, ':') > 0 THEN split_part(s.legacy_id, ':', 2) ELSE s.legacy_id END"
    query = sql.SQL(
        "SELECT concat_ws(' ', s.entity, s.legacy_id) FROM {map} AS s "
        "JOIN {studios} AS held ON held.id = s.new_id LEFT JOIN {map} AS u "
        "ON u.new_id = held.owner_id AND u.entity = {space} AND u.legacy_id = {own} "
        "WHERE s.entity = 'studios' AND u.new_id IS NULL"
    ).format(
        map=sql.Identifier(*context.id_map),
        studios=at(context, "studios"),
        space=sql.SQL(space),
        own=sql.SQL(own),
    )
    what = "maps to a studio of another owner"
    offenders(context, outcome, context.id_map[1], query, what, "new_id")


IDS_SHAPED = Check("ids_well_formed", "Does every new id have CUID form?", _shaped, of_target=True)
IDS_MAPPED = Check("ids_mapped", "Does every legacy id map to the new id of its person?", _mapped)
