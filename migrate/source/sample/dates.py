"""Dates as the legacy tables hold them, odd ones among them."""

from __future__ import annotations

from typing import Final

import polars as pl

from migrate.source.sample.random_columns import Chance

#: 2012-03-01 and 2024-11-30, in seconds since 1970, UTC: fixed, so that a sample never ages
FIRST_MOMENT: Final = 1_330_560_000
LAST_MOMENT: Final = 1_732_924_800

#: the forms that are not 'YYYY-MM-DD HH:MM:SS', equally frequent among the odd dates
ODD_FORMS: Final = ("zero", "empty", "unix", "milliseconds", "zulu", "offset", "fraction", "day", "nonsense")

_PLAIN: Final = "%Y-%m-%d %H:%M:%S"
_ISO: Final = "%Y-%m-%dT%H:%M:%S"


def any_moment(chance: Chance, name: str) -> pl.Expr:
    """Return seconds since 1970, anywhere in the life of the sites."""
    return chance.below(name, LAST_MOMENT - FIRST_MOMENT) + FIRST_MOMENT


def growing_moment(chance: Chance, name: str, count: int) -> pl.Expr:
    """Return seconds since 1970 that mostly grow with the row number, of `count` rows."""
    span = LAST_MOMENT - FIRST_MOMENT - 86_400 * 30
    steady = pl.col("n").cast(pl.Float64) * (span / max(count, 1))
    return (steady + chance.unit(name) * 86_400 * 30).floor().cast(pl.Int64) + FIRST_MOMENT


def after(chance: Chance, name: str, moment: pl.Expr, years: int) -> pl.Expr:
    """Return seconds since 1970, up to `years` after `moment` and never after the last moment."""
    return pl.min_horizontal(moment + chance.below(name, years * 365 * 86_400), pl.lit(LAST_MOMENT))


def plain(moment: pl.Expr) -> pl.Expr:
    """Return 'YYYY-MM-DD HH:MM:SS'."""
    return pl.from_epoch(moment, "s").dt.strftime(_PLAIN)


def zulu(moment: pl.Expr) -> pl.Expr:
    """Return 'YYYY-MM-DDTHH:MM:SSZ'."""
    return pl.from_epoch(moment, "s").dt.strftime(_ISO) + "Z"


def month(moment: pl.Expr) -> pl.Expr:
    """Return 'Mon YYYY', with English months whatever the locale."""
    return pl.from_epoch(moment, "s").dt.strftime("%b %Y")


def odd_shares(odd: float) -> dict[str, float]:
    """Return the share of each of the odd forms, `odd` together."""
    return {word: odd / len(ODD_FORMS) for word in ODD_FORMS}


def legacy_date(form: pl.Expr, moment: pl.Expr) -> pl.Expr:
    """Return dates as text, each in the form that `form` names: one of `ODD_FORMS`, or plain.

    `form` had better be a column: it is looked at once for each odd form.
    """
    when = pl.from_epoch(moment, "s")
    return (
        pl.when(form == "zero").then(pl.lit("0000-00-00 00:00:00"))
        .when(form == "empty").then(pl.lit(""))
        .when(form == "unix").then(moment.cast(pl.String))
        .when(form == "milliseconds").then((moment * 1000 + 250).cast(pl.String))
        .when(form == "zulu").then(zulu(moment))
        .when(form == "offset").then(when.dt.strftime(_ISO) + "+02:00")
        .when(form == "fraction").then(plain(moment) + ".123456")
        .when(form == "day").then(when.dt.strftime("%Y-%m-%d"))
        .when(form == "nonsense").then(pl.lit("last summer"))
        .otherwise(plain(moment))
    )  # fmt: skip
