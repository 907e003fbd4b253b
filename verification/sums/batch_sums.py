"""The sums over the cells of a batch, which the ledger keeps, and whether the staged rows have the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from psycopg import sql

from verification.context import CheckContext, Column, Table
from verification.queries import ask, at
from verification.sums.cell_sums import NOTHING, CellSum, sum_frame, sum_query, summable


@dataclass(frozen=True)
class _Text:
    """A column of text of the outcomes."""

    name: str
    type: str = "text"
    generated: bool = False
    enum: None = None


#: the columns of an outcome that are summed
FATE_COLUMNS: Final[tuple[Any, ...]] = tuple(
    _Text(name) for name in ("source_table", "source_id", "fate", "reason", "detail")
)


@dataclass(frozen=True)
class BatchSums:
    """The sums of a batch, or of all batches of a run: of each table's summed columns, and of the outcomes.

    `hash` is the name of the hash of texts. A table whose batches do not fill the same columns has no sum.
    """

    hash: str
    tables: Mapping[str, tuple[tuple[str, ...], CellSum]]
    fates: CellSum

    @classmethod
    def of(
        cls, tables: Mapping[str, pl.DataFrame], fates: pl.DataFrame, live: Mapping[str, Table], hash_: str
    ) -> BatchSums:
        """Return the sums of the frames that a mapper gave."""
        summed = {}
        for name, frame in tables.items():
            columns = summed_columns(live[name], frame)
            summed[name] = (tuple(c.name for c in columns), sum_frame(frame, columns, hash_))
        return cls(hash_, summed, sum_frame(fates, FATE_COLUMNS, hash_))

    def to_json(self) -> str:
        """Return the sums as the ledger keeps them."""
        tables = {name: [list(columns), *_texts(found)] for name, (columns, found) in self.tables.items()}
        return json.dumps({"hash": self.hash, "tables": tables, "fates": _texts(self.fates)})


def _texts(found: CellSum) -> list[str]:
    return [str(found.rows), str(found.total)]


def summed_columns(table: Table, frame: pl.DataFrame) -> tuple[Column, ...]:
    """Return the columns of a mapper's frame that are summed; only a deep check compares the others."""
    return tuple(
        column
        for column in table.columns
        if column.name in frame.columns and summable(column, frame.schema[column.name])
    )


def kept_sums(context: CheckContext) -> BatchSums | None:
    """Return the sums of all batches of the run; None if one of them has none."""
    if not context.summed:
        return None
    return context.query_cache.once("sums of the batches", lambda: _read(context))


def _read(context: CheckContext) -> BatchSums | None:
    query = sql.SQL("SELECT sums FROM {} WHERE run_id = {}").format(
        sql.Identifier(context.ledger, "batch"), sql.Literal(context.run_id)
    )
    batches: list[Any] = [sums for (sums,) in ask(context, query)]
    hashes = {str(sums["hash"]) if sums else "" for sums in batches}
    if len(hashes) != 1 or "" in hashes:
        return None
    tables: dict[str, tuple[tuple[str, ...], CellSum]] = {}
    unlike: set[str] = set()
    fates = NOTHING
    for sums in batches:
        fates = fates.plus(_number(sums["fates"]))
        for name, (columns, *found) in sums["tables"].items():
            known, so_far = tables.get(name, (tuple(columns), NOTHING))
            if known != tuple(columns):
                unlike.add(name)
            tables[name] = (known, so_far.plus(_number(found)))
    same = {name: found for name, found in tables.items() if name not in unlike}
    return BatchSums(hashes.pop(), same, fates)


def _number(texts: list[str]) -> CellSum:
    return CellSum(int(texts[0]), int(texts[1]))


def fates_as_mapped(context: CheckContext) -> bool:
    """Return whether the ledger's outcomes are those that the mappers gave; false if that is unknown."""
    kept = kept_sums(context)
    run = sql.SQL("run_id = {}").format(sql.Literal(context.run_id))
    return kept is not None and kept.fates == _summed(
        context, sql.Identifier(context.ledger, "fate"), FATE_COLUMNS, kept.hash, run
    )


def rows_as_mapped(context: CheckContext, table: str) -> bool | None:
    """Return whether the staged rows of a table are those that the mappers gave; None if that is unknown."""
    kept = kept_sums(context)
    if kept is None or table not in kept.tables:
        return None
    columns, expected = kept.tables[table]
    shape = [column for column in context.tables[table].columns if column.name in columns]
    return expected == _summed(context, at(context, table), shape, kept.hash)


def _summed(
    context: CheckContext,
    table: sql.Composable,
    columns: Any,
    hash_: str,
    where: sql.Composable | None = None,
) -> CellSum:
    query = sum_query(table, columns, hash_, where)

    def find() -> CellSum:
        ((rows, total),) = ask(context, query)
        return CellSum(int(str(rows)), int(str(total)))

    return context.query_cache.once(query.as_string(context.target), find)
