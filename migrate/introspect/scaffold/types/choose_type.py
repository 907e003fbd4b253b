"""From what a column holds to the type it gets, proven over all of its cells.

The declared type decides where nine of ten values fit it, else the values do: where nine of ten
fit a type, the column gets it. What does not fit is left out and named; digits are never lost so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from mappers.declarative.mapping_columns import Kind
from migrate.introspect.profile import declared_type
from migrate.introspect.profile.columns import WIDER
from migrate.introspect.profile.inspection import ColumnReport
from migrate.introspect.profile.names import (
    is_id,
    is_private,
    says_code,
    suggests_count,
    suggests_flag,
    suggests_money,
    words,
)
from migrate.introspect.scaffold.model import ScalarType, Type
from migrate.introspect.scaffold.types.shape_fit import (
    CALENDAR,
    fitting,
    misfits,
    shapes,
    share,
    timestamp_misfits,
)
from migrate.introspect.scaffold.types.timestamp_type import timestamp_of, with_unit
from migrate.introspect.scaffold.types.type_choice import Choice, joined

#: The share of the values that must fit a type that the others do not fit.
ENOUGH: Final = 0.9
#: The share of JSON documents from which a column is one of JSON; the rest become JSON strings.
MOSTLY_JSON: Final = 0.5
#: Digits before the point that a sum of money may still gain, and the fewest that a decimal gets in all.
HEADROOM: Final = 4
LEAST_DIGITS: Final = 12
#: A decimal of more digits than this is a float that was written as text.
MOST_DIGITS: Final = 60
#: Whole numbers of no more digits than this are the same as floats.
SAFE_DIGITS: Final = 15

#: Words of names of instants, for columns that hold nothing to tell by.
_TIME: Final = frozenset({
    "at", "date", "time", "timestamp", "datetime", "deadline", "until", "expires", "expiry",
})  # fmt: skip
#: How values are read that are what their declared type is meant for.
_MEANT: Final[Mapping[declared_type.Family, frozenset[Kind]]] = {
    "boolean": frozenset({"boolean"}),
    "timestamp": frozenset({"timestamp", "date"}),
    "date": frozenset({"timestamp", "date"}),
    "json": frozenset({"json"}),
    "decimal": frozenset({"decimal", "real"}),
    "real": frozenset({"decimal", "real", "timestamp"}),
    "integer": frozenset({"integer", "boolean", "timestamp", "date", "decimal"}),
}
#: Microseconds since 1970 have so many digits since 2001.
_FINE_DIGITS: Final = 16
#: The remarks on guesses of a type, of no account if the target has one.
_GUESSED: Final = "no value to decide by"
_FLAG: Final = "all are 0 or 1: as boolean, if they mean no and yes"
_SECONDS: Final = 'all may be seconds since 1970: as = "timestamp", unit = "s", if so'
GUESSES: Final = frozenset({_GUESSED, _FLAG, _SECONDS})


def choose(
    column: ColumnReport, *, key: bool = False, refers: bool = False, unit: str | None = None
) -> Choice:
    """Return the type of a column; that of a key never leaves out a value for another's sake.

    With `refers` a constraint says that it holds keys. `unit` is that of the numbers which are instants in
    the columns around, for one that holds none to tell by.
    """
    found = _declared(column, unit) or _by_values(column)
    found = _text(column) if key and found.misfits else found
    if (key or refers) and found.remark == _FLAG:
        found = replace(found, remark="", guess=False)
    found = with_unit(found, column, unit)
    meant = _MEANT.get(declared_type.family(column.declared))
    if not column.filled or column.library or key or meant is None or found.kind in meant or found.guess:
        return found
    remark = f"declared {column.declared}, but its values are not"
    return replace(found, remark=joined(found.remark, remark), guess=True)


def _declared(column: ColumnReport, unit: str | None) -> Choice | None:
    """Return the type that is declared, None if none is or too few values fit it."""
    if column.reading == "empty":
        return _empty(column, unit)
    match declared_type.family(column.declared):
        case "boolean" if share(column, "boolean") >= ENOUGH and not column.reading.startswith("integer_"):
            return Choice(Type("Boolean"), "boolean", misfits=misfits(column, "boolean"))
        case "timestamp" | "date" if _timed_share(column) >= ENOUGH:
            return timestamp_of(column)
        case "json" if share(column, "json") >= MOSTLY_JSON:
            return _json(column)
        case "decimal" if column.reading != "timestamp" and share(column, "decimal") >= ENOUGH:
            return _decimal(column)
        case "real" if column.reading != "timestamp" and not column.money and _fits_real(column):
            return Choice(Type("Float"), "real", misfits=misfits(column, "real"))
        case "integer" if column.reading in ("real", "mixed"):
            return _declared_whole(column)
    return None


def _declared_whole(column: ColumnReport) -> Choice | None:
    """Return the type of whole numbers among which others stand: none of their digits may go."""
    if column.money or share(column, "integer") < ENOUGH:
        return None
    wrong = misfits(column, "integer")
    if column.digits <= SAFE_DIGITS and share(column, "decimal") == 1:
        remarks = f"declared whole, with a fraction: {wrong:,}"
        return Choice(Type("Float"), "real", remark=remarks, guess=True)
    return Choice(Type(_whole(column)), "integer", misfits=wrong)


def _timed_share(column: ColumnReport) -> float:
    """Return the share of a column declared for instants that are some: a number of any size is one."""
    return 1 - timestamp_misfits(column) / column.filled


def _fits_real(column: ColumnReport) -> bool:
    return share(column, "real") >= ENOUGH and column.classes.integers * (column.digits > SAFE_DIGITS) == 0


def _json(column: ColumnReport) -> Choice:
    rest = column.filled - fitting(column, "json")
    counts = (("neither object nor array", rest), ("not valid for jsonb, become strings", _refused(column)))
    return Choice(Type("Json"), "json", {"invalid": "wrap"} if rest else {}, counts=counts)


def _by_values(column: ColumnReport) -> Choice:
    """Return the type that the values alone speak for."""
    reading = column.reading
    if reading == "mixed":
        return _mixed(column)
    if reading == "boolean":
        if column.certain or (column.default or "").strip("() ").lower() in ("true", "false"):
            return Choice(Type("Boolean"), "boolean")
        text = column.classes.integers + column.classes.reals == 0
        return Choice(
            Type() if text else Type("Int"), "text" if text else "integer", remark=_FLAG, guess=True
        )
    if reading in ("integer", "integer_id"):
        if column.classes.texts > column.classes.empty and not _is_numeric(column):
            return _text(column)
        return _integer(column)
    if reading == "decimal":
        return _decimal(column)
    if reading == "real":
        exact = column.classes.integers and column.digits > SAFE_DIGITS and column.decimal is not None
        return _decimal(column) if exact else Choice(Type("Float"), "real")
    if reading == "timestamp":
        return timestamp_of(column)
    if reading == "json":
        return _json(column)
    if reading == "blob":
        return Choice(Type("Bytes"), "bytes")
    return _text(column)


def _integer(column: ColumnReport) -> Choice:
    """Return whole numbers; those that look like seconds since 1970 get a remark."""
    found = shapes(column)
    guessed = found.keys() <= {"unix_s", "null", "empty"} and not _about_numbers(column)
    remarks = _SECONDS if guessed else ""
    last = words(column.name)[-1:]
    instants = found.get("unix_s", 0) + found.get("unix_ms", 0)
    if last and last[0] in _TIME and column.filled > instants > column.filled / 2 and not column.key:
        guessed, remarks = True, "most may be since 1970, the others are none: kept as numbers"
    if column.clock or (last and last[0] in _TIME and column.digits >= _FINE_DIGITS and not column.key):
        guessed, remarks = True, "perhaps microseconds or finer since 1970, kept as numbers"
    return Choice(Type(_whole(column)), "integer", remark=remarks, guess=guessed)


def _about_numbers(column: ColumnReport) -> bool:
    numbers = suggests_count(column.name) or says_code(column.name) or is_private(column.name)
    return numbers or is_id(column.name) or column.money or bool(column.key or column.library)


def _mixed(column: ColumnReport) -> Choice:
    """Return the type that nearly all values fit; text, which fits all of them, if there is none."""
    if share(column, "json") >= MOSTLY_JSON:
        return _json(column)
    if share(column, "timestamp", also="now") >= ENOUGH and CALENDAR & shapes(column).keys():
        return timestamp_of(column)
    if share(column, "boolean") >= ENOUGH and suggests_flag(column.name, column.declared):
        return Choice(Type("Boolean"), "boolean", misfits=misfits(column, "boolean"))
    if share(column, "integer") >= ENOUGH and not column.money:
        return Choice(Type(_whole(column)), "integer", misfits=misfits(column, "integer"))
    if share(column, "decimal") >= ENOUGH and column.decimal is not None and column.money:
        return _decimal(column)
    if share(column, "real") >= ENOUGH and column.digits <= SAFE_DIGITS:
        return Choice(Type("Float"), "real", misfits=misfits(column, "real"))
    return _bytes(column) or _text(column)


def _empty(column: ColumnReport, unit: str | None) -> Choice:
    """Return the type of a column without a value, by its declared type, its default and its name."""
    declared = declared_type.family(column.declared)
    last = words(column.name)[-1:]
    timed = column.clock or column.touched or bool(last and last[0] in _TIME)
    flag = suggests_flag(column.name, column.declared) and (column.default or "").strip("()'") in ("0", "1")
    if declared == "boolean" or (declared == "integer" and flag):
        return Choice(Type("Boolean"), "boolean")
    if declared == "integer":
        if column.clock or (timed and unit):
            options = {"unit": unit} if unit else {}
            return Choice(Type("DateTime"), "timestamp", options, remark=_GUESSED, guess=not column.clock)
        big = "BIG" in column.declared.upper()
        return Choice(Type("BigInt" if big else "Int"), "integer", remark=_GUESSED * timed, guess=timed)
    money = declared == "real"
    if declared == "decimal" or (money and suggests_money(column.name, column.declared)):
        return replace(_decimal(column), remark=_GUESSED * timed, guess=timed)
    if money:
        return Choice(Type("Float"), "real", remark=_GUESSED * timed, guess=timed)
    if declared == "json":
        return Choice(Type("Json"), "json")
    if declared == "bytes":
        return Choice(Type("Bytes"), "bytes")
    if declared == "date":
        return Choice(Type("DateTime", day=True), "date")
    if declared == "timestamp" or column.clock:
        return Choice(Type("DateTime"), "timestamp")
    if timed:
        return Choice(Type("DateTime"), "timestamp", remark=_GUESSED, guess=True)
    return Choice(Type(), "text")


def _is_numeric(column: ColumnReport) -> bool:
    """Return whether digits in texts are numbers: among numbers, and short enough to be one."""
    return column.classes.integers > 0 and column.longest < len(str(2**63))


def _whole(column: ColumnReport) -> ScalarType:
    """Return Int if every number is far from its limits, otherwise BigInt."""
    return "Int" if column.fits_int else "BigInt"


def _decimal(column: ColumnReport) -> Choice:
    """Return a decimal of the observed scale; the declared one counts if it fits the values."""
    digits, scale = max(column.digits, 1), column.decimal.scale if column.decimal else 0
    few = column.decimal is not None and 0 < column.decimal.beyond <= column.filled * (1 - ENOUGH)
    if column.decimal is not None and few:
        scale = column.decimal.most
    if digits + scale > MOST_DIGITS or scale > 30:
        return Choice(Type("Float"), "real", misfits=misfits(column, "real"))
    size = declared_type.size(column.declared)
    if size:
        scale = max(scale, size[1])
        total = max(size[0], digits + scale)
    else:
        scale = max(scale, 2)
        total = max(LEAST_DIGITS, digits + HEADROOM + scale)
    inexact = column.decimal.inexact if column.decimal else 0
    wider = size is not None and scale > size[1] + WIDER
    remark = f"more decimals than declared, up to {scale}" if wider else ""
    return Choice(
        Type("Decimal", digits=total, scale=scale), "decimal",
        {"scale": scale, **({"round": True} if few else {})},
        misfits=misfits(column, "decimal"),
        remark=joined(remark, f"rounded to 15 digits: {inexact:,}" if inexact else ""),
        guess=wider,
    )  # fmt: skip


def _bytes(column: ColumnReport) -> Choice | None:
    """Return bytes for a column that is declared or mostly bytes; texts are bytes, numbers are not."""
    numbers = misfits(column, "bytes")
    mostly = column.classes.blobs * 2 >= column.filled or "BLOB" in column.declared.upper()
    if not column.classes.blobs or not mostly or numbers > column.filled * (1 - ENOUGH):
        return None
    return Choice(Type("Bytes"), "bytes", misfits=numbers)


def _text(column: ColumnReport) -> Choice:
    """Return text, which fits every value; remarks name what changes on the way."""
    counts = (
        ("NUL characters, removed", column.with_nul),
        ("not UTF-8, repaired", column.broken_text),
        ("bytes, read as UTF-8", column.classes.blobs),
    )
    kinds = "values of several kinds" if column.reading == "mixed" else ""
    return Choice(Type(), "text", remark=kinds, counts=counts)


def _refused(column: ColumnReport) -> int:
    """Return how many values look like JSON and are none that jsonb takes."""
    return 0 if column.json is None else column.json.refused + column.json.broken
