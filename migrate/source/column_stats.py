"""The first look at a table: taken, kept as JSON, compared with the copy."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import chain, islice
from typing import Literal

from migrate.source import sql
from migrate.source.model import Column, ColumnLook, ColumnStats, Table, Value
from migrate.source.transport import QueryResult

_COLUMNS_AT_ONCE = 150  # SQLite returns at most 2,000 columns

Run = Callable[[str], QueryResult]
_Class = Literal["integer", "text"]


def take_look(run: Run, table: Table) -> ColumnStats:
    """Scan a table through `run` and return the storage classes in use.

    Columns of integers and of text are asked whether they hold anything else; those that do are
    scanned once more.
    """
    rowid = _rowid_column(table)
    names = [column.name for column in table.stored if column.name != rowid]
    rows, found = 0, dict[str, ColumnLook]()
    for part in _parts(names) or [[]]:
        rows, columns = _scan(run, table, part)
        found.update(columns)
    for part in _parts([name for name in names if name not in found]):
        _, columns = _scan(run, table, part, brief=False)
        found.update(columns)
    if rowid is not None:
        found[rowid] = _only("integer", rows, 0)
    return ColumnStats(rows, {column.name: found[column.name] for column in table.stored})


def _rowid_column(table: Table) -> str | None:
    """Return the column that is the rowid: it holds integers, and nobody needs to ask."""
    if table.without_rowid or table.bare_rowid or not table.order:
        return None
    return table.key[0]


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + _COLUMNS_AT_ONCE] for start in range(0, len(names), _COLUMNS_AT_ONCE)]


def _scan(
    run: Run, table: Table, names: Sequence[str], *, brief: bool = True
) -> tuple[int, dict[str, ColumnLook]]:
    """Return the number of rows, and what was found of those columns of which enough was asked."""
    columns = {column.name: column for column in table.stored}
    asked = [(name, _expected(columns[name]) if brief else None) for name in names]
    terms = [
        sql.brief_look(name, kind, nullable=not columns[name].not_null) if kind else sql.full_look(name)
        for name, kind in asked
    ]
    rows, *numbers = map(as_number, run(sql.look(table, chain.from_iterable(terms))).rows[0])
    cells = iter(numbers)
    found = {}
    for (name, kind), wanted in zip(asked, terms, strict=True):
        look = _column_look(kind, rows, list(islice(cells, len(wanted))))
        if look is not None:
            found[name] = look
    return rows, found


def _expected(column: Column) -> _Class | None:
    """Return the storage class that a column's affinity leads to; None where that is not one alone."""
    declared = column.declared.upper()
    if "INT" in declared:
        return "integer"
    return "text" if any(word in declared for word in ("CHAR", "CLOB", "TEXT")) else None


def _column_look(kind: _Class | None, rows: int, numbers: Sequence[int]) -> ColumnLook | None:
    """Return what the numbers of a column say; None where it holds more than it was asked for."""
    if kind:
        others, filled, longest = numbers
        return _only(kind, filled, longest) if others == rows - filled else None
    reals, integers = divmod(numbers[0], sql.LOOK_PACK)
    blobs, texts = divmod(numbers[1], sql.LOOK_PACK)
    return ColumnLook(
        integers, reals, texts, blobs, infinite=reals > 0 and not numbers[2], longest=numbers[3]
    )


def _only(kind: _Class, cells: int, longest: int) -> ColumnLook:
    integers, texts = (cells, 0) if kind == "integer" else (0, cells)
    return ColumnLook(integers, 0, texts, 0, infinite=False, longest=longest)


def differing(one: ColumnStats, other: ColumnStats) -> list[str]:
    """Return the columns in which two looks found other classes, numbers of cells or lengths.

    Whether a sum is finite is left aside: it depends on the order of summing.
    """
    return [
        name
        for name, found in one.columns.items()
        if replace(found, infinite=False) != replace(other.columns[name], infinite=False)
    ]


def as_number(value: Value) -> int:
    """Return a count or sum as an integer, 0 for the sum of nothing."""
    return int(value) if isinstance(value, int | float) else 0


def look_to_json(look: ColumnStats | None) -> str | None:
    """Return a look as JSON text."""
    return None if look is None else json.dumps(asdict(look))


def look_from_json(text: str | None) -> ColumnStats | None:
    """Return the look that `look_to_json` wrote."""
    if text is None:
        return None
    body = json.loads(text)
    return ColumnStats(body["rows"], {name: ColumnLook(**found) for name, found in body["columns"].items()})
