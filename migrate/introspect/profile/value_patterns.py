"""How the cells of a column are written: each has one pattern, all are counted in one pass of SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile.database import InspectedDatabase
from migrate.source.sql import quote

#: Timestamps written as numbers: from 1990 to 2100, in seconds and in milliseconds.
UNIX_S: Final = (631_152_000, 4_102_444_800)
UNIX_MS: Final = (UNIX_S[0] * 1000, UNIX_S[1] * 1000)

_HEX: Final = "[0-9a-fA-F]"
_UUID: Final = "-".join(_HEX * size for size in (8, 4, 4, 4, 12))
_DIGIT: Final = "[0-9]"
_DAY: Final = f"{_DIGIT * 4}-{_DIGIT * 2}-{_DIGIT * 2}"
_COMPACT: Final = f"{_DIGIT * 8}[T ]{_DIGIT * 4}"
_MINUTE: Final = f"{_DIGIT * 2}:{_DIGIT * 2}"
_SURROGATE: Final = r"*\u[dD][89a-fA-F]*"
_NOW: Final = "('CURRENT_TIMESTAMP','DATETIME(''NOW'')','NOW()','CURRENT_DATE','CURRENT_TIME')"

#: Patterns that are timestamps, and the form of each. `sql` is `YYYY-MM-DD HH:MM:SS[.f]`, `sql_zone` the same
#: with Z or an offset behind; `minutes` has no seconds; `other` has its zone behind a blank or as a name, a
#: comma before the fraction, or no separators; `now` is the literal text CURRENT_TIMESTAMP or its like;
#: `impossible` is written like a timestamp and is no day or time that exists; `compact` is a
#: day, or a day and a time, in 8 or 14 digits.
FORMS: Final = {
    "iso": "iso", "iso_z": "iso_z", "iso_offset": "iso_offset", "sql": "sql", "sql_zone": "sql_zone",
    "minutes": "minutes", "date": "date", "other": "other", "now": "now", "impossible": "impossible",
    "unix_s": "unix_s", "unix_ms": "unix_ms", "digits_s": "unix_s", "digits_ms": "unix_ms",
    "real_s": "unix_s", "real_ms": "unix_ms", "compact": "compact", "compact_time": "compact",
    "digits_compact": "compact", "digits_compact_time": "compact",
}  # fmt: skip
#: Numbers, and digits in texts, that name a day, and those that name a day and a time.
COMPACT_DAY: Final = frozenset({"compact", "digits_compact"})
COMPACT: Final = COMPACT_DAY | {"compact_time", "digits_compact_time"}
#: Those of them that are numbers too, and become timestamps only if the name says so.
UNIX: Final = frozenset({"unix_s", "unix_ms", "digits_s", "digits_ms", "real_s", "real_ms"}) | COMPACT

#: Integers, texts of digits alone, and reals without a fraction.
WHOLE: Final = frozenset({"int", "bool", "unix_s", "unix_ms", "compact", "compact_time"})
WHOLE_TEXT: Final = frozenset({
    "digits", "digits_bool", "digits_s", "digits_ms", "digits_compact", "digits_compact_time",
})  # fmt: skip
WHOLE_REAL: Final = frozenset({"real_whole", "real_s", "real_ms"})
NUMBER: Final = WHOLE | WHOLE_TEXT | WHOLE_REAL | {"real", "decimal"}


@dataclass(frozen=True)
class ShapeCount:
    """One pattern in one column: rows, bounds of numbers or timestamps, longest texts.

    `first` and `last` are Julian days, `digits` those of numbers before the point, `scale` behind it.
    """

    shape: str
    rows: int
    lowest: float | int | None
    highest: float | int | None
    first: float | None
    last: float | None
    longest: int
    longest_bytes: int
    digits: int
    scale: int
    inexact: int
    broken_text: int
    with_nul: int
    refused: int


def count_shapes(
    database: InspectedDatabase, table: str, column: str, *, timed: bool = False
) -> dict[str, ShapeCount]:
    """Return every pattern that occurs in a column, by its name.

    With `timed` numbers of 8 or 14 digits that name a day are such days, unless other numbers are there.
    """
    rows = database.rows(_statement(quote(table), quote(column), timed=timed))
    found = {row[0]: ShapeCount(*row) for row in rows}
    if found.keys() & COMPACT and found.keys() & (NUMBER - COMPACT - {"decimal"}):
        return count_shapes(database, table, column)
    return found


def _statement(table: str, column: str, *, timed: bool) -> str:
    number = (
        "CASE WHEN shape IN ('int','bool','unix_s','unix_ms','real','real_whole','real_s','real_ms',"
        "'compact','compact_time') THEN v"
        " WHEN shape IN ('digits','digits_bool','digits_s','digits_ms','decimal','digits_compact')"
        " AND abs(CAST(v AS REAL)) < 9e15 THEN CAST(v AS NUMERIC) END"
    )
    day = (
        "CASE WHEN shape IN ('iso','iso_z','iso_offset','sql','sql_zone','minutes','date') THEN julianday(v)"
        " WHEN shape IN ('unix_s','digits_s','real_s') THEN julianday(CAST(v AS REAL), 'unixepoch')"
        " WHEN shape IN ('unix_ms','digits_ms','real_ms')"
        " THEN julianday(CAST(v AS REAL) / 1000, 'unixepoch')"
        f" WHEN shape LIKE '%compact%' THEN julianday({_compact_day('v')}) END"
    )
    # Digits as SQLite prints them, at most 15: the fraction of 0.1 + 0.2 is one digit long.
    plain = "CAST(v AS TEXT)"
    fraction = f"rtrim(substr({plain}, instr({plain}, '.') + 1), '0')"
    fractional = "shape IN ('real','decimal','real_s','real_ms')"
    pointed = f"instr({plain}, '.') > 0"
    scale = (
        f"CASE WHEN {fractional} THEN CASE WHEN {plain} LIKE '%e%' THEN 16"
        f" WHEN {pointed} THEN length({fraction}) ELSE 0 END ELSE 0 END"
    )
    whole = (
        f"CASE WHEN {fractional} OR shape IN ('real_whole','int','bool','unix_s','unix_ms','digits',"
        f"'digits_bool','digits_s','digits_ms') OR shape LIKE '%compact%' THEN {_WHOLE_DIGITS} ELSE 0 END"
    )
    texts = "typeof(v) = 'text'"
    foreign = f"{texts} AND v GLOB '*[^' || char(1) || '-' || char(127) || ']*'"
    terms = (
        "shape, count(*),"
        f" min({number}), max({number}), min({day}), max({day}),"
        f" max(CASE WHEN {texts} THEN length(v) ELSE 0 END),"
        f" max(CASE WHEN typeof(v) IN ('text','blob') THEN length(CAST(v AS BLOB)) ELSE 0 END),"
        f" max({whole}), max({scale}),"
        f" sum(typeof(v) = 'real' AND {fractional} AND CAST({plain} AS REAL) <> v),"
        f" sum(CASE WHEN {foreign} THEN broken_text(CAST(v AS BLOB)) ELSE 0 END),"
        f" sum({texts} AND instr(v, char(0)) > 0),"
        " sum(CASE WHEN shape IN ('json_object','json_array','blob_json') AND "
        f"(v GLOB '{_SURROGATE}' OR instr(v, '\\u0000') > 0 OR instr(v, char(0)) > 0"
        " OR v GLOB '*[^' || char(1) || '-' || char(127) || ']*')"
        " THEN jsonb_refuses(CAST(v AS BLOB)) ELSE 0 END)"
    )
    # The limit keeps SQLite from computing the pattern again at each mention of it.
    cells = f"SELECT {shape_of(column, timed=timed)} AS shape, {column} AS v FROM {table} LIMIT -1"  # noqa: S608
    return f"SELECT {terms} FROM ({cells}) GROUP BY shape ORDER BY shape"  # noqa: S608


# abs() of the smallest integer is an error; a text that a cast would truncate is recognized by its length.
_WHOLE_DIGITS: Final = (
    "CASE WHEN typeof(v) = 'text' AND length(v) > 18 THEN length(v)"
    " WHEN typeof(v) = 'real' AND abs(v) >= 9e18 THEN 309"
    " ELSE length(ltrim(CAST(CAST(v AS INTEGER) AS TEXT), '-')) END"
)


def _compact_day(c: str) -> str:
    """Return SQL for the day that digits name, as `YYYY-MM-DD`."""
    return f"substr({c}, 1, 4) || '-' || substr({c}, 5, 2) || '-' || substr({c}, 7, 2)"


def _compact_shape(c: str) -> str:
    """Return a branch of a CASE, for numbers, and digits in texts, that name a day or a day and a time."""
    day = _compact_day(c)
    clock = f"substr({c}, 9, 2) || ':' || substr({c}, 11, 2) || ':' || substr({c}, 13, 2)"
    kind = f"CASE typeof({c}) WHEN 'text' THEN 'digits_compact' ELSE 'compact' END"
    exists = f"substr({c}, 1, 4) >= '1000' AND date({day}, '+0 days') IS {day}"
    return (
        f"WHEN typeof({c}) IN ('integer', 'text') AND {c} NOT GLOB '*[^0-9]*' AND length({c}) IN (8, 14)"
        f" AND {exists} AND (length({c}) = 8 OR time({clock}) IS {clock})"
        f" THEN {kind} || CASE length({c}) WHEN 8 THEN '' ELSE '_time' END"
    )


def shape_of(column: str, *, timed: bool = False) -> str:
    """Return the SQL expression that names a cell's pattern; see `count_shapes` for `timed`."""
    if timed:
        return f"CASE {_compact_shape(column)} ELSE {shape_of(column)} END"
    seconds, thousandths = (f"BETWEEN {low} AND {high}" for low, high in (UNIX_S, UNIX_MS))
    return (
        f"CASE typeof({column}) WHEN 'null' THEN 'null' WHEN 'blob' THEN {_blob_shape(column)}"
        f" WHEN 'integer' THEN CASE WHEN {column} IN (0, 1) THEN 'bool' WHEN {column} {seconds} THEN 'unix_s'"
        f" WHEN {column} {thousandths} THEN 'unix_ms' ELSE 'int' END"
        f" WHEN 'real' THEN CASE WHEN abs({column}) = 9e999 THEN 'infinite'"
        f" WHEN {column} {seconds} THEN 'real_s' WHEN {column} {thousandths} THEN 'real_ms'"
        f" WHEN abs({column}) < 9e15 AND {column} = CAST({column} AS INTEGER) THEN 'real_whole'"
        " ELSE 'real' END"
        f" ELSE {_text_shape(column)} END"
    )


