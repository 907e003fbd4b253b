"""Timestamps, in any form that the legacy database wrote."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import polars as pl

from mappers.cleaning.text import clean_text

#: The created_at of last resort.
EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  the target's columns have no zone
TYPE: Final = pl.Datetime("ms")

_PLAIN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9]$"
_ISO: Final = (
    r"^(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<time>[0-9]{2}:[0-9]{2})(?::(?P<second>[0-5][0-9])(?:[.,](?P<fraction>[0-9]{1,9})[0-9]*)?)?"
    r" ?(?:[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-5][0-9]))?)?)?$"
)
_UNIX: Final = r"^([0-9]{9,14})(?:\.([0-9]{1,9})[0-9]*)?$"
# Below this number seconds reach the year 5138; above it milliseconds begin in 1973.
_MILLISECONDS_FROM: Final = 100_000_000_000
_SECONDS_FROM: Final = 100_000_000
_NANOSECONDS: Final = 1_000_000
_YEAR_1, _YEAR_9999 = -62_135_596_800_000, 253_402_300_799_999


def timestamp(column: pl.Expr) -> pl.Expr:
    """Return the timestamps (naive, UTC, milliseconds) in a column of text, null for anything else.

    It reads `YYYY-MM-DD HH:MM:SS[.ffffff]`, ISO 8601 with T, Z or an offset, `YYYY-MM-DD`, and unix seconds
    and milliseconds, which differ in magnitude (a number below 10^8 is not a timestamp). Parts of a
    millisecond are rounded, halves away from zero, as PostgreSQL does.
    """
    return column.map_batches(_timestamp, return_dtype=TYPE, is_elementwise=True)


def is_zone(name: str) -> bool:
    """Return whether a name such as `Europe/Berlin` is that of a time zone."""
    try:
        pl.Series([0]).cast(pl.Datetime("ms")).dt.replace_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True


def is_format(written: str) -> bool:
    """Return whether a format such as `%d.%m.%Y %H:%M` describes a day, so that text can be read by it."""
    day = datetime(2023, 4, 5, 16, 7, 8)  # noqa: DTZ001  any day without a zone
    try:
        sample = pl.Series([day]).dt.replace_time_zone("UTC").dt.strftime(_for_chrono(written))
        read = pl.select(read_format(pl.lit(sample), written)).item()
    except pl.exceptions.PolarsError:
        return False
    return isinstance(read, datetime) and read.date() == day.date()


def names_zone(written: str) -> bool:
    """Return whether a format has a place for a zone."""
    return "%z" in written or "%s" in written or "%+" in written


def read_format(column: pl.Expr, written: str) -> pl.Expr:
    """Return the timestamps (naive, UTC if a zone is written) of text in one format, null for any other.

    The format is that of `strftime`, as chrono reads it; parts of a millisecond are cut off.
    """
    zone = "UTC" if "%z" in written or "%+" in written else None
    read = column.str.to_datetime(_for_chrono(written), time_unit="ms", time_zone=zone, strict=False)
    plain = read if zone is None else read.dt.replace_time_zone(None)
    return pl.when(plain.dt.epoch("ms").is_between(_YEAR_1, _YEAR_9999)).then(plain)


def _for_chrono(written: str) -> str:
    """Return a format with a fraction of a second as chrono writes it: Python's own form is `.%f`."""
    return written.replace(".%f", "%.f")


def newest_first(*columns: pl.Expr) -> pl.Expr:
    """Return the newest of several timestamps, ignoring nulls."""
    return pl.max_horizontal(*columns)


