"""The id map: every derived key is in it once, with the legacy id that it was derived from."""

from __future__ import annotations

import polars as pl
from psycopg import sql

from verification.context import CheckContext
from verification.queries import at, count_rows, key_of, offenders, stream, texts
from verification.result import Check, Outcome


def _run(context: CheckContext) -> Outcome:
    if not context.identities:
        return Outcome.not_applicable("the id map is empty")
    outcome = Outcome()
    for entity, (table, column) in context.identities.items():
        if table in context.tables:
            _derived(context, entity, outcome)
            _both_ways(context, entity, table, column, outcome)
    return outcome


def _derived(context: CheckContext, entity: str, outcome: Outcome) -> None:
    """Derive every mapped id again."""
    query = sql.SQL("SELECT legacy_id, new_id FROM {} WHERE entity = {}").format(
        sql.Identifier(*context.id_map), sql.Literal(entity)
    )
    for frame in stream(context, query, texts("legacy_id", "new_id")):
        outcome.looked_at += frame.height
        wrong = frame.filter(context.ids.expr(entity, pl.col("legacy_id")).ne_missing(pl.col("new_id")))
        keys = [f"{entity} {key}" for key in wrong["legacy_id"].sort()]
        outcome.found_many(context.id_map[1], keys, "is not the id derived from this legacy id", "new_id")


def _both_ways(context: CheckContext, entity: str, table: str, column: str, outcome: Outcome) -> None:
    outcome.looked_at += count_rows(context, table)
    parts = {
        "key": key_of(context.tables[table], "held"),
        "held": at(context, table),
        "map": sql.Identifier(*context.id_map),
        "entity": sql.Literal(entity),
        "column": sql.Identifier("held", column),
    }
    unmapped = sql.SQL(
        "SELECT {key} FROM {held} AS held WHERE NOT EXISTS"
        " (SELECT FROM {map} AS known WHERE known.entity = {entity} AND known.new_id = {column})"
    ).format(**parts)
    offenders(context, outcome, table, unmapped, "is not in the id map", column)
    gone = sql.SQL(
        "SELECT concat_ws(' ', known.entity, known.legacy_id) FROM {map} AS known"
        " WHERE known.entity = {entity} AND NOT EXISTS (SELECT FROM {held} AS held"
        " WHERE {column} = known.new_id)"
    ).format(**parts)
    offenders(context, outcome, context.id_map[1], gone, f"refers to no row of {table}", "new_id")


KEYS_MAPPED = Check("keys_mapped", "Does the id map hold every derived key and nothing else?", _run)
