"""From what a column holds to the type it gets, proven over all of its cells.

A value that stands apart from the others does not decide: where nine of ten
fit a type, the column gets it, and what does not fit is left out and named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mappers.declarative.mapping_file import Kind
from migrate.introspect.profile.model import ColumnReport
from migrate.introspect.profile.names import says_flag, says_money, words
from migrate.introspect.scaffold.model import Enum, Options, ScalarType, Type
from migrate.introspect.scaffold.naming import Names, member_name

#: Numbers beyond half of what an Int holds get a BigInt, before a counter runs over.
HALF_OF_INT: Final = 2**30
#: The share of the values that must fit a type that the others do not.
ENOUGH: Final = 0.9
#: The share of JSON documents from which a column is one of JSON, the rest wrapped as strings.
MOSTLY_JSON: Final = 0.5
#: Digits before the point that a sum of money may yet gain, and the least that a decimal gets in all.
HEADROOM: Final = 4
LEAST_DIGITS: Final = 12
#: A decimal of more digits than this is a float that somebody wrote down.
MOST_DIGITS: Final = 60

_WHOLE: Final = frozenset({
    "int", "bool", "unix_s", "unix_ms", "digits", "digits_bool", "digits_s", "digits_ms", "real_whole",
})  # fmt: skip
_NUMBER: Final = _WHOLE | {"real", "real_s", "real_ms", "decimal"}
_CALENDAR: Final = frozenset({"iso", "iso_z", "iso_offset", "sql", "sql_zone", "minutes", "date"})
_INSTANT: Final = _CALENDAR | {
    "unix_s", "unix_ms", "digits_s", "digits_ms", "real_s", "real_ms",
}  # fmt: skip
_FITTING: Final[Mapping[Kind, frozenset[str]]] = {
    "integer": _WHOLE,
    "decimal": _NUMBER,
    "real": _NUMBER,
    "boolean": frozenset({"bool", "digits_bool", "bool_word"}),
    "timestamp": _INSTANT,
    "date": frozenset({"date"}),
    "json": frozenset({"json_object", "json_array", "json_broken"}),
}
_NO_BYTES: Final = _NUMBER - {"decimal"} - {shape for shape in _NUMBER if shape.startswith("digits")} | {
    "infinite"
}
#: Last words of names of instants, for columns that hold nothing to tell by.
_TIME: Final = frozenset({"at", "date", "time", "timestamp", "datetime", "deadline", "until", "expires"})
_SIZE: Final = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


@dataclass(frozen=True)
class Choice:
    """The type of a column and how its values are read.

    Of its values `misfits` do not fit, and `unset` are words such as CURRENT_TIMESTAMP in place of
    an instant.
    """

    type: Type
    kind: Kind
    options: Options = field(default_factory=dict)
    misfits: int = 0
    unset: int = 0
    remark: str = ""


def choose(column: ColumnReport, *, key: bool = False) -> Choice:
    """Return the type of a column; that of a key never leaves out a value for another's sake."""
    reading = column.reading
    if reading == "mixed":
        return _text(column) if key else _mixed(column)
    if reading == "empty":
        return _by_declaration(column)
    if reading == "boolean":
        if column.certain or (column.default or "").strip("() ").lower() in ("true", "false"):
            return Choice(Type("Boolean"), "boolean")
        return Choice(Type("Int"), "integer", remark="all are 0 or 1: as boolean, if they mean no and yes")
    if reading in ("integer", "integer_id"):
        if column.classes.texts > column.classes.empty and not _is_numeric(column):
            return _text(column)
        return _declared_fraction(column) or Choice(Type(_whole(column)), "integer")
    if reading == "decimal":
        return _decimal(column)
    if reading == "real":
        return Choice(Type("Float"), "real")
    if reading == "timestamp":
        return _timestamp(column)
    if reading == "json":
        return Choice(Type("Json"), "json", remark=_refused(column))
    if reading == "blob":
        return Choice(Type("Bytes"), "bytes")
    return _text(column)


