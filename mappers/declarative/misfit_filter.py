"""Finds the rows that may hold a cell that does not fit, by SQLite alone.

A test here may find a cell that fits after all, but never misses one that does not. So most tables are
scanned once, in C, and only the rows found are checked exactly before they are migrated.
"""

from __future__ import annotations

from typing import Final

from mappers.declarative.mapping_columns import ColumnMapping
from mappers.declarative.source_table import MappedColumn, SourceTable, constant
from mappers.declarative.target_columns import family, integer_range

_EVERY: Final = "1"
_NONE: Final = "0"
#: A valid day, then nothing or a time as SQLite reads it, without blanks that we do not accept.
_MOMENT: Final = (
    "NOT (typeof({c}) = 'text' AND length({c}) BETWEEN 10 AND 30"
    " AND {c} >= '0001-01-02' AND {c} < '9999-12-31'"
    " AND date(substr({c}, 1, 10)) IS substr({c}, 1, 10) AND substr({c}, 11, 1) IN ('', ' ', 'T')"
    " AND (length({c}) = 10 OR substr({c}, 12, 2) BETWEEN '00' AND '23') AND instr({c}, '  ') = 0"
    " AND julianday({c}) IS NOT NULL)"
)


def may_not_fit(table: SourceTable, alias: str) -> str:
    """Return SQL that is true for every row with a cell of its own that does not fit."""
    tests = [_test(line, line.cell(alias)) for line in table.lines]
    tests += [line.fails(alias) for line in table.lines if line.mapping.otherwise == "reject"]
    found = [test for test in tests if test != _NONE]
    return " OR ".join(f"({test})" for test in found) or _NONE


def _test(line: MappedColumn, cell: str) -> str:
    mapping = line.mapping
    misfit = _misfit(line, cell) if _rejects(mapping) or line.to.not_null else _NONE
    if mapping.empty == "null" and line.to.not_null:
        misfit = f"{cell} = '' OR {misfit}"
    if line.to.not_null and mapping.default is None:
        return f"{cell} IS NULL OR {misfit}"
    return _NONE if misfit == _NONE else f"{cell} IS NOT NULL AND ({misfit})"


def _rejects(mapping: ColumnMapping) -> bool:
    """Return whether a cell that does not fit rejects its row."""
    if mapping.kind == "json" and mapping.invalid != "wrap":
        return mapping.invalid == "reject"
    return mapping.otherwise == "reject" or (
        mapping.kind in ("timestamp", "date") and mapping.now == "reject"
    )


def _misfit(line: MappedColumn, c: str) -> str:
    mapping = line.mapping
    match mapping.kind:
        case "integer":
            return _integer(line, c)
        case "boolean" if mapping.values:
            return _EVERY
        case "boolean":
            return f"typeof({c}) <> 'integer' OR {c} NOT IN (0, 1)"
        case "real":
            return f"typeof({c}) <> 'real' OR {c} NOT BETWEEN -1e300 AND 1e300"
        case "decimal":
            return _decimal(line, c)
        case "timestamp" if mapping.zone is not None or mapping.format is not None:
            return _EVERY
        case "timestamp":
            return _MOMENT.format(c=c)
        case "json":
            return _NONE if mapping.invalid == "wrap" else _EVERY
        case "enum" if mapping.values:
            return f"{c} NOT IN ({', '.join(constant(value) for value in mapping.values)})"
        case "date" | "bytes" | "enum" | "vector" | "list":
            return _EVERY
        case "reference" | "references":
            return _NONE
        case _:
            return _plain(line, c)


def _integer(line: MappedColumn, c: str) -> str:
    low, high = integer_range(line.to)
    # The smallest integer of 64 bits has no literal.
    return f"typeof({c}) <> 'integer' OR {c} > {high} OR {c} < {low + 1}"


def _decimal(line: MappedColumn, c: str) -> str:
    scale = line.mapping.scale if line.to.scale is None else line.to.scale
    if scale is None or scale > 6:
        return _EVERY
    room = 9 if line.to.precision is None else min(9, line.to.precision - scale - 1)
    # Not abs: it fails for the smallest integer.
    size = f"{c} >= 1e{max(room, 0)} OR {c} <= -1e{max(room, 0)}"
    return f"typeof({c}) NOT IN ('integer', 'real') OR {size} OR round({c}, {scale}) <> {c}"


def _plain(line: MappedColumn, c: str) -> str:
    if line.mapping.kind == "id" and family(line.to) == "text":
        return _NONE
    if family(line.to) == "integer":
        return _integer(line, c)
    if family(line.to) == "uuid" or line.to.enum is not None:
        return _EVERY
    return _NONE if line.to.max_length is None else f"length(CAST({c} AS BLOB)) > {line.to.max_length}"