class Newest:
    """Keeps the newest of the timestamps in columns of text; see `timestamp`.

    Most cells have the plain form, in which texts sort like the timestamps: they are compared as text, the
    others are parsed.
    """

    def __init__(self) -> None:
        #: since 1970, UTC; None while there is none
        self.milliseconds: int | None = None
        #: the newest in the plain form, `YYYY-MM-DD HH:MM:SS`; '' while there is none
        self.bound = ""

    def add(self, cells: pl.Series) -> None:
        """Add the cells of a column."""
        plain = cells.str.contains(_PLAIN)
        later = cells.filter(plain & (cells > self.bound))
        self._take(pl.Series([later.max()], dtype=pl.String))
        # A day that no calendar has, or a year that no column holds, must not hide another date.
        self._take(later.filter(later > self.bound))
        self._take(cells.filter(~plain))

    def reach(self, milliseconds: int) -> None:
        """Add a timestamp that is already known."""
        if self.milliseconds is None or milliseconds > self.milliseconds:
            self.milliseconds = milliseconds
            self.bound = str(EPOCH + timedelta(milliseconds=milliseconds))[:19]

    def _take(self, cells: pl.Series) -> None:
        if cells.is_empty():
            return
        found = _timestamp(clean_text(cells)).to_physical().max()
        if isinstance(found, int):
            self.reach(found)


def month(column: pl.Expr) -> pl.Expr:
    """Return the first day of the month that 'Jul 2020' or 'July 2020' names, null for others."""
    first = pl.lit("1 ") + column.str.strip_chars().str.replace_all(r"\s+", " ")
    return pl.coalesce(
        first.str.to_datetime(f"%d {name} %Y", time_unit="ms", strict=False) for name in ("%b", "%B")
    )


def _timestamp(cells: pl.Series) -> pl.Series:
    cells = cells.cast(pl.String)
    plain = cells.str.contains(_PLAIN).fill_null(False)
    quick = _calendar(cells.set(~plain, None))
    others = (~plain & (cells != "")).fill_null(False).arg_true()
    if others.is_empty():
        return quick
    return quick.scatter(others, _slow(cells.gather(others).str.strip_chars()))


def _calendar(cells: pl.Series) -> pl.Series:
    """Return the timestamps of cells in the plain form; a day that no calendar has is null."""
    found = cells.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms", strict=False)
    return _in_range(found.to_physical()).cast(TYPE)


def _in_range(milliseconds: pl.Series) -> pl.Series:
    kept = pl.when(pl.col("ms").is_between(_YEAR_1, _YEAR_9999)).then(pl.col("ms"))
    return milliseconds.alias("ms").to_frame().select(kept)["ms"]


def _slow(cells: pl.Series) -> pl.Series:
    part = {name: pl.col("iso").struct.field(name) for name in _FIELDS}
    moment = (
        (part["day"] + " " + part["time"].fill_null("00:00") + ":" + part["second"].fill_null("00"))
        .str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ms", strict=False)
        .to_physical()
    )
    offset = (part["hours"].cast(pl.Int64) * 60 + part["minutes"].fill_null("0").cast(pl.Int64)) * pl.when(
        part["sign"] == "-"
    ).then(-60_000).otherwise(60_000)
    number = pl.col("unix").cast(pl.Int64)
    unix = (
        pl.when(number >= _MILLISECONDS_FROM)
        .then(number + (_nanoseconds(pl.col("fraction")) >= _NANOSECONDS * 500).cast(pl.Int64))
        .when(number >= _SECONDS_FROM)
        .then(number * 1000 + _milliseconds(pl.col("fraction")))
    )
    iso = moment + _milliseconds(part["fraction"]) - offset.fill_null(0)
    frame = cells.alias("cell").to_frame()
    frame = frame.select(
        pl.col("cell").str.extract_groups(_ISO).alias("iso"),
        pl.col("cell").str.extract(_UNIX, 1).alias("unix"),
        pl.col("cell").str.extract(_UNIX, 2).alias("fraction"),
    )
    return _in_range(frame.select(pl.coalesce(iso, unix).alias("at"))["at"]).cast(TYPE)


_FIELDS: Final = ("day", "time", "second", "fraction", "sign", "hours", "minutes")


def _nanoseconds(fraction: pl.Expr) -> pl.Expr:
    return fraction.fill_null("0").str.pad_end(9, "0").cast(pl.Int64)


def _milliseconds(fraction: pl.Expr) -> pl.Expr:
    return (_nanoseconds(fraction) + _NANOSECONDS // 2) // _NANOSECONDS
