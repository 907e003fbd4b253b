"""Which columns of the target the mappers write."""

from __future__ import annotations

import polars as pl

from mappers.base import MappingSpec
from migrate.pipeline.ids import Ids


def written_columns(spec: MappingSpec) -> dict[str, list[str]]:
    """Return the columns that the mappers give each table, found by mapping a batch without rows."""
    no_ids = Ids("no row, no id")
    written: dict[str, dict[str, None]] = {}
    for stage in spec.stages:
        for mapper in stage.mappers:
            types = {"integer": pl.Int64, "text": pl.String, "real": pl.Float64}
            rows = pl.DataFrame(schema={name: types[cast] for name, cast in mapper.reads.columns.items()})
            for table, frame in mapper.map(rows, no_ids).tables.items():
                written.setdefault(table, {}).update(dict.fromkeys(frame.columns))
    return {table: list(columns) for table, columns in written.items()}
