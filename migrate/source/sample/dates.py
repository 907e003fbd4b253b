"""Dates as the legacy tables hold them, including odd ones."""

from __future__ import annotations

from typing import Final

import polars as pl

from migrate.source.sample.random_columns import Chance

#: 2012-03-01 and 2024-11-30, in seconds since 1970, UTC: constants, so that a sample is always the same
FIRST_TIMESTAMP: Final = 1_330_560_000
LAST_TIMESTAMP: Final = 1_732_924_800

#: the forms that are not 'YYYY-MM-DD HH:MM:SS', equally frequent among the odd dates
ODD_FORMS: Final = ("zero", "empty", "unix", "milliseconds", "zulu", "offset", "fraction", "day", "nonsense")

_PLAIN: Final = "%Y-%m-%d %H:%M:%S"
_ISO: Final = "%Y-%m-%dT%H:%M:%S"


def any_timestamp(chance: Chance, name: str) -> pl.Expr:
    """Return seconds since 1970, anywhere in the lifetime of the sites."""
    return chance.below(name, LAST_TIMESTAMP - FIRST_TIMESTAMP) + FIRST_TIMESTAMP


def growing_timestamp(chance: Chance, name: str, count: int) -> pl.Expr:
    """Return seconds since 1970 that mostly grow with the row number, of `count` rows."""
    span = LAST_TIMESTAMP - FIRST_TIMESTAMP - 86_400 * 30
    steady = pl.col("n").cast(pl.Float64) * (span / max(count, 1))
    return (steady + chance.unit(name) * 86_400 * 30).floor().cast(pl.Int64) + FIRST_TIMESTAMP


def after(chance: Chance, name: str, timestamp: pl.Expr, years: int) -> pl.Expr:
    """Return seconds since 1970, up to `years` after `timestamp` and never after the last timestamp."""
    return pl.min_horizontal(timestamp + chance.below(name, years * 365 * 86_400), pl.lit(LAST_TIMESTAMP))


def plain(timestamp: pl.Expr) -> pl.Expr:
    """Return 'YYYY-MM-DD HH:MM:SS'."""
    return pl.from_epoch(timestamp, "s").dt.strftime(_PLAIN)


def zulu(timestamp: pl.Expr) -> pl.Expr:
    """Return 'YYYY-MM-DDTHH:MM:SSZ'."""
    return pl.from_epoch(timestamp, "s").dt.strftime(_ISO) + "Z"


def month(timestamp: pl.Expr) -> pl.Expr:
    """Return 'Mon YYYY', with English month names in every locale."""
    return pl.from_epoch(timestamp, "s").dt.strftime("%b %Y")


def odd_shares(odd: float) -> dict[str, float]:
    """Return the share of each of the odd forms; together they make `odd`."""
    return {word: odd / len(ODD_FORMS) for word in ODD_FORMS}


def legacy_date(form: pl.Expr, timestamp: pl.Expr) -> pl.Expr:
    """Return dates as text, each in the form that `form` names: one of `ODD_FORMS`, or plain.

    `form` should be a column, because it is evaluated once for each odd form.
    """
    when = pl.from_epoch(timestamp, "s")
    return (
        pl.when(form == "zero").then(pl.lit("0000-00-00 00:00:00"))
        .when(form == "empty").then(pl.lit(""))
        .when(form == "unix").then(timestamp.cast(pl.String))
        .when(form == "milliseconds").then((timestamp * 1000 + 250).cast(pl.String))
        .when(form == "zulu").then(zulu(timestamp))
        .when(form == "offset").then(when.dt.strftime(_ISO) + "+02:00")
        .when(form == "fraction").then(plain(timestamp) + ".123456")
        .when(form == "day").then(when.dt.strftime("%Y-%m-%d"))
        .when(form == "nonsense").then(pl.lit("last summer"))
        .otherwise(plain(timestamp))
    )  # fmt: skip