def _blob_shape(c: str) -> str:
    """Return the pattern of bytes: those of a JSON text, as Drizzle's `blob` of mode json writes it."""
    text = f"CAST({c} AS TEXT)"
    return (
        f"CASE WHEN substr({text}, 1, 1) IN ('{{', '[') AND instr({c}, x'00') = 0 AND json_valid({text})"
        " THEN 'blob_json' ELSE 'blob' END"
    )


def _text_shape(c: str) -> str:
    bare = f"ltrim({c}, '-')"
    digits = (
        f"CASE WHEN {c} IN ('0', '1') THEN 'digits_bool'"
        f" WHEN length({c}) = 10 AND CAST({c} AS INTEGER) BETWEEN {UNIX_S[0]} AND {UNIX_S[1]} THEN 'digits_s'"
        f" WHEN length({c}) = 13 AND CAST({c} AS INTEGER) BETWEEN {UNIX_MS[0]} AND {UNIX_MS[1]}"
        " THEN 'digits_ms' ELSE 'digits' END"
    )
    decimal = (
        f"{c} NOT GLOB '*[^-0-9.]*' AND {c} GLOB '*[0-9]*' AND substr({c}, 2) NOT GLOB '*-*'"
        f" AND {c} NOT GLOB '*.*.*'"
    )
    start = f"substr(ltrim({c}, ' ' || char(9,10,13)), 1, 1)"
    return (
        f"CASE WHEN {c} = '' THEN 'empty'"
        f" WHEN {c} NOT GLOB '*[^0-9]*' THEN {digits}"
        f" WHEN {bare} <> '' AND length({c}) = length({bare}) + 1 AND {bare} NOT GLOB '*[^0-9]*'"
        " THEN 'digits'"
        f" WHEN {decimal} THEN 'decimal'"
        f" WHEN {c} GLOB '{_DAY}*' THEN {_time_shape(c)}"
        f" WHEN {c} GLOB '{_COMPACT}*' AND other_form({c}) THEN 'other'"
        f" WHEN length({c}) = 36 AND {c} GLOB '{_UUID}' THEN 'uuid'"
        f" WHEN length({c}) = 25 AND {c} GLOB 'c*[0-9]*' AND {c} NOT GLOB '*[^0-9a-z]*' THEN 'cuid'"
        f" WHEN length({c}) = 24 AND {c} GLOB '[a-z]*[0-9]*' AND {c} NOT GLOB '*[^0-9a-z]*'"
        f" AND {c} GLOB '*[g-z]*' THEN 'cuid'"
        f" WHEN length({c}) = 26 AND {c} GLOB '[0-7]*' AND {c} NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' THEN 'ulid'"
        f" WHEN {start} IN ('{{', '[') THEN CASE WHEN NOT json_valid({c}) THEN 'json_broken'"
        f" WHEN json_type({c}) = 'object' THEN 'json_object' ELSE 'json_array' END"
        f" WHEN lower(substr({c}, 1, 8)) = 'https://' OR lower(substr({c}, 1, 7)) = 'http://' THEN"
        f" CASE WHEN {c} GLOB '*[ ' || char(9,10,13) || ']*' THEN 'text' ELSE 'url' END"
        f" WHEN {c} GLOB '?*@?*.?*' AND {c} NOT GLOB '*@*@*' AND instr({c}, ' ') = 0 THEN 'email'"
        f" WHEN lower({c}) IN ('true', 'false') THEN 'bool_word'"
        f" WHEN lower({c}) IN ('t', 'f', 'y', 'n', 'yes', 'no', 'on', 'off') THEN 'bool_letter'"
        f" WHEN upper(trim(trim({c}), '()')) IN {_NOW} OR upper(trim({c})) IN {_NOW}"
        f" OR upper({c}) = '(DATETIME(''NOW''))' THEN 'now'"
        f" WHEN trim({c}) = '' THEN 'blank' ELSE 'text' END"
    )


