"""Coordinates: exact decimals of eight places."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import polars as pl

PLACES: Final = 8
TYPE: Final = pl.Decimal(12, PLACES)
LATITUDE: Final = 90
LONGITUDE: Final = 180

_PLAIN: Final = r"^(?P<sign>[+-]?)(?P<whole>[0-9]{1,3})(?:\.(?P<places>[0-9]*))?$"
_POWER: Final = r"^[+-]?[0-9]{1,3}(?:\.[0-9]*)?[eE][+-]?[0-9]{1,2}$"


def coordinate(column: pl.Expr, limit: int) -> pl.Expr:
    """Return decimals of eight places within -limit…limit, null for anything else.

    More decimals are rounded half to even.
    """
    number = pl.struct(_plain_form(column).str.extract_groups(_PLAIN).alias("part"))
    return number.map_batches(lambda cells: _rounded(cells, limit), return_dtype=TYPE, is_elementwise=True)


def place(latitude: pl.Series, longitude: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return both coordinates, or neither, of two columns of text; 0/0 is none."""
    lat, lon = pl.col("latitude"), pl.col("longitude")
    numbers = pl.DataFrame({"latitude": latitude, "longitude": longitude}).select(
        coordinate(lat, LATITUDE).alias("latitude"), coordinate(lon, LONGITUDE).alias("longitude")
    )
    found = lat.is_not_null() & lon.is_not_null() & ((lat != 0) | (lon != 0))
    both = numbers.select(pl.when(found).then(lat), pl.when(found).then(lon))
    return both["latitude"], both["longitude"]


def _plain_form(column: pl.Expr) -> pl.Expr:
    return column.str.strip_chars().map_batches(_without_powers, return_dtype=pl.String, is_elementwise=True)


def _without_powers(cells: pl.Series) -> pl.Series:
    """Write out the few numbers that SQLite prints with a power of ten: those close to zero."""
    powers = cells.filter(cells.str.contains(_POWER).fill_null(False)).unique()
    if powers.is_empty():
        return cells
    plain = [format(Decimal(power), "f") for power in powers]
    return cells.replace(powers, pl.Series(plain, dtype=pl.String))


def _rounded(cells: pl.Series, limit: int) -> pl.Series:
    part = {name: pl.col("part").struct.field(name) for name in ("sign", "whole", "places")}
    places = part["places"].fill_null("")
    rest = places.str.slice(PLACES).str.strip_chars_end("0")
    cut = part["whole"].cast(pl.Int64) * 10**PLACES + places.str.slice(0, PLACES).str.pad_end(
        PLACES, "0"
    ).cast(pl.Int64)
    up = (rest > "5") | ((rest == "5") & (cut % 2 == 1))
    inside = (cut < limit * 10**PLACES) | ((cut == limit * 10**PLACES) & (rest == ""))
    size = cut + up.cast(pl.Int64)
    digits = size.cast(pl.String).str.pad_start(PLACES + 1, "0")
    sign = pl.when((part["sign"] == "-") & (size > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    written = sign + digits.str.slice(0, digits.str.len_bytes() - PLACES) + "." + digits.str.tail(PLACES)
    frame = cells.struct.unnest().with_columns(cut.alias("cut"))
    return frame.select(pl.when(inside).then(written).cast(TYPE).alias("n"))["n"]
