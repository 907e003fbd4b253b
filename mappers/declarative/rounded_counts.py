"""Counts values that are changed but not reported one by one, because a whole column has their form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from mappers.base import Cast, Query, Workspace
from mappers.declarative.casts.cell import cell_columns, cell_of, storage_classes
from mappers.declarative.casts.column_expr import read_line
from mappers.declarative.casts.date_casts import is_finer
from mappers.declarative.source_table import MappedColumn, SourceTable
from mappers.declarative.table_mapper import ROW
from mappers.sqlite_sql import quoted

#: A timestamp with parts of a millisecond: Python's own form has microseconds.
_MOMENTS: Final = ("timestamp", "date")


def count_rounded(workspace: Workspace, table: SourceTable) -> Iterator[tuple[str, int]]:
    """Yield each column of timestamps with the number of its cells that are finer than milliseconds."""
    lines = [line for line in table.lines if line.mapping.kind in _MOMENTS]
    if not lines:
        return
    counts: Counter[str] = Counter()
    for rows in workspace.read(_cells(table, lines)):
        for line in lines:
            finer = rows.filter(is_finer(cell_of(line)).fill_null(False))
            if finer.height:
                read = read_line(line)
                assert read.cast is not None
                counts[line.column] += int(finer.select(read.cast).to_series().count())
    yield from sorted((column, cells) for column, cells in counts.items() if cells)


def count_masked(workspace: Workspace, table: SourceTable) -> Iterator[tuple[str, int]]:
    """Yield each masked column with the number of its cells that hold something."""
    for line in table.lines:
        if line.mapping.mask is not None:
            query = f"SELECT count({line.unmasked(ROW)}) FROM {table.rows(ROW)}"  # noqa: S608  quoted names
            if cells := workspace.scalar(query):
                yield line.column, int(str(cells))


def _cells(table: SourceTable, lines: list[MappedColumn]) -> Query:
    classes = storage_classes([line.cell(ROW) for line in table.lines])
    number = table.row_key(ROW)
    columns: list[tuple[str, str, Cast]] = [("number", number, "integer"), ("classes", classes, "text")]
    for line in lines:
        columns += cell_columns(line, ROW)
    selected = ", ".join(f"{sql} AS {quoted(name)}" for name, sql, _ in columns)
    return Query(
        sql=f"SELECT {selected} FROM {table.rows(ROW)} WHERE {number} > ?1 ORDER BY {number} LIMIT ?2",  # noqa: S608
        key="number",
        columns={name: reads for name, _, reads in columns},
        count=f"SELECT count(*) FROM {quoted(table.name)}",  # noqa: S608
    )
