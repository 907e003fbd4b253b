"""The first look at a table: taken, kept as JSON, compared with the copy."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from migrate.source import statements
from migrate.source.base import ColumnLook, Look, Table, Value
from migrate.source.channel import Answer

_COLUMNS_AT_ONCE = 150  # SQLite returns at most 2,000 columns


def take_look(run: Callable[[str], Answer], table: Table) -> Look:
    """Scan a table through `run` and return the storage classes in use."""
    names = [column.name for column in table.stored]
    rows, columns = 0, {}
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        part = names[start : start + _COLUMNS_AT_ONCE]
        found = run(statements.look(table, part)).rows[0]
        rows = as_number(found[0])
        for at, name in enumerate(part):
            first = 1 + at * statements.LOOK_TERMS
            numbers = found[first : first + statements.LOOK_TERMS]
            columns[name] = _column_look([as_number(value) for value in numbers])
    return Look(rows, columns)


def _column_look(numbers: Sequence[int]) -> ColumnLook:
    reals, integers = divmod(numbers[0], statements.LOOK_PACK)
    blobs, texts = divmod(numbers[1], statements.LOOK_PACK)
    return ColumnLook(
        integers, reals, texts, blobs, infinite=reals > 0 and not numbers[2], longest=numbers[3]
    )


def differing(one: Look, other: Look) -> list[str]:
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


def look_to_json(look: Look | None) -> str | None:
    """Return a look as JSON text."""
    return None if look is None else json.dumps(asdict(look))


def look_from_json(text: str | None) -> Look | None:
    """Return the look that `look_to_json` wrote."""
    if text is None:
        return None
    body = json.loads(text)
    return Look(body["rows"], {name: ColumnLook(**found) for name, found in body["columns"].items()})
