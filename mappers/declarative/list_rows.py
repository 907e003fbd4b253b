"""Lists of keys as rows of a table between two others: one for each part that names a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from mappers.base import Ids, MappedBatch, Query
from mappers.declarative.mapping_file import MappingFile
from mappers.declarative.references import References
from mappers.declarative.source_table import MappedColumn, SourceTable
from mappers.declarative.target_columns import TargetColumn, usual
from mappers.reasons import Reason, left_out
from mappers.row_outcomes import warn
from mappers.sqlite_sql import quoted

_ROW: Final = "c"


def list_targets(file: MappingFile, name: str) -> list[str]:
    """Return the target tables that the lists of a source table fill, in the order of the file."""
    table = file.tables[name]
    return [line.to_table for line in table.columns.values() if line.to_table and table.target]


class ListRows:
    """Implements `mappers.base.Mapper` for one list: a pair that occurs twice in a list is one row."""

    def __init__(
        self,
        table: SourceTable,
        line: MappedColumn,
        references: References,
        target: Mapping[str, Sequence[TargetColumn]],
    ) -> None:
        to_table, row = str(line.mapping.to_table), str(line.mapping.row)
        self.name = f"{table.name}.{line.column}"
        self.writes: tuple[str, ...] = (to_table,)
        self._table, self._line, self._references = table, line, references
        columns = {column.name: column for column in target.get(to_table, ())}
        self._row = columns.get(row) or usual(row, "reference")
        number = table.row_key(_ROW)
        self.reads = Query(
            sql=f"SELECT {number} AS number, {table.name_of_row(_ROW)} AS source_id,"  # noqa: S608  quoted names
            f" {references.own_key(table, _ROW)} AS own, {references.parts_of_list(line, _ROW)} AS parts,"
            f" {references.found_in_list(line, _ROW)} AS keys FROM {table.rows(_ROW)}"
            f" WHERE {number} > ?1 AND {references.is_migrated(table, _ROW)} ORDER BY {number} LIMIT ?2",
            key="number",
            columns={
                "number": "integer",
                "source_id": "text",
                "own": "text",
                "parts": "text",
                "keys": "text",
            },
            count=f"SELECT count(*) FROM {quoted(table.name)}",  # noqa: S608  quoted names
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return a row for each part that names one, and the lists in which another part does not."""
        texts = pl.List(pl.String)
        parts = rows.with_columns(
            pl.col("parts").str.json_decode(texts).alias("part"),
            pl.col("keys").str.json_decode(texts).alias("key"),
        ).explode("part", "key")
        missing = pl.col("key").is_null() & (pl.col("part") != "")
        own = self._references.own_new_key(self._table, self._row, ids, pl.col("own"))
        new = self._references.new_key(self._line, ids, pl.col("key"), None)
        made = (
            parts.filter(pl.col("key").is_not_null())
            .select(own.alias(self._row.name), new.alias(self._line.to.name))
            .unique(maintain_order=True)
        )
        lost = parts.group_by("number", "source_id", maintain_order=True).agg(missing.any().alias("missing"))
        source = (pl.lit(self._table.name), pl.col("source_id"))
        noted = [(pl.col("missing").fill_null(False), self._line.column, left_out(Reason.DANGLING))]
        return MappedBatch({self.writes[0]: made}, warnings=warn(lost, *source, *noted))
