"""The profiles: `shows_usermeta` and `community_usermeta` (a row per key), `profile` (a column per key)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from migrate.source.sample.faker_pools import ENTITY_SNIPPETS, Pools
from migrate.source.sample.meta_keys import KEYS, PROFILE, PROSE
from migrate.source.sample.people import People
from migrate.source.sample.profile_values import make_profile_values
from migrate.source.sample.random_columns import Chance
from migrate.source.sample.size import Size

ENTITY_VALUES: Final = 0.02
#: people without any meta row or profile
SILENT: Final = 0.05
#: rows whose user does not exist
LOST: Final = 0.004
_ENTITIES_IN_PROSE: Final = 0.05
_BLOCK: Final = 4_000
_KEYS_PER_FORUM_PERSON: Final = 14


def shows_usermeta(people: People, size: Size, seed: int, pools: Pools) -> Iterator[pl.DataFrame]:
    """Yield the rows of `shows_usermeta`, `size.meta` in all, a block of people at a time."""
    main = people.main.head(people.users)[: size.profiles]
    chance = Chance(seed, "usermeta")
    written = 0
    for start in range(0, main.height, _BLOCK):
        block = main.slice(start, _BLOCK)
        until = round(size.meta * (start + block.height) / main.height)
        facts = make_profile_values(_speaking(block, seed), Chance(seed, "facts"), pools)
        yield _meta_rows(facts, chance, until - written, written, people.beyond)
        written = until


def community_usermeta(people: People, seed: int, pools: Pools) -> pl.DataFrame:
    """Return the rows of `community_usermeta`."""
    facts = make_profile_values(people.forum, Chance(seed, "forum facts"), pools)
    rows = _KEYS_PER_FORUM_PERSON * facts.height
    return _meta_rows(facts, Chance(seed, "forum meta"), rows, 0, 1_000_000)


def profile(
    people: People, users: pl.DataFrame, size: Size, seed: int, pools: Pools
) -> Iterator[pl.DataFrame]:
    """Yield the rows of `profile`, for nine of ten of the people in `users` who filled in something.

    The same values as the meta rows. Some are blank, so that the meta row is used; some have another first
    name, so that the order of authority is visible.
    """
    chance = Chance(seed, "profile")
    main = people.main[: size.profiles]
    main = main.join(users.select("id"), on="id", how="semi", maintain_order="left")
    prose = {key.name for key in KEYS if key.look in PROSE}
    lost = pl.when(chance.chosen("lost", LOST * 2)).then(pl.col("id") + people.beyond).otherwise("id")
    columns = [_profile_column(key, chance, key in prose) for key in PROFILE]
    for start in range(0, main.height, _BLOCK):
        speaking = _speaking(main.slice(start, _BLOCK), seed).filter(chance.chosen("has one", 0.9))
        facts = make_profile_values(speaking, Chance(seed, "facts"), pools)
        yield facts.select(lost.alias("user_id"), *columns)


def _profile_column(key: str, chance: Chance, prose: bool) -> pl.Expr:
    blank = chance.unit(f"{key} blank")
    value = pl.col(key)
    if key == "first_name":
        value = pl.when(chance.unit("renamed") < 0.04).then(value + " B.").otherwise(value)
    if prose:
        entity = (chance.unit(f"{key} entity") < _ENTITIES_IN_PROSE) & (value != "")
        snippet = chance.pick(f"{key} snippet", ENTITY_SNIPPETS)
        value = pl.when(entity).then(value + " " + snippet).otherwise(value)
    return pl.when(blank < 0.1).then(None).when(blank < 0.15).then(pl.lit("")).otherwise(value).alias(key)


def _speaking(people: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the people who filled in anything at all: the same ones in every table."""
    return people.filter(Chance(seed, "silence").unit("silent") >= SILENT)


def _meta_rows(facts: pl.DataFrame, chance: Chance, count: int, before: int, beyond: int) -> pl.DataFrame:
    """Return `count` of the values as rows, numbered from `before` + 1."""
    names = [key.name for key in KEYS]
    places = pl.DataFrame(
        {
            "meta_key": names,
            "place": range(len(KEYS)),
            "weight": [key.weight for key in KEYS],
            "prose": [key.look in PROSE for key in KEYS],
        }
    )
    every = (
        facts.unpivot(names, index=["n", "id"], variable_name="meta_key", value_name="meta_value")
        .join(places, on="meta_key", how="left", maintain_order="left")
        .with_columns((pl.col("n") * len(KEYS) + pl.col("place").cast(pl.UInt64)).alias("n"))
    )
    kept = every.filter((chance.unit("kept") / pl.col("weight")).rank("ordinal") <= count).sort("n")
    open_to_entities = pl.col("prose") & (pl.col("meta_value") != "")
    rank = pl.when(open_to_entities).then(chance.unit("entity")).rank("ordinal")
    snippet = pl.lit(" ") + chance.pick("snippet", ENTITY_SNIPPETS)
    lost = chance.chosen("lost", LOST)
    return kept.select(
        (pl.int_range(pl.len()) + before + 1).alias("id"),
        pl.when(lost).then(pl.col("id") + beyond).otherwise("id").alias("user_id"),
        "meta_key",
        pl.when((rank <= (pl.len() * ENTITY_VALUES).round()).fill_null(False))
        .then(pl.col("meta_value") + snippet)
        .otherwise("meta_value")
        .alias("meta_value"),
    )
