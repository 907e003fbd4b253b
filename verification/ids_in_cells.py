"""Ids inside documents and lists: no old one is left in place of a new one."""

from __future__ import annotations

import polars as pl
from psycopg import sql

from verification.accounted_rows import account_rows
from verification.context import CheckContext, HiddenIds
from verification.queries import ask, at, count_rows, key_of, stream, texts
from verification.result import Check, Outcome
from verification.row_outcomes import fates_of

_WHAT = "holds the old id of a migrated row of {} inside"


def _run(context: CheckContext) -> Outcome:
    places = [place for place in context.hidden if place.table in context.tables]
    if not places:
        return Outcome.not_applicable("there are no ids inside JSON or lists")
    outcome = Outcome()
    for place in places:
        outcome.looked_at += count_rows(context, place.table)
        left = _unknown(context, place)
        if left.height:
            _name(context, place, _survivors(context, place, left), outcome)
    return outcome


def _ids(context: CheckContext, place: HiddenIds) -> sql.Composed:
    """Return a query of row and id for every value in the place of an id."""
    column = sql.Identifier("held", place.column)
    if place.path is not None:
        ids = sql.SQL(
            "SELECT value #>> '{{}}' AS id FROM jsonb_path_query({}::jsonb, {}, silent => true) AS value"
            " WHERE jsonb_typeof(value) IN ('string', 'number')"
        ).format(column, sql.Literal(place.path))
    elif place.separator:
        ids = sql.SQL(
            "SELECT btrim(part) AS id FROM unnest(string_to_array({}::text, {})) AS part"
            " WHERE btrim(part) <> ''"
        ).format(column, sql.Literal(place.separator))
    else:
        ids = sql.SQL("SELECT part AS id FROM unnest({}) AS part").format(column)
    return sql.SQL("SELECT {} AS row, inside.id FROM {} AS held CROSS JOIN LATERAL ({}) AS inside").format(
        key_of(context.tables[place.table], "held"), at(context, place.table), ids
    )


def _unknown(context: CheckContext, place: HiddenIds) -> pl.DataFrame:
    """Return the distinct ids that are not keys of their table: column `id`."""
    query = sql.SQL(
        "SELECT DISTINCT found.id FROM ({}) AS found"
        " WHERE NOT EXISTS (SELECT FROM {} AS known WHERE known.{}::text = found.id)"
    ).format(_ids(context, place), at(context, place.to_table), sql.Identifier(place.to_column))
    return pl.concat([pl.DataFrame(schema=texts("id")), *stream(context, query, texts("id"))])


def _survivors(context: CheckContext, place: HiddenIds, left: pl.DataFrame) -> list[str]:
    """Return those ids that are old keys of migrated rows: the mapping may keep others."""
    fates = fates_of(context, place.source)
    found: set[str] = set()
    for account in context.accounts:
        if account.source == place.source:
            for rows in account_rows(context, account):
                migrated = rows.join(fates.of(rows["source_id"]), on="source_id", how="anti")
                found |= set(left.join(migrated, left_on="id", right_on="key", how="semi")["id"])
            break
    return sorted(found)


def _name(context: CheckContext, place: HiddenIds, survivors: list[str], outcome: Outcome) -> None:
    if not survivors:
        return
    rows = sql.SQL("SELECT DISTINCT row FROM ({}) AS found WHERE id = ANY (%s)").format(_ids(context, place))
    limited = sql.SQL("SELECT row, count(*) OVER () FROM ({}) AS found ORDER BY row LIMIT {}").format(
        rows, sql.Literal(max(1, outcome.room))
    )
    named = ask(context, limited, survivors)
    keys, total = [str(row) for row, _ in named], int(str(named[0][1]))
    outcome.found_many(place.table, keys[: outcome.room], _WHAT.format(place.source), place.column, total)


HIDDEN = Check("hidden_ids", "Are all legacy ids inside JSON and lists replaced?", _run)