def enum_of(column: ColumnReport, name: str) -> Choice:
    """Return a column with a closed set of values as an enum of that name."""
    members = Names()
    pairs = tuple((members.take(member_name(value.name)), value.name) for value in column.values)
    values = {value: value for _, value in pairs}
    return Choice(Type(enum=Enum(name, pairs)), "enum", {"values": values})


def _mixed(column: ColumnReport) -> Choice:
    """Return the type that nearly all values fit; text, which keeps them all, where there is none."""
    if _share(column, "json") >= MOSTLY_JSON:
        rest = column.filled - _fitting(column, "json")
        return Choice(
            Type("Json"), "json", {"invalid": "wrap"},
            remark=_and(f"neither object nor array: {rest:,}" if rest else "", _refused(column)),
        )  # fmt: skip
    if _share(column, "timestamp", also="now") >= ENOUGH and _CALENDAR & _shapes(column).keys():
        return _timestamp(column)
    if _share(column, "boolean") >= ENOUGH and says_flag(column.name, column.declared):
        return Choice(Type("Boolean"), "boolean", misfits=misfits(column, "boolean"))
    if _share(column, "integer") >= ENOUGH and not column.money:
        return Choice(Type(_whole(column)), "integer", misfits=misfits(column, "integer"))
    if _share(column, "decimal") >= ENOUGH and column.decimal is not None:
        if column.money:
            return _decimal(column)
        return Choice(Type("Float"), "real", misfits=misfits(column, "real"))
    if _share(column, "real") >= ENOUGH:
        return Choice(Type("Float"), "real", misfits=misfits(column, "real"))
    return _bytes(column) or _text(column)


def _by_declaration(column: ColumnReport) -> Choice:
    """Return the type of a column without a value, by its declared type and its name."""
    declared = column.declared.upper()
    flag = says_flag(column.name, column.declared) and (column.default or "").strip("()'") in ("0", "1")
    if "BOOL" in declared or ("INT" in declared and flag):
        return Choice(Type("Boolean"), "boolean")
    if "INT" in declared:
        return Choice(Type("BigInt" if "BIG" in declared else "Int"), "integer")
    money = any(word in declared for word in ("REAL", "FLOA", "DOUB"))
    if re.search("DEC|NUM|MONEY", declared) or (money and says_money(column.name, column.declared)):
        return _decimal(column)
    if money:
        return Choice(Type("Float"), "real")
    if "JSON" in declared:
        return Choice(Type("Json"), "json")
    if "BLOB" in declared:
        return Choice(Type("Bytes"), "bytes")
    if declared == "DATE":
        return Choice(Type("DateTime", day=True), "date")
    if re.search("DATE|TIME", declared) or (words(column.name)[-1:] and words(column.name)[-1] in _TIME):
        return Choice(Type("DateTime"), "timestamp")
    return Choice(Type(), "text")


def _is_numeric(column: ColumnReport) -> bool:
    """Tell whether digits in texts are numbers: among numbers, and short enough to be one."""
    return column.classes.integers > 0 and column.longest < len(str(2**63))


def _declared_fraction(column: ColumnReport) -> Choice | None:
    """Return the type of whole numbers in a column that is declared for fractions, None in any other."""
    if re.search("DEC|NUM|MONEY", column.declared.upper()):
        return _decimal(column)
    return Choice(Type("Float"), "real") if re.search("REAL|FLOA|DOUB", column.declared.upper()) else None


def _whole(column: ColumnReport) -> ScalarType:
    """Return Int where every number is far from its ends, else BigInt."""
    if _shapes(column).keys() <= {"bool", "digits_bool", "null", "empty"}:
        return "Int"
    if column.lowest is None or column.highest is None:
        return "BigInt"
    return "Int" if column.lowest >= -HALF_OF_INT and column.highest <= HALF_OF_INT else "BigInt"


