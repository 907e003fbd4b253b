"""One column of the mapping file as expressions: the value, why its row is rejected, and the warnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from mappers.declarative.casts import number_casts, text_casts
from mappers.declarative.casts.cell import NULL, Cast, Cell, cell_of, constant_cell, failed
from mappers.declarative.casts.date_casts import day, timestamp
from mappers.declarative.casts.json_cast import document
from mappers.declarative.casts.list_cast import scalars
from mappers.declarative.casts.vector_cast import vector
from mappers.declarative.mapping_columns import ColumnMapping, Scalar
from mappers.declarative.source_table import MappedColumn
from mappers.declarative.target_columns import TargetColumn, dimensions, family, integer_range
from mappers.reasons import Code, Reason, left_out, replaced

#: Kinds whose cells refer to rows of other tables; they are not casts of the cell alone.
REFERENCES: Final = ("reference", "references")


@dataclass(frozen=True)
class ColumnExpr:
    """A mapped column's cells in a batch, after its cast and its policies.

    `cast` must be added to the batch first, with the name by which the others refer to it; `rejects` and
    `warnings` are (condition, reason or rule), and the first rejection counts.
    """

    value: pl.Expr
    rejects: tuple[tuple[pl.Expr, Reason], ...]
    warnings: tuple[tuple[pl.Expr, Code], ...]
    cast: pl.Expr | None = None


def read_line(line: MappedColumn) -> ColumnExpr:
    """Return what a mapped column's cells become; `reference_exprs` reads those of references."""
    mapping = line.mapping
    cell = cell_of(line)
    emptied = (cell.text == "") & (cell.storage == "t") if mapping.empty == "null" else pl.lit(False)
    present = (cell.storage != NULL) & ~emptied
    cast = cast_to(mapping, line.to, cell)
    value = cell.made
    misfit = present & cell.made.is_null()
    policy = _policy(mapping)
    fallback = pl.lit(constant_value(mapping, line.to))
    rejects: list[tuple[pl.Expr, Reason]] = []
    warnings = [(cell.made.is_not_null() & condition, rule) for condition, rule in cast.rules]
    warnings.append((emptied, Reason.EMPTY_AS_NULL))
    for condition, choice, reason in _choices(mapping, cast, misfit, policy):
        if choice == "reject":
            rejects.append((condition, reason))
        elif choice == "null":
            warnings.append((condition, left_out(reason)))
        else:
            value = pl.when(condition).then(fallback).otherwise(value)
            warnings.append((condition, replaced(reason)))
    if mapping.default is not None:
        absent = ~present & ~failed(line) if mapping.otherwise != "default" else ~present
        value = pl.when(absent).then(fallback).otherwise(value)
        warnings.append((~present & ~failed(line), Reason.NULL_REPLACED))
    made = pl.when(present).then(cast.value).alias(cell.made.meta.output_name())
    return ColumnExpr(value, tuple(rejects), tuple(warnings), made)


def _policy(mapping: ColumnMapping) -> str:
    if mapping.kind == "json" and mapping.invalid != "wrap":
        return mapping.invalid
    return mapping.otherwise


def _choices(
    mapping: ColumnMapping, cast: Cast, misfit: pl.Expr, policy: str
) -> Iterator[tuple[pl.Expr, str, Reason]]:
    """Yield (condition, policy, reason) of the cells that do not fit."""
    if cast.now is None:
        yield misfit, policy, cast.reason
        return
    yield misfit & cast.now, mapping.now, Reason.CURRENT_TIMESTAMP_TEXT
    yield misfit & ~cast.now, policy, cast.reason


def cast_to(mapping: ColumnMapping, to: TargetColumn, cell: Cell) -> Cast:
    """Return the cast of a cell to the kind of a mapped column and the type of its target column."""
    match mapping.kind:
        case "integer":
            return number_casts.integer(cell, integer_range(to))
        case "boolean":
            return number_casts.boolean(cell, mapping.truths)
        case "real":
            return number_casts.real(cell)
        case "decimal":
            scale = mapping.scale if to.scale is None else min(to.scale, mapping.scale or to.scale)
            return number_casts.decimal(cell, scale, to.precision, rounded=mapping.round)
        case "timestamp":
            return timestamp(cell, mapping.unit, mapping.zone, mapping.format)
        case "date":
            return day(cell, mapping.unit, mapping.format)
        case "json":
            return document(cell, wrap=mapping.invalid == "wrap")
        case "bytes":
            return text_casts.raw(cell)
        case "list":
            return scalars(cell, to)
        case "vector":
            return vector(cell, dimensions(to))
        case "enum":
            return text_casts.label(cell, mapping.labels, to.enum)
        case _:
            return _plain(cell, to)


def _plain(cell: Cell, to: TargetColumn) -> Cast:
    """Return the cast of text, and of a key that stays unchanged."""
    if family(to) == "integer":
        return number_casts.integer(cell, integer_range(to))
    if family(to) == "uuid":
        return text_casts.uuid(cell)
    if to.enum is not None:
        return text_casts.label(cell, {}, to.enum)
    return text_casts.text(cell, to.max_length)


def constant_value(mapping: ColumnMapping, to: TargetColumn) -> Any:
    """Return the column's default as the target holds it; None if there is none or it does not fit."""
    return None if mapping.default is None else cast_constant(mapping.default, mapping, to)


def cast_constant(value: Scalar, mapping: ColumnMapping, to: TargetColumn) -> Any:
    """Return a value of the mapping file as a column holds it, None if it does not fit."""
    if mapping.kind == "enum":
        return str(value) if to.enum is None or str(value) in to.enum else None
    cell = Cell(*(pl.col(name) for name in ("v0", "classes", "n0", "f0", "g0", "w0", "l0")))
    return constant_cell(value, mapping.kind).select(cast_to(mapping, to, cell).value.alias("v")).item()
