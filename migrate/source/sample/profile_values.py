"""The values of the profiles: one wide frame, a text column for each key, a row for each person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from migrate.source.sample import dates
from migrate.source.sample.faker_pools import Pools
from migrate.source.sample.meta_keys import KEYS, Key
from migrate.source.sample.random_columns import Chance


@dataclass(frozen=True)
class Draw:
    """The pool that the values of one key are drawn from."""

    chance: Chance
    name: str
    pools: Pools


Look = Callable[[Draw], pl.Expr]

_GEAR: Final = (
    "ISDN on request", "Skype: booth-1", "Zoom and Teams", "Source Connect: booth", "Cleanfeed link",
    "SquadCast", "Neumann U87", "ISDN, SquadCast\r\nPhone patch", "Rode NT1 & a quiet room",
)  # fmt: skip
_PURPOSE: Final = (
    "I record podcast episodes.", "Commercial and production work.", "A recording studio for hire.",
    "Our professional studio is open late.", "A mobile rig for on-location jobs.", "Voice only.", "", "", "",
)  # fmt: skip
_ODD_DATES: Final = dates.odd_shares(0.09)
_COORDINATES: Final = {"long": 0.3, "zero": 0.08, "outside": 0.03, "half": 0.05, "words": 0.02}


def _flag(draw: Draw) -> pl.Expr:
    return draw.chance.pick(draw.name, ["1"] * 40 + ["yes"] * 4 + ["on", "true", "TRUE", "2", "maybe"])


def _web(host: str) -> Look:
    def look(draw: Draw) -> pl.Expr:
        form = draw.chance.unit(f"{draw.name} form")
        path = pl.concat_str(pl.lit(f"{host}example.com/"), "slug")
        return (
            pl.when(form < 0.45).then("https://" + path)
            .when(form < 0.60).then("http://" + path)
            .when(form < 0.85).then("www." + path)
            .when(form < 0.90).then(" " + path + "?a=1&b=2 ")
            .when(form < 0.94).then(pl.col("slug"))
            .when(form < 0.97).then(pl.lit("coming soon"))
            .otherwise(pl.lit("http://"))
        )  # fmt: skip

    return look


def _degrees(limit: float, digits: int) -> Look:
    def look(draw: Draw) -> pl.Expr:
        # One form for both coordinates of a person, in whatever keys they are.
        form = draw.chance.toss("coordinates", _COORDINATES)
        value = (
            draw.chance.below(f"degrees {limit}", int(1.8 * limit * 10**12)).cast(pl.Float64) / 1e12
            - 0.9 * limit
        )
        return (
            pl.when(form == "long").then(value.round(digits).cast(pl.String))
            .when(form == "zero").then(pl.lit("0"))
            .when(form == "outside").then((value.abs().round(5) + limit).cast(pl.String))
            .when((form == "half") & (limit > 90)).then(pl.lit(""))
            .when(form == "words").then(pl.lit("n/a"))
            .otherwise(value.round(5).cast(pl.String))
        )  # fmt: skip

    return look


def _rate(draw: Draw) -> pl.Expr:
    amount = (draw.chance.below(f"{draw.name} amount", 60) * 5 + 20).cast(pl.String)
    form = draw.chance.unit(f"{draw.name} form")
    return (
        pl.when(form < 0.5).then("£" + amount)
        .when(form < 0.7).then(amount)
        .when(form < 0.8).then("$" + amount + " an hour")
        .when(form < 0.9).then(pl.lit("0"))
        .otherwise("from €" + amount)
    )  # fmt: skip


def _phone(draw: Draw) -> pl.Expr:
    # Ranges that regulators reserve for fiction: Ofcom's, and 555-0100 to 555-0199.
    last = draw.chance.below(f"{draw.name} number", 1000).cast(pl.String).str.zfill(3)
    form = draw.chance.unit(f"{draw.name} range")
    return (
        pl.when(form < 0.4).then("07700 900" + last)
        .when(form < 0.7).then("01632 960" + last)
        .when(form < 0.9).then("+44 20 7946 0" + last)
        .otherwise("(212) 555-01" + last.str.tail(2))
    )  # fmt: skip


def _about(draw: Draw) -> pl.Expr:
    parts = [draw.chance.pick(f"{draw.name} {part}", draw.pools.sentence) for part in range(5)]
    breaks = draw.chance.pick(f"{draw.name} break", ["\r\n\r\n", "\n", "\r", " "])
    return pl.concat_str(
        parts[0], pl.lit(" "), draw.chance.pick(f"{draw.name} purpose", _PURPOSE), breaks, *parts[1:]
    )


def _token(draw: Draw) -> pl.Expr:
    return "sample-token-" + draw.chance.below(draw.name, 10**15).cast(pl.String).str.zfill(15)


def _file(draw: Draw) -> pl.Expr:
    endings = [".jpg", ".JPG", " room.jpg", "-über.png", " 50%.jpeg", " (2).webp"]
    return pl.concat_str("slug", pl.lit(f"-{draw.name}"), draw.chance.pick(draw.name, endings))


def _day(draw: Draw) -> pl.Expr:
    return pl.from_epoch(dates.any_timestamp(draw.chance, draw.name) - 30 * 365 * 86_400, "s").dt.strftime(
        "%Y-%m-%d"
    )


def _date(draw: Draw) -> pl.Expr:
    later = dates.after(draw.chance, f"{draw.name} later", pl.col("created"), 3)
    return dates.legacy_date(draw.chance.toss(f"{draw.name} form", _ODD_DATES), later)


def _month(draw: Draw) -> pl.Expr:
    later = dates.after(draw.chance, f"{draw.name} later", pl.col("created"), 3)
    short = draw.chance.unit(f"{draw.name} form") < 0.7
    return pl.when(short).then(dates.month(later)).otherwise(dates.plain(later))


_LOOKS: Final[Mapping[str, Look]] = {
    "first": lambda _draw: pl.col("first"),
    "last": lambda _draw: pl.col("last"),
    "city": lambda _draw: pl.col("city"),
    "street": lambda draw: draw.chance.pick("street", draw.pools.street),
    "latitude": _degrees(90.0, 12),
    "longitude": _degrees(180.0, 11),
    "phone": _phone,
    "web": _web(""),
    "video": lambda draw: "vid" + draw.chance.below(draw.name, 10**8).cast(pl.String).str.zfill(8),
    "handle": lambda _draw: "@" + pl.col("slug"),
    "about": _about,
    "short": lambda draw: draw.chance.pick(draw.name, draw.pools.sentence),
    "rate": _rate,
    "flag": _flag,
    "code": lambda draw: draw.chance.pick(draw.name, ["1", "1", "1", "2", "3", "4", "5", "6"]),
    "gear": lambda draw: draw.chance.pick(draw.name, _GEAR),
    "file": _file,
    "picture": lambda draw: pl.concat_str(
        pl.lit(f"https://{draw.name.split('_')[0]}.example.com/"), "slug", pl.lit("/picture?type=large")
    ),
    "day": _day,
    "date": _date,
    "month": _month,
    "ip": lambda draw: "192.0.2." + draw.chance.below(draw.name, 255).cast(pl.String),
    "token": _token,
    "number": lambda draw: draw.chance.below(draw.name, 5000).cast(pl.String),
}


def _value(key: Key, chance: Chance, pools: Pools) -> pl.Expr:
    look, _, rest = key.look.partition(":")
    if look == "word":
        value = chance.pick(key.name, rest.split(","))
    elif look == "web" and rest:
        value = _web(f"{rest}.")(Draw(chance, key.name, pools))
    else:
        value = _LOOKS[look](Draw(chance, key.name, pools))
    unset = chance.pick(f"{key.name} unset", ["0"] * 5 + ["", "", "no"]) if look == "flag" else pl.lit("")
    has = chance.unit(f"{key.name} has") < key.share
    if look in ("latitude", "longitude"):
        has = chance.unit(f"coordinates has {key.name.startswith('loc')}") < key.share
    if key.kinds:
        has &= pl.col("kind").is_in(key.kinds)
    return pl.when(has).then(value).otherwise(unset).alias(key.name)


def make_profile_values(people: pl.DataFrame, chance: Chance, pools: Pools) -> pl.DataFrame:
    """Return `id` and a text column for each key of `KEYS`, one row for each of `people`.

    '' (for a flag also 0 or no) means not set.
    """
    return people.select("n", "id", *(_value(key, chance, pools) for key in KEYS))
