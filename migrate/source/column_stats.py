"""The statistics of a table's columns: computed by a first scan, kept as JSON, compared with the copy."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import chain, islice
from typing import Literal

from migrate.source import answers, sql
from migrate.source.model import Column, ColumnStats, Table, TableStats, Value
from migrate.source.transport import QueryResult

_COLUMNS_AT_ONCE = 150  # SQLite returns at most 2,000 columns

Run = Callable[[str], QueryResult]
_Class = Literal["integer", "text"]


def scan_columns(run: Run, table: Table) -> TableStats:
    """Scan a table through `run` and return the storage classes in use.

    Columns of integers and of text are checked for values of other classes; if there are some, the column is
    scanned once more. Raises WrongAnswer if the answer is not numbers.
    """
    rowid = _rowid_column(table)
    names = [column.name for column in table.stored if column.name != rowid]
    rows, found = 0, dict[str, ColumnStats]()
    for part in _parts(names) or [[]]:
        rows, columns = _scan(run, table, part)
        found.update(columns)
    for part in _parts([name for name in names if name not in found]):
        _, columns = _scan(run, table, part, brief=False)
        found.update(columns)
    if rowid is not None:
        found[rowid] = _only("integer", rows, 0)
    return TableStats(rows, {column.name: found[column.name] for column in table.stored})


def _rowid_column(table: Table) -> str | None:
    """Return the column that is the rowid: it holds integers and needs no check."""
    if table.without_rowid or table.bare_rowid or not table.order:
        return None
    return table.key[0]


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + _COLUMNS_AT_ONCE] for start in range(0, len(names), _COLUMNS_AT_ONCE)]


def _scan(
    run: Run, table: Table, names: Sequence[str], *, brief: bool = True
) -> tuple[int, dict[str, ColumnStats]]:
    """Return the number of rows, and the statistics of those columns that the scan has covered completely."""
    columns = {column.name: column for column in table.stored}
    asked = [(name, _expected(columns[name]) if brief else None) for name in names]
    terms = [
        sql.brief_stats(name, kind, nullable=not columns[name].not_null) if kind else sql.full_stats(name)
        for name, kind in asked
    ]
    width = 1 + sum(map(len, terms))
    answer = run(sql.stats(table, chain.from_iterable(terms)))
    rows, *numbers = map(as_number, answers.single(answer.rows, [answers.TOTAL] * width))
    cells = iter(numbers)
    found = {}
    for (name, kind), wanted in zip(asked, terms, strict=True):
        stats = _column_stats(kind, rows, list(islice(cells, len(wanted))))
        if stats is not None:
            found[name] = stats
    return rows, found


def _expected(column: Column) -> _Class | None:
    """Return the storage class that a column's affinity leads to; None if there is more than one."""
    declared = column.declared.upper()
    if "INT" in declared:
        return "integer"
    return "text" if any(word in declared for word in ("CHAR", "CLOB", "TEXT")) else None


def _column_stats(kind: _Class | None, rows: int, numbers: Sequence[int]) -> ColumnStats | None:
    """Return the statistics in the numbers of a column; None if it holds classes that were not counted."""
    if kind:
        others, filled, longest = numbers
        return _only(kind, filled, longest) if others == rows - filled else None
    reals, integers = divmod(numbers[0], sql.COUNT_PACK)
    blobs, texts = divmod(numbers[1], sql.COUNT_PACK)
    return ColumnStats(
        integers, reals, texts, blobs, infinite=reals > 0 and not numbers[2], longest=numbers[3]
    )


def _only(kind: _Class, cells: int, longest: int) -> ColumnStats:
    integers, texts = (cells, 0) if kind == "integer" else (0, cells)
    return ColumnStats(integers, 0, texts, 0, infinite=False, longest=longest)


def differing(one: TableStats, other: TableStats) -> list[str]:
    """Return the columns in which two statistics have other classes, counts of cells or lengths.

    Whether a sum is finite is not compared: it depends on the order of summing.
    """
    return [
        name
        for name, found in one.columns.items()
        if replace(found, infinite=False) != replace(other.columns[name], infinite=False)
    ]


def as_number(value: Value) -> int:
    """Return a count or sum as an integer, 0 for the sum of nothing."""
    return int(value) if isinstance(value, int | float) else 0


def stats_to_json(stats: TableStats | None) -> str | None:
    """Return statistics as JSON text."""
    return None if stats is None else json.dumps(asdict(stats))


def stats_from_json(text: str | None) -> TableStats | None:
    """Return the statistics that `stats_to_json` wrote."""
    if text is None:
        return None
    body = json.loads(text)
    return TableStats(body["rows"], {name: ColumnStats(**found) for name, found in body["columns"].items()})
