"""Casts to moments and days, in whatever form each cell is written."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from mappers.cleaning.dates import timestamp as any_form
from mappers.declarative.cell import BLOB, Cast, Cell

#: What stands for the moment of writing, as text that was never computed.
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
_FINER: Final = r"[.,][0-9]{3}[0-9]*[1-9]"
_YEAR_1, _YEAR_9999 = -62_135_596_800_000, 253_402_300_799_999
_NANOSECONDS: Final = 1_000_000


def moment(cell: Cell, unit: Literal["s", "ms"] | None) -> Cast:
    """Return moments (naive, UTC, milliseconds).

    Text is read as `mappers.cleaning.timestamp` does. Numbers are seconds or milliseconds since
    1970 by `unit`; without one they are told apart by their size. Parts of a millisecond are rounded.
    """
    stripped = cell.text.str.strip_chars()
    value = any_form(cell.text)
    if unit is not None:
        value = pl.when(stripped.str.contains(_DIGITS)).then(_since_1970(stripped, unit)).otherwise(value)
    value = pl.when(cell.storage != BLOB).then(value)
    now = stripped.str.to_lowercase().is_in(_NOW)
    return Cast(value, "no_moment", now=now)


def is_finer(cell: Cell) -> pl.Expr:
    """Tell which cells are written in parts of a millisecond that is not whole."""
    return cell.text.str.strip_chars().str.contains(_FINER)


def day(cell: Cell, unit: Literal["s", "ms"] | None) -> Cast:
    """Return days; a moment fits where it is the first of its day."""
    found = moment(cell, unit)
    day = found.value.dt.date()
    return Cast(
        pl.when(found.value == day.cast(pl.Datetime("ms"))).then(day), "no_day", found.rules, found.now
    )


def _since_1970(number: pl.Expr, unit: Literal["s", "ms"]) -> pl.Expr:
    whole = number.str.extract(_DIGITS, 1).cast(pl.Int64)
    # Parts of a second in nanoseconds, of a millisecond in millionths of it.
    part = number.str.extract(_DIGITS, 2).fill_null("0").str.pad_end(18, "0").str.slice(0, 9).cast(pl.Int64)
    part = pl.when(number.str.starts_with("-")).then(-part).otherwise(part)
    if unit == "s":
        at = whole * 1000 + _rounded(part, _NANOSECONDS)
    else:
        at = whole + _rounded(part, _NANOSECONDS * 1000)
    return pl.when(at.is_between(_YEAR_1, _YEAR_9999)).then(at).cast(pl.Datetime("ms"))


def _rounded(part: pl.Expr, size: int) -> pl.Expr:
    """Return a number of parts as whole ones, halves away from zero."""
    return part.sign() * ((part.abs() + size // 2) // size)
