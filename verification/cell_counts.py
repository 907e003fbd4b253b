"""Filled cells: as many in every target column as in the source, except for those with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl
from psycopg import sql

from verification.context import Cells, CheckContext
from verification.queries import ask, at, names, source_tables
from verification.result import Check, Outcome
from verification.row_outcomes import fates_of

#: Rules that leave a filled cell empty, by the end of their name and by name.
_LEFT_OUT: Final = "_left_out"
_EMPTIED: Final = "empty_as_null"
#: The rule that leaves out an id inside a document: its cell stays filled.
_WITHIN: Final = "unknown_id_left_out"
#: The rule that fills an empty cell with the mapping's default.
_FILLED: Final = "null_replaced"


def _run(context: CheckContext) -> Outcome:
    if not context.cells:
        return Outcome.not_applicable("the mapping does not describe its columns")
    outcome = Outcome()
    there = set(source_tables(context))
    for cells in context.cells:
        if cells.source in there and cells.target in context.tables and cells.columns:
            _hold(context, cells, outcome)
    return outcome


def _hold(context: CheckContext, cells: Cells, outcome: Outcome) -> None:
    filled = _filled(context, cells, outcome)
    changed = _changed(context, cells.source)
    counts = sql.SQL(", ").join(
        sql.SQL("count({})").format(name) for name in names([to for _, to in cells.columns])
    )
    (held,) = ask(context, sql.SQL("SELECT {} FROM {}").format(counts, at(context, cells.target)))
    for (column, to), before, after in zip(cells.columns, filled, held, strict=True):
        expected, found = before + changed.get(column, 0), int(str(after))
        # A table with rows added for references holds more than the source.
        if found < expected or (found > expected and cells.target not in context.derived):
            what = (
                f"{found} cells are filled, but {expected} are expected from {before} of "
                f"{cells.source}.{column}"
            )
            outcome.found(cells.target, None, what, to)


def _filled(context: CheckContext, cells: Cells, outcome: Outcome) -> list[int]:
    """Return how many cells of each column are filled in the rows that are migrated."""
    fates = fates_of(context, cells.source)
    places = [f"c{number}" for number in range(len(cells.columns))]
    counts = [0] * len(places)
    for frame in context.read(cells.sql):
        outcome.looked_at += frame.height
        kept = frame.join(fates.of(frame["source_id"]), on="source_id", how="anti")
        row = kept.select(pl.col(place).count() for place in places).row(0)
        counts = [count + more for count, more in zip(counts, row, strict=True)]
    return counts


def _changed(context: CheckContext, source: str) -> Mapping[str, int]:
    """Return how many more or fewer filled cells a column has according to the ledger's warnings."""
    query = sql.SQL(
        "SELECT column_name, sum(CASE WHEN rule = {filled} THEN 1 ELSE -1 END) FROM {warning}"
        " WHERE run_id = {run} AND source_table = {source} AND column_name IS NOT NULL"
        " AND (rule IN ({filled}, {emptied}) OR right(rule, {length}) = {end}) AND rule <> {within}"
        " GROUP BY 1"
    ).format(
        filled=sql.Literal(_FILLED),
        emptied=sql.Literal(_EMPTIED),
        end=sql.Literal(_LEFT_OUT),
        within=sql.Literal(_WITHIN),
        length=sql.Literal(len(_LEFT_OUT)),
        warning=sql.Identifier(context.ledger, "warning"),
        run=sql.Literal(context.run_id),
        source=sql.Literal(source),
    )
    return {str(column): int(str(change)) for column, change in ask(context, query)}


CELLS = Check(
    "cells", "Has every column as many filled cells as in the source, references included?", _run, apart=True
)
