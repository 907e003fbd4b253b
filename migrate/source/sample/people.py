"""The people of the sample: one frame with the facts about each person, before any table is made.

`people` gives those of the main site: the first `users` rows are in `shows_users`, the newcomers after them
only in `users`. `forum` gives those of the community site.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from migrate.source.sample import dates
from migrate.source.sample.faker_pools import Pools
from migrate.source.sample.random_columns import Chance, rows
from migrate.source.sample.size import Size

#: what the profile of a person shows: a studio's address, rates, connections only, or nothing
KINDS: Final = {"studio": 0.55, "voice": 0.2, "wired": 0.07}

#: the people of shows_users who are in `users` too, and how: `sparse` with hardly a field, `conflict` with a
#: new address, `chain` with the address of another person, `stub` only as a placeholder
COPIES: Final = {"same": 0.52, "sparse": 0.05, "conflict": 0.02, "chain": 0.015, "stub": 0.01}
#: e-mail addresses that no rule can repair
INVALID: Final = 0.015
#: people who registered a second time with the same address
TWINS: Final = 0.015
ENTITY_NAMES: Final = 0.02
NEWCOMERS: Final = 0.03
_FORUM_PEOPLE_AT_SCALE_ONE: Final = 13
_DOMAINS: Final = ("example.com", "example.com", "example.org", "example.net")


@dataclass(frozen=True)
class People:
    """The frame of the main site's people and that of the community site's."""

    main: pl.DataFrame
    forum: pl.DataFrame
    #: how many of `main`, from the first on, are in shows_users
    users: int

    @property
    def beyond(self) -> int:
        """Return an id above every id of a person: ids from here on belong to no person."""
        return int(self.main["id"].max()) + 1000  # type: ignore[arg-type]


def make_people(size: Size, seed: int, pools: Pools) -> People:
    """Return the people of a sample.

    Columns: n, id (legacy), first, last, display, slug, username, email, kind, copy
    (see `COPIES`), created (seconds since 1970), active, city.
    """
    newcomers = max(1, round(size.users * NEWCOMERS))
    main = _identities(rows(0, size.users + newcomers), Chance(seed, "people"), pools, "")
    # Ids have gaps, as they have after years of deleted accounts.
    main = main.with_columns((pl.col("n") + pl.col("n") // 7 + 3).cast(pl.Int64).alias("id"))
    copy = Chance(seed, "users").deal("copy", COPIES, rest="none").alias("copy")
    known = main.head(size.users).with_columns(copy)
    new = main.tail(newcomers).with_columns(pl.lit("same").alias("copy"))
    chance = Chance(seed, "forum")
    forum = _identities(rows(0, size.some(_FORUM_PEOPLE_AT_SCALE_ONE)), chance, pools, "f")
    # Some of the forum's people are on the main site too, with the same address; the first of them at the end
    # of a chain, so that one person is in all three tables.
    linked = known.filter(pl.col("copy") == "chain")["email"].head(1)
    other = pl.lit(known["email"]).gather(chance.below("whom", known.height))
    forum = forum.with_columns(
        pl.when((pl.col("n") == 0) & pl.lit(len(linked) > 0))
        .then(pl.lit(linked.first(), dtype=pl.String))
        .when(chance.chosen("known", 0.3))
        .then(other.str.to_uppercase())
        .otherwise("email")
        .alias("email"),
        (pl.col("n") + 1).cast(pl.Int64).alias("id"),
    )
    main = pl.concat([known, new])
    return People(main=main, forum=forum, users=size.users)


def _identities(frame: pl.DataFrame, chance: Chance, pools: Pools, mark: str) -> pl.DataFrame:
    first, last = chance.below("first", len(pools.first)), chance.below("last", len(pools.last))
    number = pl.col("n").cast(pl.String)
    frame = frame.with_columns(
        pl.lit(pools.first).gather(first).alias("first"),
        pl.lit(pools.last).gather(last).alias("last"),
        pl.lit(pools.first_slug).gather(first).alias("first_slug"),
        pl.lit(pools.last_slug).gather(last).alias("last_slug"),
        chance.pick("city", pools.city).alias("city"),
        chance.deal("kind", KINDS, rest="other").alias("kind"),
        dates.growing_timestamp(chance, "created", frame.height).alias("created"),
        chance.chosen("active", 0.94).alias("active"),
    ).with_columns(
        (pl.col("first_slug") + mark + number).alias("slug"),
        pl.concat_str("first_slug", pl.lit("."), "last_slug", pl.lit(f".{mark}"), number).alias("local"),
    )
    return frame.with_columns(
        _emails(chance), _usernames(chance, pools).alias("username"), _displays(chance).alias("display")
    )


def _emails(chance: Chance) -> pl.Expr:
    domain = chance.pick("domain", _DOMAINS)
    clean = pl.concat_str("local", pl.lit("@"), domain)
    written = (
        pl.when(chance.chosen("mixed case", 0.3))
        .then(pl.concat_str(pl.col("local").str.to_titlecase(), pl.lit("@"), domain.str.to_titlecase()))
        .when(chance.chosen("padded", 0.02))
        .then(pl.concat_str(pl.lit(" "), clean, pl.lit(" ")))
        .otherwise(clean)
    )
    invalid = (
        pl.when(chance.unit("flaw") < 0.2).then(pl.lit(""))
        .when(chance.unit("flaw") < 0.4).then(pl.col("local") + " at example.com")
        .when(chance.unit("flaw") < 0.6).then(pl.col("local") + "@@example.org")
        .when(chance.unit("flaw") < 0.8).then(pl.col("local") + "@localhost")
        .otherwise(pl.lit("x" * 250 + "@example.net"))
    )  # fmt: skip
    earlier = chance.below("whose", pl.col("n"))
    return (
        pl.when(chance.chosen("invalid", INVALID))
        .then(invalid)
        .when(chance.chosen("twin", TWINS) & (pl.col("n") > 0))
        .then(clean.gather(earlier).str.to_uppercase())
        .otherwise(written)
        .alias("email")
    )


def _usernames(chance: Chance, pools: Pools) -> pl.Expr:
    form = chance.deal(
        "user name",
        {
            "taken": 0.05,
            "loud": 0.03,
            "digits": 0.01,
            "none": 0.02,
            "symbols": 0.01,
            "long": 0.01,
            "short": 0.01,
        },
    )
    common = pools.first_slug.head(12)
    return (
        pl.when(form == "taken").then(chance.pick("common", common))
        .when(form == "loud").then(chance.pick("common", common).str.to_uppercase() + " !")
        .when(form == "digits").then((pl.col("n") * 7 % 1000).cast(pl.String).str.zfill(3))
        .when(form == "none").then(chance.pick("nothing", [None, "", "  "]))
        .when(form == "symbols").then(chance.pick("symbol", ["***", "Ж", "声優", "¡!", "_x_"]))
        .when(form == "long").then((pl.col("slug") + " the voice of the whole wide county").str.head(40))
        .when(form == "short").then(pl.col("first_slug").str.head(1))
        .otherwise("slug")
    )  # fmt: skip


def _displays(chance: Chance) -> pl.Expr:
    full = pl.concat_str("first", pl.lit(" "), "last")
    entity = chance.pick(
        "entity", [" &amp; Co", " &#039;VO&#039;", " &bull; Voice", " &eacute;", " &quot;Mic&quot;"]
    )
    return (
        pl.when(chance.chosen("entity name", ENTITY_NAMES))
        .then(full + entity)
        .when(chance.chosen("no display", 0.1))
        .then(chance.pick("blank", [None, "", ""]))
        .when(chance.chosen("padded display", 0.02))
        .then(pl.concat_str(pl.lit("  "), full, pl.lit(" ")))
        .otherwise(full)
    )
