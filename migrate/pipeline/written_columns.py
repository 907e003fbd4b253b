"""The columns of the target that the mappers write."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mappers.base import BoundMapping, Mapper
from migrate.pipeline.ids import Ids


def columns_of(mapper: Mapper) -> Mapping[str, tuple[str, ...]]:
    """Return the columns that a mapper gives each table, found by mapping a batch without rows."""
    types = {"integer": pl.Int64, "text": pl.String, "real": pl.Float64}
    rows = pl.DataFrame(schema={name: types[cast] for name, cast in mapper.reads.columns.items()})
    tables = mapper.map(rows, Ids("no row, no id")).tables
    return {table: tuple(frame.columns) for table, frame in tables.items()}


def written_columns(mapping: BoundMapping) -> dict[str, list[str]]:
    """Return the columns that the mappers give each table."""
    written: dict[str, dict[str, None]] = {}
    for stage in mapping.stages:
        for mapper in stage.mappers:
            for table, columns in columns_of(mapper).items():
                written.setdefault(table, {}).update(dict.fromkeys(columns))
    return {table: list(columns) for table, columns in written.items()}
