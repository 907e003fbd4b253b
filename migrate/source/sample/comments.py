"""Comments on studios and replies to them, of both sites, with their votes."""

from __future__ import annotations

from typing import Final

import polars as pl

from migrate.source.sample import dates
from migrate.source.sample.faker_pools import ENTITY_SNIPPETS, Pools
from migrate.source.sample.people import People
from migrate.source.sample.random_columns import Chance, rows
from migrate.source.sample.size import Size

#: the kinds of comments: the rest are reviews by one person of another person's studio
FORMS: Final = {
    "owner's reply": 0.16,
    "owner's second reply": 0.04,
    "reply of another": 0.08,
    "no studio": 0.04,
    "page of nobody": 0.04,
    "page of words": 0.04,
    "lost reviewer": 0.04,
    "lost parent": 0.04,
}
_FORUM_COMMENTS_AT_SCALE_ONE: Final = 3


def shows_comments(people: People, size: Size, seed: int, pools: Pools) -> pl.DataFrame:
    """Return the rows of `shows_comments`: the reviews first, the replies after them."""
    chance = Chance(seed, "comments")
    members = people.main.head(people.users)
    studios = members.filter(pl.col("kind") == "studio")["id"]
    others = members.filter(pl.col("kind") == "other")["id"]
    everyone = members["id"]
    return _comments(size.comments, studios, others, everyone, people.beyond, chance, pools)


def community_comments(people: People, size: Size, seed: int, pools: Pools) -> pl.DataFrame:
    """Return the rows of `community_comments`."""
    ids = people.forum["id"]
    chance = Chance(seed, "forum comments")
    return _comments(size.some(_FORUM_COMMENTS_AT_SCALE_ONE), ids, ids, ids, 1_000_000, chance, pools)


def _comments(
    count: int,
    studios: pl.Series,
    others: pl.Series,
    everyone: pl.Series,
    beyond: int,
    chance: Chance,
    pools: Pools,
) -> pl.DataFrame:
    owner = pl.lit(studios).gather(chance.below("owner", len(studios)))
    writer = pl.lit(everyone).gather(chance.below("writer", len(everyone)))
    # Replies come last, so that their parents are older. Valid reviews and the owners' first replies come
    # before the others of their kind, so that a second reply finds both.
    frame = (
        rows(0, count)
        .with_columns(
            chance.deal("form", FORMS, rest="review").alias("form"),
            owner.alias("owner"),
            writer.alias("writer"),
        )
        .with_columns(pl.col("form").str.contains("reply").alias("reply"))
        .sort("reply", ~pl.col("form").is_in(["review", "owner's reply"]), "n")
        .with_columns(pl.int_range(pl.len(), dtype=pl.UInt64).alias("n"))
    )
    reviews = max(1, frame.filter(~pl.col("reply")).height)
    # Replies go to reviews in turn: the second replies, counted from the start again, go to the same reviews
    # as the first ones.
    parent = (pl.col("n").cast(pl.Int64) - reviews) % reviews
    parent = pl.when(pl.col("form") == "owner's second reply").then(pl.lit(0)).otherwise(parent)
    frame = frame.with_columns(
        parent.alias("parent"),
        pl.col("owner").gather(parent).alias("parent owner"),
        _age(chance, count).alias("timestamp"),
    )
    form = pl.col("form")
    page = (
        pl.when("reply").then(pl.col("parent owner").cast(pl.String))
        .when(form == "page of nobody").then((chance.below("nobody", 50) + beyond).cast(pl.String))
        .when(form == "page of words").then(chance.pick("word", ["home", "", "about-us"]))
        .when((form == "no studio") & pl.lit(len(others) > 0))
        .then(pl.lit(others).gather(chance.below("other", max(1, len(others)))).cast(pl.String))
        .otherwise(pl.col("owner").cast(pl.String))
    )  # fmt: skip
    user = (
        pl.when(form.str.starts_with("owner's")).then("parent owner")
        .when(form == "lost reviewer").then(pl.lit(beyond + 7))
        .otherwise("writer")
    )  # fmt: skip
    return frame.with_columns(page.alias("page"), user.alias("user_id")).select(
        (pl.col("n") + 1).cast(pl.Int64).alias("id"),
        "user_id",
        "page",
        pl.concat_str(pl.lit("/studios/"), "page").alias("page_url"),
        chance.pick("title", pools.title).alias("page_title"),
        _content(chance, pools).alias("content"),
        dates.plain(pl.col("timestamp")).alias("date"),
        pl.when(chance.chosen("edited", 0.2))
        .then(dates.plain(pl.col("timestamp") + 3600))
        .otherwise(pl.lit("0000-00-00 00:00:00"))
        .alias("updated"),
        chance.below("up", 8).alias("upvotes"),
        chance.below("down", 3).alias("downvotes"),
        chance.deal("status", {"0": 0.2, "2": 0.08}, rest="1").alias("status"),
        pl.when(form == "lost parent").then(pl.lit(count + 1000))
        .when("reply").then(pl.col("parent") + 1)
        .otherwise(0)
        .alias("parent"),
    )  # fmt: skip


def _age(chance: Chance, count: int) -> pl.Expr:
    return dates.growing_timestamp(chance, "moment", count)


def _content(chance: Chance, pools: Pools) -> pl.Expr:
    snippet = (
        pl.when(chance.unit("entity") < 0.5)
        .then(pl.lit(""))
        .otherwise(chance.pick("snippet", ENTITY_SNIPPETS))
    )
    return pl.concat_str(chance.pick("sentence", pools.sentence), pl.lit(" "), snippet)


def shows_commentvotes(people: People, size: Size, seed: int) -> pl.DataFrame:
    """Return the rows of `shows_commentvotes`, a table that is not migrated."""
    chance = Chance(seed, "votes")
    ids = people.main["id"].head(people.users)
    return rows(0, size.some(30)).select(
        (pl.col("n") + 1).cast(pl.Int64).alias("id"),
        chance.below("type", 2).alias("type"),
        (chance.below("comment", size.comments) + 1).alias("comment_id"),
        pl.lit(ids).gather(chance.below("user", len(ids))).alias("user_id"),
        dates.plain(dates.any_timestamp(chance, "moment")).alias("date"),
    )
