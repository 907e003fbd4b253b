"""Casts to timestamps and days, in any form that a cell is written in."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from mappers.cleaning.dates import names_zone, read_format
from mappers.cleaning.dates import timestamp as any_form
from mappers.declarative.casts.cell import BLOB, Cast, Cell
from mappers.declarative.mapping_columns import Unit
from mappers.reasons import Reason

#: Words for the time of writing, stored as text and never computed.
_NOW: Final = (
    "current_timestamp",
    "current_timestamp()",
    "current_date",
    "current_time",
    "now()",
    "now",
    "datetime('now')",
    "date('now')",
    "(datetime('now'))",
    "(current_timestamp)",
    "unixepoch()",
    "strftime('%s','now')",
)  # fmt: skip
_DIGITS: Final = r"^([+-]?[0-9]{1,14})(?:\.([0-9]{1,18}))?$"
#: Microseconds and nanoseconds have no parts; a larger number is beyond what 64 bits hold after rounding.
_FINE_DIGITS: Final = r"^([+-]?[0-9]{1,18}|[+-]?[1-8][0-9]{18})$"
_FINER: Final = r"[.,][0-9]{3}[0-9]*[1-9]"
#: Numbers of fewer digits are seconds if no unit is named, others milliseconds.
_SMALLEST_MS: Final = 100_000_000_000
_SMALLEST_S: Final = 100_000_000
#: A day, or a day and a time, in digits alone.
_COMPACT: Final = r"^(?:[0-9]{8}|[0-9]{14})$"
#: Ends and beginnings of the forms that `_usual` writes otherwise.
_UNUSUAL: Final = rf"[A-Za-z]{{2,5}}$| m=|[0-9] [+-][0-9:]+$|^[0-9]{{8}}[Tt ]|{_COMPACT}"
_OTHER: Final = re.compile(
    r"\s*(?:\d{4}-\d{2}-\d{2}|\d{8})[Tt ]\d{2}:?\d{2}(?::?\d{2}(?:[.,]\d+)?)?"
    r"(?: ?[Zz]| ?(?:UTC|GMT)| ?[+-]\d{2}(?::?\d{2})?(?: (?:[A-Z]{1,5}|[+-]\d{2}(?::?\d{2})?))?)?"
    r"(?: m=[+-][\d.]+)?\s*"
)
#: A time of day with its zone behind it.
_ZONED: Final = r"[Tt ][0-9]{2}.*(?:[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)(?: \S+)*$"
_YEAR_1, _YEAR_9999 = -62_135_596_800_000, 253_402_300_799_999
_NANOSECONDS: Final = 1_000_000


def timestamp(cell: Cell, unit: Unit | None, zone: str | None = None, written: str | None = None) -> Cast:
    """Return timestamps (naive, UTC, milliseconds).

    Text is read as `mappers.cleaning.timestamp` does, and as Go, Ruby and others write it (`is_other_form`),
    or as `written` says and in no other way. Numbers are seconds or others since 1970 by `unit`; without one
    8 or 14 digits that name a day are that day (`20241230`), and the size of all others decides. Parts of a
    millisecond are rounded. Text without a zone is UTC, or local time in `zone`: of a time that a clock shows
    twice the first counts, and one that it skips does not fit.
    """
    stripped = cell.text.str.strip_chars()
    if written is not None:
        value = read_format(stripped, written)
        zoned = pl.lit(names_zone(written))
    else:
        value = any_form(stripped.map_batches(_usual, return_dtype=pl.String, is_elementwise=True))
        zoned = stripped.str.contains(_ZONED)
    if zone is not None:
        value = pl.when(zoned).then(value).otherwise(_to_utc(value, zone))
    if written is None or unit is not None:
        number = _since_1970(stripped, unit) if unit is not None else _by_form(stripped, value)
        digits = _FINE_DIGITS if unit in ("us", "ns") else _DIGITS
        value = pl.when(stripped.str.contains(digits)).then(number).otherwise(value)
    value = pl.when(cell.storage != BLOB).then(value)
    now = stripped.str.to_lowercase().is_in(_NOW)
    return Cast(value, Reason.INVALID_TIMESTAMP, now=now)


def _to_utc(value: pl.Expr, zone: str) -> pl.Expr:
    there = value.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return there.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def is_other_form(text: str | None) -> bool:
    """Return whether a text is a timestamp in one of the less usual forms that `timestamp` reads as well.

    `2024-12-30 09:19:04 +00:00`, `…+02`, `… UTC`, `….123456789 +0000 UTC m=+0.01` (Go), `… +0200` (Ruby),
    `…:04,123`, `20241230T091904Z`.
    """
    return text is not None and _OTHER.fullmatch(text) is not None


def _usual(cells: pl.Series) -> pl.Series:
    """Return the cells with the less usual forms of a timestamp written in a usual one."""
    found = cells.str.contains(_UNUSUAL).fill_null(False).arg_true()
    if found.is_empty():
        return cells
    odd = (
        cells.gather(found)
        .to_frame("t")
        .select(
            pl.col("t")
            .str.replace(r" m=[+-][0-9.]+$", "")
            .str.replace(r"([+-][0-9]{2}:?[0-9]{2}) (?:[A-Z]{1,5}|[+-][0-9]{2}(?::?[0-9]{2})?)$", "$1")
            .str.replace(r"([0-9]) ?(?:UTC|GMT)$", "${1}Z")
            .str.replace(r"^([0-9]{4})([0-9]{2})([0-9]{2})([Tt ]|$)", "$1-$2-$3$4")
            .str.replace(r"^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{6})$", "$1-$2-${3}T$4")
            .str.replace(r"^(.{11}[0-9]{2})([0-9]{2})([0-9]{2})", "$1:$2:$3")
            .str.replace(r"^(.{11}[0-9]{2})([0-9]{2})", "$1:$2")
        )
    )
    return cells.scatter(found, odd["t"])


def is_finer(cell: Cell) -> pl.Expr:
    """Return which cells have parts of a millisecond."""
    return cell.text.str.strip_chars().str.contains(_FINER)


def day(cell: Cell, unit: Unit | None, written: str | None = None) -> Cast:
    """Return days; a timestamp fits if it is the start of its day."""
    found = timestamp(cell, unit, None, written)
    day = found.value.dt.date()
    return Cast(
        pl.when(found.value == day.cast(pl.Datetime("ms"))).then(day),
        Reason.INVALID_DATE,
        found.rules,
        found.now,
    )


def _by_form(number: pl.Expr, written: pl.Expr) -> pl.Expr:
    """Return the timestamps of numbers without a unit: `written`, if their digits are those of a day."""
    compact = number.str.contains(_COMPACT) & written.is_not_null()
    return pl.when(compact).then(written).otherwise(_by_size(number))


def _by_size(number: pl.Expr) -> pl.Expr:
    """Return the moments of numbers whose unit is not known; a small one names none."""
    size = number.str.extract(_DIGITS, 1).cast(pl.Int64).abs()
    return (
        pl.when(size >= _SMALLEST_MS)
        .then(_since_1970(number, "ms"))
        .when(size >= _SMALLEST_S)
        .then(_since_1970(number, "s"))
    )


def _since_1970(number: pl.Expr, unit: Unit) -> pl.Expr:
    if unit in ("us", "ns"):
        fine = number.str.extract(_FINE_DIGITS, 1).cast(pl.Int64)
        at = _rounded(fine, 1000 if unit == "us" else _NANOSECONDS)
    else:
        at = _parted(number, unit)
    return pl.when(at.is_between(_YEAR_1, _YEAR_9999)).then(at).cast(pl.Datetime("ms"))


def _parted(number: pl.Expr, unit: Unit) -> pl.Expr:
    """Return the milliseconds of numbers of seconds or milliseconds that may have a fraction."""
    whole = number.str.extract(_DIGITS, 1).cast(pl.Int64)
    # Parts of a second in nanoseconds, of a millisecond in millionths of it.
    part = number.str.extract(_DIGITS, 2).fill_null("0").str.pad_end(18, "0").str.slice(0, 9).cast(pl.Int64)
    part = pl.when(number.str.starts_with("-")).then(-part).otherwise(part)
    if unit == "s":
        return whole * 1000 + _rounded(part, _NANOSECONDS)
    return whole + _rounded(part, _NANOSECONDS * 1000)


def _rounded(part: pl.Expr, size: int) -> pl.Expr:
    """Return a number of parts as a whole number, halves rounded away from zero."""
    return part.sign() * ((part.abs() + size // 2) // size)
