"""Casts to numbers and booleans: exact, or the cell does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from types import MappingProxyType
from typing import Final

import polars as pl

from mappers.declarative.casts.cell import BLOB, INTEGER, REAL, TEXT, Cast, Cell
from mappers.reasons import Reason

_TRUE: Final = ("1", "1.0", "true", "t", "yes", "y", "on")
_FALSE: Final = ("0", "0.0", "-0.0", "false", "f", "no", "n", "off")
_USUAL: Final[Mapping[str, bool]] = MappingProxyType({})
_NUMBER: Final = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"
_POWER: Final = r"[eE]"
_PLAIN: Final = r"^(?P<sign>[+-]?)0*(?P<whole>[0-9]*)(?:\.(?P<places>[0-9]*?)0*)?$"
#: the longest number that a power of ten is written out to
_LONGEST: Final = 400


def integer(cell: Cell, span: tuple[int, int]) -> Cast:
    """Return integers within `span`: also from text that is exactly one, and from floats without a
    fraction.
    """
    return Cast(pl.when(cell.whole.is_between(*span)).then(cell.whole), Reason.INVALID_INTEGER)


def boolean(cell: Cell, truths: Mapping[str, bool] = _USUAL) -> Cast:
    """Return booleans: 0 and 1 as number or text, and the words for yes and no in any case.

    With `truths` only its words count, as they are written there.
    """
    if truths:
        found = cell.text.replace_strict(dict(truths), default=None, return_dtype=pl.Boolean)
        return Cast(pl.when(cell.storage != BLOB).then(found), Reason.INVALID_BOOLEAN)
    word = cell.text.str.strip_chars().str.to_lowercase()
    value = pl.when(word.is_in(_TRUE)).then(True).when(word.is_in(_FALSE)).then(False)
    return Cast(pl.when(cell.storage != BLOB).then(value), Reason.INVALID_BOOLEAN)


def real(cell: Cell) -> Cast:
    """Return finite floats; an integer that no float equals does not fit, and neither does an infinity."""
    whole = cell.text.cast(pl.Int64, strict=False)
    near = whole.cast(pl.Float64)
    # 2^63 as a float is larger than every integer, so it cannot be cast.
    exact = pl.when(near.cast(pl.Int64, strict=False) == whole).then(near)
    stripped = cell.text.str.strip_chars()
    read = pl.when(stripped.str.contains(_NUMBER)).then(stripped.cast(pl.Float64, strict=False))
    value = (
        pl.when(cell.storage == REAL)
        .then(cell.real)
        .when(cell.storage == INTEGER)
        .then(exact)
        .when(cell.storage == TEXT)
        .then(read)
    )
    return Cast(pl.when(value.is_finite()).then(value), Reason.INVALID_NUMBER)


def decimal(cell: Cell, scale: int | None, precision: int | None, *, rounded: bool = False) -> Cast:
    """Return decimals as plain text without needless zeros.

    Of a float the 15 exact digits count. A number with more than `scale` digits after the point, or more
    before it than `precision` allows, does not fit. With `rounded` one with more digits behind the point
    is rounded to `scale`, halves away from zero.
    """
    exact = cell.text.str.strip_chars().map_batches(_plain, return_dtype=pl.String, is_elementwise=True)
    written = exact
    rules: tuple[tuple[pl.Expr, Reason], ...] = ()
    if rounded and scale is not None:
        step = Decimal(1).scaleb(-scale)
        written = exact.map_batches(lambda cells: _rounded(cells, step), return_dtype=pl.String)
        finer = exact.str.extract_groups(_PLAIN).struct.field("places").str.len_bytes() > scale
        rules = ((finer.fill_null(False), Reason.ROUNDED_TO_SCALE),)
    part = written.str.extract_groups(_PLAIN)
    whole, places = part.struct.field("whole"), part.struct.field("places").fill_null("")
    digits = pl.when(whole == "").then(pl.lit("0")).otherwise(whole)
    point = pl.when(places == "").then(pl.lit("")).otherwise(pl.lit(".") + places)
    nought = (whole == "") & (places == "")
    sign = pl.when((part.struct.field("sign") == "-") & ~nought).then(pl.lit("-")).otherwise(pl.lit(""))
    fits = cell.storage.is_in([INTEGER, REAL, TEXT]) & whole.is_not_null()
    if scale is not None:
        fits = fits & (places.str.len_bytes() <= scale)
    if precision is not None:
        fits = fits & (whole.str.len_bytes() <= precision - (scale or 0))
    return Cast(pl.when(fits).then(sign + digits + point), Reason.DECIMAL_OUT_OF_RANGE, rules)


def _rounded(cells: pl.Series, step: Decimal) -> pl.Series:
    """Return numbers, none of them finer than `step`: each finer one that occurs is rounded once."""
    places = cells.str.extract_groups(_PLAIN).struct.field("places").str.len_bytes()
    finer = cells.filter((places > -int(step.adjusted())).fill_null(False)).unique()
    if finer.is_empty():
        return cells
    with localcontext() as context:
        context.prec = _LONGEST * 2
        near = [format(Decimal(one).quantize(step, ROUND_HALF_UP), "f") for one in finer]
    known = pl.Series(near, dtype=pl.String)
    return cells.to_frame("n").select(pl.col("n").replace(finer, known))["n"]


def _plain(cells: pl.Series) -> pl.Series:
    """Return numbers written out, null for anything else: each power of ten that occurs is computed once."""
    numbers = cells.to_frame("n").select(pl.when(pl.col("n").str.contains(_NUMBER)).then("n"))["n"]
    powers = numbers.filter(numbers.str.contains(_POWER).fill_null(False)).unique()
    if powers.is_empty():
        return numbers
    known = pl.Series([_written_out(power) for power in powers], dtype=pl.String)
    return numbers.to_frame("n").select(pl.col("n").replace(powers, known))["n"]


def _written_out(power: str) -> str | None:
    number = Decimal(power)
    if number and abs(number.adjusted()) > _LONGEST:
        return None
    return format(number, "f")
