"""The tables that no mapper reads: the report lists them with their counts."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from migrate.source.sample import dates
from migrate.source.sample.faker_pools import Pools
from migrate.source.sample.random_columns import Chance, rows
from migrate.source.sample.size import Size


def leftovers(size: Size, seed: int, pools: Pools) -> Mapping[str, pl.DataFrame]:
    """Return a frame for each table that is not migrated, except `shows_commentvotes`."""
    return {
        "shows_roles": _roles(),
        "shows_options": _options(seed),
        "shows_sessions": _sessions(size, seed),
        "contacts": _inbox(size, seed, pools),
        "faq": _faq(seed, pools),
        "faq_signuser": _signed_up(),
        "poi": _places(seed, pools),
        "maps_poi_example": _map_examples(seed, pools),
        "_database_metadata": _imports(),
    }


def _numbered(count: int) -> pl.DataFrame:
    return rows(0, count).with_columns((pl.col("n") + 1).cast(pl.Int64).alias("id"))


def _text_of(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)


def _roles() -> pl.DataFrame:
    names = ["Administrator", "User", "Editor", "Paid"]
    return pl.DataFrame(
        {"id": [1, 2, 4, 7], "name": names, "permissions": ['{"all":1}', "", '{"edit":1}', ""]}
    )


def _options(seed: int) -> pl.DataFrame:
    chance = Chance(seed, "options")
    return _numbered(40).select(
        "id",
        chance.pick("group", ["general", "mail", "map"]).alias("group"),
        ("option_" + _text_of("id")).alias("item"),
        chance.below("value", 100).cast(pl.String).alias("value"),
    )


def _sessions(size: Size, seed: int) -> pl.DataFrame:
    chance = Chance(seed, "sessions")
    return _numbered(size.some(80)).select(
        ("sample-session-" + _text_of("id")).alias("id"),
        pl.lit("synthetic payload").alias("payload"),
        dates.any_timestamp(chance, "moment").alias("last_activity"),
    )


def _inbox(size: Size, seed: int, pools: Pools) -> pl.DataFrame:
    chance = Chance(seed, "inbox")
    return _numbered(size.some(30)).select(
        "id",
        chance.pick("name", pools.first).alias("name"),
        ("visitor" + _text_of("id") + "@example.net").alias("email"),
        ("01632 960" + chance.below("phone", 1000).cast(pl.String).str.zfill(3)).alias("phone"),
        chance.pick("message", pools.sentence).alias("message"),
        dates.plain(dates.any_timestamp(chance, "moment")).alias("created_at"),
    )


def _faq(seed: int, pools: Pools) -> pl.DataFrame:
    chance = Chance(seed, "faq")
    question = chance.pick("question", pools.title).str.replace(r"\.$", "?")
    return _numbered(12).select(
        "id",
        question.alias("question"),
        chance.pick("answer", pools.sentence).alias("answer"),
        pl.col("id").alias("sort_order"),
    )


def _signed_up() -> pl.DataFrame:
    # The one table with readable passwords: their text says that they are synthetic.
    return _numbered(6).select(
        "id",
        ("signed" + _text_of("id")).alias("username"),
        ("07700 90010" + _text_of("id")).alias("phone"),
        ("signed" + _text_of("id") + "@example.org").alias("email"),
        ("synthetic-plain-password-" + _text_of("id")).alias("password"),
        pl.lit("1").alias("grade"),
        pl.when(pl.col("id") == 1).then(pl.lit("yes")).otherwise(pl.lit("")).alias("admin"),
    )


def _degrees(chance: Chance, name: str, limit: int) -> pl.Expr:
    return (chance.below(name, 2 * limit * 10**5) / 1e5 - limit).round(5)


def _places(seed: int, pools: Pools) -> pl.DataFrame:
    chance = Chance(seed, "poi")
    return _numbered(20).select(
        "id",
        chance.pick("name", pools.city).alias("name"),
        chance.pick("description", pools.sentence).alias("description"),
        _degrees(chance, "lat", 90).alias("lat"),
        _degrees(chance, "lon", 180).alias("lon"),
    )


def _map_examples(seed: int, pools: Pools) -> pl.DataFrame:
    chance = Chance(seed, "map")
    return _numbered(15).select(
        "id",
        chance.pick("name", pools.city).alias("name"),
        chance.pick("desc", pools.title).alias("desc"),
        _degrees(chance, "lat", 90).cast(pl.String).alias("lat"),
        _degrees(chance, "lon", 180).cast(pl.String).alias("lon"),
    )


def _imports() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "database_name": ["shows", "community", "faq"],
            "prefix": ["shows_", "community_", "faq_"],
            "description": ["the main site", "the forum", "the questions"],
            "imported_at": ["2024-01-15 10:00:00"] * 3,
        }
    )
