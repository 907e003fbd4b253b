"""The staged rows and the outcomes are those that the mappers gave: the sums of their cells are the same.

The server computes one sum for each table, and the ledger has those of the batches, made from the mappers'
frames before they were written. Only if they differ, the rows are mapped again, and those that differ are
named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl
from psycopg import sql

from verification.context import CheckContext
from verification.full_compare import compare_rows
from verification.multiset_diff import Staged, compare
from verification.queries import count_rows
from verification.result import Check, Outcome
from verification.sums.batch_sums import (
    FATE_COLUMNS,
    fates_as_mapped,
    kept_sums,
    rows_as_mapped,
    summed_columns,
)

_NULL: Final = "\x1e"
_BETWEEN: Final = "\x1f"


def _run(context: CheckContext) -> Outcome:
    if kept_sums(context) is None:
        return Outcome.not_applicable("the ledger has no sums for these rows")
    outcome = Outcome()
    unlike = [table for table in context.tables if rows_as_mapped(context, table) is False]
    outcome.looked_at = sum(count_rows(context, table) for table in context.tables)
    if unlike:
        compare_rows(context, unlike, outcome, summed_columns)
    if not fates_as_mapped(context):
        _compare_fates(context, outcome)
    return outcome


def _compare_fates(context: CheckContext, outcome: Outcome) -> None:
    """Name the rows whose outcome in the ledger is not that of the mapper."""
    names = [column.name for column in FATE_COLUMNS]
    cells = [sql.SQL("coalesce({}, {})").format(sql.Identifier(name), sql.Literal(_NULL)) for name in names]
    staged = Staged(
        sql.Identifier(context.ledger, "fate"),
        sql.SQL("concat_ws({}, {})").format(sql.Literal(_BETWEEN), sql.SQL(", ").join(cells)),
        sql.SQL("concat_ws({}, source_table, source_id)").format(sql.Literal(_BETWEEN)),
        sql.SQL("run_id = {}").format(sql.Literal(context.run_id)),
    )
    text = pl.concat_str([pl.col(name).fill_null(_NULL) for name in names], separator=_BETWEEN)
    key = pl.concat_str("source_table", "source_id", separator=_BETWEEN)

    def expected() -> Iterator[pl.DataFrame]:
        assert context.remap_fates is not None
        return (fates.select(text.alias("text"), key.alias("key")) for fates in context.remap_fates())

    difference = compare(context, expected, staged)
    wrong = set(difference.missing["key"]) | set(difference.unexpected["key"])
    for source, source_id in sorted(str(name).split(_BETWEEN, 1) for name in wrong):
        outcome.found(source, source_id, "its outcome in the ledger is not the one that the mapper gave")
    if difference.unnamed:
        what = "more outcomes differ than can be listed"
        outcome.found_many("fate", [None], what, total=difference.unnamed)


STAGED_ROWS = Check("staged_rows", "Are the staged rows those that the mappers gave, cell by cell?", _run)
