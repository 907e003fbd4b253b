"""Chooses between timestamps and days, and the unit of numbers that are instants."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from migrate.introspect.profile import declared_type
from migrate.introspect.profile.inspection import ColumnReport
from migrate.introspect.profile.value_patterns import COMPACT, COMPACT_DAY, NUMBER, UNIX
from migrate.introspect.scaffold.model import Type
from migrate.introspect.scaffold.types.shape_fit import (
    INSTANT,
    may_be_local,
    misfits,
    shapes,
    timestamp_misfits,
    unit_of,
)
from migrate.introspect.scaffold.types.type_choice import Choice, joined

#: Seconds since 1970 of so many digits are in 1973 at least, milliseconds in January 1970.
_SECONDS_DIGITS: Final = 9
_UNITS: Final = {"s": "seconds", "ms": "milliseconds"}
#: The remark on timestamps that may be local time.
_LOCAL: Final = 'text without a zone is read as UTC: zone = "Area/City" if it is the time there'


def timestamp_of(column: ColumnReport) -> Choice:
    """Return timestamps, or days if there are no others, for a column that holds mostly such."""
    found = shapes(column)
    family = declared_type.family(column.declared)
    forms = {count.name for count in column.timestamps}
    unset = found.get("now", 0)
    compact = bool(found.keys() & COMPACT) and family not in ("timestamp", "date")
    digits = "digits read as days, YYYYMMDD" if compact else ""
    if family != "timestamp" and found.keys() & (INSTANT | NUMBER) <= COMPACT_DAY | {"date"}:
        day = Type("DateTime", day=True)
        wrong = misfits(column, "date") - unset
        return Choice(day, "date", misfits=wrong, unset=unset, remark=digits, guess=compact)
    options: dict[str, object] = {}
    if found.keys() & (NUMBER - COMPACT) and not {"unix_s", "unix_ms"} <= forms:
        options["unit"] = unit_of(column)
    written = sorted(forms - {"now"})
    apart = {"unix_s", "unix_ms"} <= forms
    wrong = timestamp_misfits(column)
    remarks = f"written as {', '.join(written)}" if len(written) > 1 else ""
    guessed = "" if column.certain or column.reading == "mixed" else "read as milliseconds since 1970"
    local = _LOCAL if may_be_local(column, forms) else ""
    return Choice(
        Type("DateTime"), "timestamp", options, misfits=wrong, unset=unset,
        remark=joined(remarks, digits, guessed, local), guess=apart or bool(digits or guessed or local),
    )  # fmt: skip


def with_unit(found: Choice, column: ColumnReport, around: str | None) -> Choice:
    """Return a choice with the unit of the columns around, if no number of its own has a clear one."""
    if found.options.get("unit") == "s" and not _has_clear_unit(column):
        options = {**found.options, "unit": around or "s"}
        remark = f"small numbers, read as {_UNITS[around or 's']} since 1970"
        found = replace(found, options=options, remark=joined(found.remark, remark), guess=True)
    return found


def _has_clear_unit(column: ColumnReport) -> bool:
    """Return whether a number in a column is an instant of our time in one unit alone."""
    return bool(shapes(column).keys() & (UNIX - COMPACT)) or column.digits >= _SECONDS_DIGITS
