"""Cells that refer to rows: a key that gets a new id, a reference, a list of references."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from mappers.base import Cast as Reads
from mappers.base import Ids
from mappers.declarative.casts.cell import NULL, Cell, cell_of
from mappers.declarative.casts.column_expr import ColumnExpr
from mappers.declarative.embedded_ids import places
from mappers.declarative.list_references import LIST, new_lists
from mappers.declarative.references import References, kept_key
from mappers.declarative.source_table import MappedColumn, SourceTable
from mappers.declarative.target_columns import TargetColumn, family
from mappers.reasons import Code, Reason, left_out
from mappers.sqlite_sql import quoted


class ReferenceExprs:
    """Reads the columns of one table that refer to rows."""

    def __init__(self, table: SourceTable, references: References) -> None:
        self._table, self._references = table, references

    def links(self, line: MappedColumn) -> bool:
        """Return whether the column is one of those read here."""
        return line.mapping.kind in ("reference", "references") or self._is_new_key(line)

    def _is_new_key(self, line: MappedColumn) -> bool:
        return line.mapping.kind == "id" and self._table.mapping.ids == "cuid"

    def columns(self, line: MappedColumn, alias: str) -> Iterator[tuple[str, str, Reads]]:
        """Yield the columns (name, SQL, how it is read) that a batch needs in addition to the cell itself."""
        at, mapping = line.at, line.mapping
        if self._is_new_key(line):
            yield f"r{at}", self._table.identity(alias), "text"
        elif mapping.kind == "reference":
            yield f"r{at}", self._references.found(line, alias), "text"
            if mapping.by is not None:
                yield f"b{at}", f"{alias}.{quoted(mapping.by)}", "text"
            if made := self._references.made(line, alias):
                yield f"m{at}", made, "integer"
        elif mapping.kind == "references":
            yield f"r{at}", self._references.found_in_list(line, alias), "text"
            yield f"l{at}", self._references.parts_of_list(line, alias), "text"
        for place in places(line, self._references):
            hidden, parent = place.hidden, place.parent
            found = (
                self._references.found_in_text(line, hidden.pattern, parent, alias)
                if hidden.pattern
                else self._references.found_in_document(line, hidden.path, parent, alias)
            )
            yield place.found, found, "text"

    def read(self, line: MappedColumn, ids: Ids) -> ColumnExpr:
        """Return what the column's cells become."""
        if self._is_new_key(line):
            present = cell_of(line).storage != NULL
            new = ids.expr(self._table.target, pl.col(f"r{line.at}"))
            return ColumnExpr(pl.when(present).then(new), (), ())
        return self._list(line, ids) if line.mapping.kind == "references" else self._reference(line, ids)

    def _reference(self, line: MappedColumn, ids: Ids) -> ColumnExpr:
        mapping, cell, found = line.mapping, cell_of(line), pl.col(f"r{line.at}")
        emptied = (cell.text == "") & (cell.storage == "t") if mapping.empty == "null" else pl.lit(False)
        present = (cell.storage != NULL) & ~emptied
        by = None if mapping.by is None else pl.col(f"b{line.at}")
        value: pl.Expr = pl.when(present).then(self._references.new_key(line, ids, found, by))
        missing = present & found.is_null()
        warnings: list[tuple[pl.Expr, Code]] = [(emptied, Reason.EMPTY_AS_NULL)]
        rejects: list[tuple[pl.Expr, Reason]] = []
        if mapping.dangling == "keep":
            value = pl.when(missing).then(_unchanged(cell, line.to)).otherwise(value)
            warnings.append((missing, Reason.DANGLING_KEPT))
        elif mapping.dangling == "null":
            warnings.append((missing, left_out(Reason.DANGLING)))
        else:
            rejects.append((missing, Reason.DANGLING))
        if self._references.makes_up(line):
            warnings.append((pl.col(f"m{line.at}") == 1, Reason.PLACEHOLDER))
        return ColumnExpr(value, tuple(rejects), tuple(warnings))

    def _list(self, line: MappedColumn, ids: Ids) -> ColumnExpr:
        """Return a list of keys; a part that refers to no row is left out, stays, or rejects its row."""
        at, mapping, cell = line.at, line.mapping, cell_of(line)
        emptied = (cell.text == "") & (cell.storage == "t") if mapping.empty == "null" else pl.lit(False)
        read = {"text": f"v{at}", "parts": f"l{at}", "keys": f"r{at}"}
        found = pl.struct(pl.col(column).alias(name) for name, column in read.items()).map_batches(
            lambda cells: new_lists(cells, line, self._references, ids), return_dtype=LIST
        )
        value = pl.when((cell.storage != NULL) & ~emptied).then(found.struct.field("value"))
        missing = (cell.storage != NULL) & found.struct.field("missing")
        warnings: list[tuple[pl.Expr, Code]] = [(emptied, Reason.EMPTY_AS_NULL)]
        if mapping.dangling == "reject":
            return ColumnExpr(value, ((missing, Reason.DANGLING),), tuple(warnings))
        rule = Reason.DANGLING_KEPT if mapping.dangling == "keep" else left_out(Reason.DANGLING)
        return ColumnExpr(value, (), (*warnings, (missing, rule)))


def _unchanged(cell: Cell, to: TargetColumn) -> pl.Expr:
    """Return a reference as its cell holds it."""
    return cell.text.str.decode("hex") if family(to) == "bytes" else kept_key(cell.text, to)