def _decimal(column: ColumnReport) -> Choice:
    """Return a decimal of the observed scale; what is declared counts where it holds the values."""
    digits, scale = (column.decimal.digits, column.decimal.scale) if column.decimal else (_digits(column), 0)
    if digits + scale > MOST_DIGITS or scale > 30:
        return Choice(Type("Float"), "real", misfits=misfits(column, "real"))
    size = _SIZE.search(column.declared)
    if size:
        scale = max(scale, int(size[2] or 0))
        total = max(int(size[1]), digits + scale)
    else:
        scale = max(scale, 2)
        total = max(LEAST_DIGITS, digits + HEADROOM + scale)
    inexact = column.decimal.inexact if column.decimal else 0
    return Choice(
        Type("Decimal", digits=total, scale=scale), "decimal", {"scale": scale},
        misfits=misfits(column, "decimal"),
        remark=f"reals that are rounded to the 15 digits they print as: {inexact:,}" if inexact else "",
    )  # fmt: skip


def _digits(column: ColumnReport) -> int:
    """Return the digits of the longest whole number; where it may not be known, those of any."""
    if column.lowest is None or column.highest is None:
        return 1 if column.reading == "empty" else 19
    return max(len(str(abs(int(bound)))) for bound in (column.lowest, column.highest))


def _timestamp(column: ColumnReport) -> Choice:
    shapes = _shapes(column)
    forms = {count.name for count in column.timestamps}
    unset = shapes.get("now", 0)
    days = shapes.keys() <= {"date", "null", "empty"} and not re.search("TIME", column.declared.upper())
    if days:
        return Choice(Type("DateTime", day=True), "date")
    options: dict[str, object] = {}
    if len(forms & {"unix_s", "unix_ms"}) == 1:
        options["unit"] = "s" if "unix_s" in forms else "ms"
    written = ", ".join(sorted(forms - {"now"}))
    return Choice(
        Type("DateTime"), "timestamp", options, misfits=misfits(column, "timestamp") - unset,
        unset=unset, remark=f"written as {written}" if len(forms - {"now"}) > 1 else "",
    )  # fmt: skip


def _bytes(column: ColumnReport) -> Choice | None:
    """Return bytes for a column that is declared or mostly of them; texts are bytes, numbers are not."""
    numbers = misfits(column, "bytes")
    mostly = column.classes.blobs * 2 >= column.filled or "BLOB" in column.declared.upper()
    if not column.classes.blobs or not mostly or numbers > column.filled * (1 - ENOUGH):
        return None
    return Choice(Type("Bytes"), "bytes", misfits=numbers)


def _text(column: ColumnReport) -> Choice:
    """Return text, which every value has a form in; what changes on the way is told."""
    told = (
        ("NUL characters, taken out", column.with_nul),
        ("no UTF-8, mended", column.broken_text),
        ("bytes, read as UTF-8", column.classes.blobs),
    )
    kinds = "values of several kinds" if column.reading == "mixed" else ""
    return Choice(Type(), "text", remark=_and(kinds, *(f"{what}: {rows:,}" for what, rows in told if rows)))


def _refused(column: ColumnReport) -> str:
    if column.json is None or not column.json.refused + column.json.broken:
        return ""
    return f"not what jsonb takes, become strings: {column.json.refused + column.json.broken:,}"


def _shapes(column: ColumnReport) -> dict[str, int]:
    return {count.name: count.rows for count in column.shapes}


def _fitting(column: ColumnReport, kind: Kind) -> int:
    return sum(rows for shape, rows in _shapes(column).items() if shape in _FITTING[kind])


def misfits(column: ColumnReport, kind: Kind) -> int:
    """Return how many values of a column do not fit a kind; every value has a form as text."""
    if kind in ("text", "id", "reference", "references", "enum"):
        return 0
    if kind == "bytes":
        return sum(rows for shape, rows in _shapes(column).items() if shape in _NO_BYTES)
    return column.filled - _fitting(column, kind)


def _share(column: ColumnReport, kind: Kind, also: str = "") -> float:
    more = _shapes(column).get(also, 0)
    return (_fitting(column, kind) + more) / column.filled if column.filled else 0.0


def _and(*remarks: str) -> str:
    return "; ".join(remark for remark in remarks if remark)