def _time_shape(c: str) -> str:
    """Return the form of a text that begins with a day; the rest must be a time that exists."""
    clock, zone = f"substr({c}, 11)", f"substr({c}, 20)"
    unzoned = f"ltrim(ltrim({zone}, '.'), '0123456789')"
    fraction = f"({zone} GLOB '.[0-9]*' OR {zone} = '' OR {zone} GLOB '[-+Z]*')"
    offset = f"({unzoned} GLOB '[-+]{_DIGIT * 2}:{_DIGIT * 2}' OR {unzoned} GLOB '[-+]{_DIGIT * 4}')"
    return (
        f"CASE WHEN length({c}) = 10 THEN"
        f" CASE WHEN date({c}, '+0 days') = {c} THEN 'date' ELSE 'impossible' END"
        f" WHEN {clock} NOT GLOB '[T ]{_MINUTE}*' THEN 'text'"
        f" WHEN date(substr({c}, 1, 10), '+0 days') IS NOT substr({c}, 1, 10)"
        f" OR julianday(substr({c}, 1, 16)) IS NULL THEN 'impossible'"
        f" WHEN length({c}) = 16 OR ({c} GLOB '*Z' AND length({c}) = 17) THEN 'minutes'"
        f" WHEN {clock} NOT GLOB '[T ]{_MINUTE}:{_DIGIT * 2}*' OR NOT {fraction}"
        f" THEN CASE WHEN other_form({c}) THEN 'other' ELSE 'text' END"
        f" WHEN julianday(substr({c}, 1, 19)) IS NULL THEN 'impossible'"
        f" WHEN {unzoned} = '' THEN CASE substr({c}, 11, 1) WHEN 'T' THEN 'iso' ELSE 'sql' END"
        f" WHEN {unzoned} = 'Z' THEN CASE substr({c}, 11, 1) WHEN 'T' THEN 'iso_z' ELSE 'sql_zone' END"
        f" WHEN {offset} THEN CASE substr({c}, 11, 1) WHEN 'T' THEN 'iso_offset' ELSE 'sql_zone' END"
        f" ELSE CASE WHEN other_form({c}) THEN 'other' ELSE 'text' END END"
    )
