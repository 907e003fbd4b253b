"""What the profiles say: one wide frame, a text column for each key, a row for each person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from migrate.sample import dates
from migrate.sample.chance import Chance
from migrate.sample.keys import KEYS, Key
from migrate.sample.pools import Pools

Look = Callable[[Chance, str, Pools], pl.Expr]

_GEAR: Final = (
    "ISDN on request", "Skype: booth-1", "Zoom and Teams", "Source Connect: booth", "Cleanfeed link",
    "SquadCast", "Neumann U87", "ISDN, SquadCast\r\nPhone patch", "Rode NT1 & a quiet room",
)  # fmt: skip
_PURPOSE: Final = (
    "I record podcast episodes.", "Commercial and production work.", "A recording studio for hire.",
    "Our professional studio is open late.", "A mobile rig for on-location jobs.", "Voice only.", "", "", "",
)  # fmt: skip
_COORDINATES: Final = {"long": 0.3, "zero": 0.08, "outside": 0.03, "half": 0.05, "words": 0.02}


def _flag(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    return chance.pick(name, ["1"] * 40 + ["yes"] * 4 + ["on", "true", "TRUE", "2", "maybe"])


def _web(host: str) -> Look:
    def look(chance: Chance, name: str, pools: Pools) -> pl.Expr:
        form = chance.unit(f"{name} form")
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
    def look(chance: Chance, name: str, pools: Pools) -> pl.Expr:
        # One form for both coordinates of a person, whichever keys hold them.
        form = chance.toss("coordinates", _COORDINATES)
        value = (
            chance.below(f"degrees {limit}", int(1.8 * limit * 10**12)).cast(pl.Float64) / 1e12 - 0.9 * limit
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


def _rate(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    amount = (chance.below(f"{name} amount", 60) * 5 + 20).cast(pl.String)
    form = chance.unit(f"{name} form")
    return (
        pl.when(form < 0.5).then("£" + amount)
        .when(form < 0.7).then(amount)
        .when(form < 0.8).then("$" + amount + " an hour")
        .when(form < 0.9).then(pl.lit("0"))
        .otherwise("from €" + amount)
    )  # fmt: skip


def _phone(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    # Ranges that regulators keep for fiction: Ofcom's, and 555-0100 to 555-0199.
    last = chance.below(f"{name} number", 1000).cast(pl.String).str.zfill(3)
    form = chance.unit(f"{name} range")
    return (
        pl.when(form < 0.4).then("07700 900" + last)
        .when(form < 0.7).then("01632 960" + last)
        .when(form < 0.9).then("+44 20 7946 0" + last)
        .otherwise("(212) 555-01" + last.str.tail(2))
    )  # fmt: skip


def _about(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    parts = [chance.pick(f"{name} {part}", pools.sentence) for part in range(5)]
    breaks = chance.pick(f"{name} break", ["\r\n\r\n", "\n", "\r", " "])
    return pl.concat_str(parts[0], pl.lit(" "), chance.pick(f"{name} purpose", _PURPOSE), breaks, *parts[1:])


def _token(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    return "sample-token-" + chance.below(name, 10**15).cast(pl.String).str.zfill(15)


def _file(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    endings = [".jpg", ".JPG", " room.jpg", "-über.png", " 50%.jpeg", " (2).webp"]
    return pl.concat_str("slug", pl.lit(f"-{name}"), chance.pick(name, endings))


def _day(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    return pl.from_epoch(dates.any_moment(chance, name) - 30 * 365 * 86_400, "s").dt.strftime("%Y-%m-%d")


def _date(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    later = dates.after(chance, f"{name} later", pl.col("created"), 3)
    return dates.legacy_date(chance, name, later, 0.09, exact=False)


def _month(chance: Chance, name: str, pools: Pools) -> pl.Expr:
    later = dates.after(chance, f"{name} later", pl.col("created"), 3)
    return (
        pl.when(chance.unit(f"{name} form") < 0.7).then(dates.month(later)).otherwise(dates.plain(later))
    )  # fmt: skip


_LOOKS: Final[Mapping[str, Look]] = {
    "first": lambda _chance, _name, _pools: pl.col("first"),
    "last": lambda _chance, _name, _pools: pl.col("last"),
    "city": lambda _chance, _name, _pools: pl.col("city"),
    "street": lambda chance, _name, pools: chance.pick("street", pools.street),
    "latitude": _degrees(90.0, 12),
    "longitude": _degrees(180.0, 11),
    "phone": _phone,
    "web": _web(""),
    "video": lambda chance, name, _pools: "vid" + chance.below(name, 10**8).cast(pl.String).str.zfill(8),
    "handle": lambda _chance, _name, _pools: "@" + pl.col("slug"),
    "about": _about,
    "short": lambda chance, name, pools: chance.pick(name, pools.sentence),
    "rate": _rate,
    "flag": _flag,
    "code": lambda chance, name, _pools: chance.pick(name, ["1", "1", "1", "2", "3", "4", "5", "6"]),
    "gear": lambda chance, name, _pools: chance.pick(name, _GEAR),
    "file": _file,
    "picture": lambda _chance, name, _pools: pl.concat_str(
        pl.lit(f"https://{name.split('_')[0]}.example.com/"), "slug", pl.lit("/picture?type=large")
    ),
    "day": _day,
    "date": _date,
    "month": _month,
    "ip": lambda chance, name, _pools: "192.0.2." + chance.below(name, 255).cast(pl.String),
    "token": _token,
    "number": lambda chance, name, _pools: chance.below(name, 5000).cast(pl.String),
}


def _value(key: Key, chance: Chance, pools: Pools) -> pl.Expr:
    look, _, rest = key.look.partition(":")
    if look == "word":
        value = chance.pick(key.name, rest.split(","))
    elif look == "web" and rest:
        value = _web(f"{rest}.")(chance, key.name, pools)
    else:
        value = _LOOKS[look](chance, key.name, pools)
    unset = chance.pick(f"{key.name} unset", ["0"] * 5 + ["", "", "no"]) if look == "flag" else pl.lit("")
    has = chance.unit(f"{key.name} has") < key.share
    if look in ("latitude", "longitude"):
        has = chance.unit(f"coordinates has {key.name.startswith('loc')}") < key.share
    if key.kinds:
        has &= pl.col("kind").is_in(key.kinds)
    return pl.when(has).then(value).otherwise(unset).alias(key.name)


def tell_facts(people: pl.DataFrame, chance: Chance, pools: Pools) -> pl.DataFrame:
    """Return `id` and a text column for each key of `KEYS`, one row for each of `people`.

    '' (for a flag also 0 or no) means not set.
    """
    return people.select("n", "id", *(_value(key, chance, pools) for key in KEYS))
