"""Numbers for the columns that PostgreSQL would number itself and that no mapper fills.

A sequence would give other numbers after a retry or a second run. Here the rows of a table
get start, start + increment, … in the order in which the mappers give them, which is the order
of the source's keys: the same snapshot gives the same numbers, whatever the size of a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import polars as pl

from mappers.base import MappedBatch
from migrate.postgres.sequences import NumberedColumn


class Numbering:
    """Counts the rows of each staged table; `rows` says how many are staged already, by table."""

    def __init__(self, columns: Iterable[NumberedColumn], rows: Mapping[str, int]) -> None:
        self._columns: dict[str, list[NumberedColumn]] = {}
        for column in columns:
            self._columns.setdefault(column.table, []).append(column)
        self._rows = dict(rows)

    def add(self, batch: MappedBatch) -> MappedBatch:
        """Return the batch with the numbered columns; call it once for each batch, in order."""
        if not self._columns:
            return batch
        return replace(batch, tables={name: self._number(name, rows) for name, rows in batch.tables.items()})

    def _number(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        first = self._rows.get(table, 0)
        self._rows[table] = first + rows.height
        places = pl.int_range(first, first + rows.height, dtype=pl.Int64)
        return rows.with_columns(
            (column.start + column.increment * places).alias(column.column)
            for column in self._columns.get(table, ())
        )
