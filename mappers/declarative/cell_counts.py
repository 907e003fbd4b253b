"""Counts the cells of a table: filled or not, row by row."""

from __future__ import annotations

from mappers.base import Cells
from mappers.declarative.source_table import SourceTable
from mappers.declarative.table_mapper import ROW


def cells_of(table: SourceTable) -> Cells:
    """Return the query that says which cells of the table hold something.

    A list of keys is not included: its parts may all be removed and the list is still there.
    """
    lines = [line for line in table.lines if line.mapping.kind != "references"]
    found_text = [
        f"CASE WHEN {line.cell(ROW)} IS NOT NULL OR {line.fails(ROW)} THEN 1 END AS c{number}"
        for number, line in enumerate(lines)
    ]
    selected = ", ".join([f"{table.name_of_row(ROW)} AS source_id", *found_text])
    return Cells(
        table.name,
        f"SELECT {selected} FROM {table.rows(ROW)}",  # noqa: S608  quoted names
        table.target,
        tuple((line.column, line.to.name) for line in lines),
    )
