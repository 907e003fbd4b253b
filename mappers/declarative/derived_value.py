"""A column whose values are made of others (`sql`, `from`, `divide`), as one SQLite expression."""

from __future__ import annotations

from typing import Final

from mappers.declarative.mapping_columns import ColumnMapping, Scalar
from mappers.sqlite_sql import literal, quoted

#: A whole number divided by a power of ten, as text: exact, whatever its size.
_SHIFTED: Final = (
    "CASE WHEN {i} IS NULL THEN {v} || ' / {by}' ELSE printf('%s%d.%0{places}d',"
    " CASE WHEN {i} < 0 AND {i} > -{by} THEN '-' ELSE '' END, {i} / {by}, max({i} % {by}, -({i} % {by}))) END"
)
#: The whole number that a value is, also as text or as a float; NULL for any other.
_WHOLE: Final = (
    "(CASE typeof({v}) WHEN 'integer' THEN {v}"
    " WHEN 'real' THEN CASE WHEN {v} = CAST({v} AS INTEGER) THEN CAST({v} AS INTEGER) END"
    " WHEN 'text' THEN CASE WHEN CAST(CAST({v} AS INTEGER) AS TEXT) = trim({v})"
    " THEN CAST({v} AS INTEGER) END END)"
)


def is_derived(line: ColumnMapping) -> bool:
    """Return whether an entry's values are not simply those of the column that it is named after."""
    made = (line.sql, line.first_of or None, line.constant, line.divide)
    return any(one is not None for one in made)


def expression_of(column: str, line: ColumnMapping) -> str | None:
    """Return the expression that makes the values of the entry `column`; None if its column holds them.

    What cannot be divided becomes a text that is no number, so that it does not fit and is named.
    """
    if not is_derived(line):
        return None
    if line.constant is not None:
        return _constant(line.constant)
    made = line.sql or _first_of(line.first_of or (column,))
    return made if line.divide is None else _divided(made, line.divide)


def place_of(line: ColumnMapping) -> str:
    """Return the key of an entry that its expression comes from."""
    if line.sql is not None:
        return "sql"
    if line.constant is not None:
        return "constant"
    return "from" if line.first_of else "divide"


def _constant(value: Scalar) -> str:
    """Return a value of the file in SQL; SQLite has no booleans but 0 and 1."""
    return (
        literal(value) if isinstance(value, str) else repr(int(value) if isinstance(value, bool) else value)
    )


def _first_of(columns: tuple[str, ...]) -> str:
    """Return the first of some columns that holds something: neither NULL nor ''."""
    *others, last = map(quoted, columns)
    filled = [f"nullif({one}, '')" for one in others]
    return f"coalesce({', '.join([*filled, last])})" if others else last


def _divided(value: str, by: int) -> str:
    value = f"({value})"
    places = len(str(by)) - 1
    if by != 10**places:
        number = f"typeof({value}) IN ('integer', 'real')"
        return f"CASE WHEN {number} THEN {value} / {by}.0 ELSE {value} || ' / {by}' END"
    whole = _WHOLE.format(v=value)
    exact = _SHIFTED.format(i=whole, v=value, by=by, places=places)
    return (
        f"CASE WHEN typeof({value}) = 'real' AND {value} <> CAST({value} AS INTEGER)"
        f" THEN {value} / {by}.0 ELSE {exact} END"
    )
