"""Which kinds the shapes of a column's values fit, and how many of the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mappers.declarative.mapping_columns import Kind
from migrate.introspect.profile.clock import is_local
from migrate.introspect.profile.inspection import ColumnReport
from migrate.introspect.profile.names import words
from migrate.introspect.profile.value_patterns import COMPACT_DAY, NUMBER, UNIX, WHOLE, WHOLE_TEXT

#: Seconds of so many digits are in the year 5138.
_MS_DIGITS: Final = 12
_WHOLE: Final = WHOLE | WHOLE_TEXT | {"real_whole"}
CALENDAR: Final = frozenset({"iso", "iso_z", "iso_offset", "sql", "sql_zone", "minutes", "date", "other"})
INSTANT: Final = CALENDAR | UNIX
_FITTING: Final[Mapping[Kind, frozenset[str]]] = {
    "integer": _WHOLE,
    "decimal": NUMBER,
    "real": NUMBER,
    "boolean": frozenset({"bool", "digits_bool", "bool_word", "bool_letter"}),
    "timestamp": INSTANT,
    "date": COMPACT_DAY | {"date"},
    "json": frozenset({"json_object", "json_array", "json_broken", "blob_json"}),
    "vector": frozenset({"blob"}),
}
_NO_BYTES: Final = NUMBER - {"decimal"} - {shape for shape in NUMBER if shape.startswith("digits")} | {
    "infinite"
}
#: Cells without a value, or with words in place of one.
NOTHING: Final = frozenset({"null", "empty", "now"})


def shapes(column: ColumnReport) -> dict[str, int]:
    """Return how many cells of a column have each shape."""
    return {count.name: count.rows for count in column.shapes}


def fitting(column: ColumnReport, kind: Kind) -> int:
    """Return how many values of a column fit a kind."""
    return sum(rows for shape, rows in shapes(column).items() if shape in _FITTING[kind])


def misfits(column: ColumnReport, kind: Kind) -> int:
    """Return how many values of a column do not fit a kind; every value has a form as text."""
    if kind in ("text", "id", "reference", "references", "enum"):
        return 0
    if kind == "list":
        return sum(rows for shape, rows in shapes(column).items() if shape in ("json_object", "json_broken"))
    if kind == "bytes":
        return sum(rows for shape, rows in shapes(column).items() if shape in _NO_BYTES)
    return column.filled - fitting(column, kind)


def share(column: ColumnReport, kind: Kind, also: str = "") -> float:
    """Return the part of the values that fits a kind, or is of the shape `also`."""
    more = shapes(column).get(also, 0)
    return (fitting(column, kind) + more) / column.filled if column.filled else 0.0


def timestamp_misfits(column: ColumnReport) -> int:
    """Return how many values are no instants: of seconds among milliseconds, small numbers are none."""
    found = shapes(column)
    apart = {"unix_s", "unix_ms"} <= {one.name for one in column.timestamps}
    taken = INSTANT | NOTHING | (frozenset() if apart else NUMBER)
    return sum(rows for shape, rows in found.items() if shape not in taken)


def may_be_local(column: ColumnReport, forms: set[str]) -> bool:
    """Return whether text without a zone may be local time.

    By its default, since others have a zone, by its name, or since it is written as a client writes the time
    that it shows (`2024-07-01T10:00`). SQLite's own clock and most frameworks write UTC with a blank.
    """
    naive, zoned = forms & {"iso", "sql", "minutes"}, forms & {"iso_z", "iso_offset", "sql_zone"}
    if not naive or is_local(column.default):
        return bool(naive)
    shown = forms & {"iso", "minutes"} or "local" in words(column.name)
    return bool(zoned or shown) and not (column.clock or column.touched)


def unit_of(column: ColumnReport) -> str:
    """Return the unit of numbers that are instants: milliseconds if one has twelve digits or more."""
    return "ms" if column.digits >= _MS_DIGITS else "s"
