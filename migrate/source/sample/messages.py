"""Messages and contacts, of the main site and of the forum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from migrate.source.sample import dates
from migrate.source.sample.faker_pools import ENTITY_SNIPPETS, Pools
from migrate.source.sample.people import People
from migrate.source.sample.random_columns import Chance, rows
from migrate.source.sample.size import Size

WITH_ENTITIES: Final = 0.80
TO_ONESELF: Final = 0.07
DELETED: Final = 0.03
#: messages that are empty after cleaning; those made only of entities count among the entities
EMPTY: Final = 0.006
EMPTY_OF_ENTITIES: Final = 0.004
WITH_NUL: Final = 0.001
#: messages whose sender or recipient is no person, for each of the two
LOST: Final = 0.015
ODD_DATES: Final = 0.006

_FORMS: Final = {
    "entity": WITH_ENTITIES - EMPTY_OF_ENTITIES,
    "blank entity": EMPTY_OF_ENTITIES,
    "blank": EMPTY,
    "nul": WITH_NUL,
}
_BLOCK: Final = 100_000
_FORUM_MESSAGES_AT_SCALE_ONE: Final = 30
_FORUM_CONTACTS_AT_SCALE_ONE: Final = 8
_BREAKS: Final = [" ", " ", "\n", "\r\n\r\n", "\r"]


def shows_messages(people: People, size: Size, seed: int, pools: Pools) -> Iterator[pl.DataFrame]:
    """Yield the rows of `shows_messages`, a block at a time."""
    ids = people.main["id"].head(people.users)
    for start in range(0, size.messages, _BLOCK):
        block = rows(start, min(start + _BLOCK, size.messages))
        yield _messages(block, ids, people.beyond, Chance(seed, "messages"), pools, size.messages)


def community_messages(people: People, size: Size, seed: int, pools: Pools) -> pl.DataFrame:
    """Return the rows of `community_messages`."""
    count = size.some(_FORUM_MESSAGES_AT_SCALE_ONE)
    return _messages(
        rows(0, count), people.forum["id"], 1_000_000, Chance(seed, "forum messages"), pools, count
    )


def _messages(
    block: pl.DataFrame, ids: pl.Series, beyond: int, chance: Chance, pools: Pools, count: int
) -> pl.DataFrame:
    # A few write much, most write little.
    sender = (chance.unit("sender") * chance.unit("sender again") * len(ids)).floor().cast(pl.Int64)
    receiver = chance.below("receiver", len(ids))
    no_person = chance.below("nobody", 50) + beyond
    timestamp = dates.growing_timestamp(chance, "moment", count)
    # One draw for all three, so that a message to oneself has no missing sender or recipient.
    ends = chance.deal("ends", {"self": TO_ONESELF, "no sender": LOST, "no receiver": LOST})
    return (
        block.with_columns(
            ends.alias("ends"),
            chance.deal("form", _FORMS).alias("form"),
            chance.deal("date form", dates.odd_shares(ODD_DATES)).alias("date form"),
            pl.lit(ids).gather(sender).alias("from"),
            pl.lit(ids).gather(receiver).alias("to"),
        )
        .with_columns(
            # Chance alone would send a few more to oneself: those go to the next person.
            pl.when(pl.col("from") == pl.col("to"))
            .then(pl.lit(ids).gather((receiver + 1) % len(ids)))
            .otherwise("to")
            .alias("to")
        )
        .select(
            (pl.col("n") + 1).cast(pl.Int64).alias("id"),
            pl.when(pl.col("ends") == "no sender").then(no_person).otherwise("from").alias("from_user"),
            pl.when(pl.col("ends") == "self").then("from")
            .when(pl.col("ends") == "no receiver").then(no_person)
            .otherwise("to")
            .alias("to_user"),
            _body(chance, pools).alias("message"),
            dates.legacy_date(pl.col("date form"), timestamp).alias("date"),
            chance.chosen("read", 0.7).cast(pl.Int64).alias("read"),
            chance.chosen("deleted", DELETED).cast(pl.Int64).alias("deleted"),
        )
    )  # fmt: skip


def _body(chance: Chance, pools: Pools) -> pl.Expr:
    form = pl.col("form")
    opening, closing = chance.pick("opening", pools.sentence), chance.pick("closing", pools.sentence)
    snippet, space = chance.pick("snippet", ENTITY_SNIPPETS), chance.pick("space", _BREAKS)
    return (
        pl.when(form == "entity").then(pl.concat_str(opening, space, snippet, pl.lit(". "), closing))
        .when(form == "blank entity").then(chance.pick("blanks", ["&nbsp;", "&nbsp; \r\n", " &#32; &#xA0;"]))
        .when(form == "blank").then(chance.pick("spaces", ["", " ", "\r\n", "\u00a0 \t"]))
        .when(form == "nul").then(pl.concat_str(opening, pl.lit("\x00"), closing))
        .otherwise(pl.concat_str(opening, space, closing, chance.pick("tail", ["", "", " ", "\n", " 🎙️"])))
    )  # fmt: skip


def shows_contacts(people: People, size: Size, seed: int) -> pl.DataFrame:
    """Return the rows of `shows_contacts`."""
    return _contacts(
        size.contacts, people.main["id"].head(people.users), people.beyond, Chance(seed, "contacts")
    )


def community_contacts(people: People, size: Size, seed: int) -> pl.DataFrame:
    """Return the rows of `community_contacts`."""
    count = size.some(_FORUM_CONTACTS_AT_SCALE_ONE)
    return _contacts(count, people.forum["id"], 1_000_000, Chance(seed, "forum contacts"))


def _contacts(count: int, ids: pl.Series, beyond: int, chance: Chance) -> pl.DataFrame:
    """Return contacts: some to oneself, some with no person, some for the second time in either direction."""
    form = chance.deal("form", {"again": 0.03, "reversed": 0.04, "self": 0.01, "lost": 0.025})
    one = pl.lit(ids).gather(chance.below("one", len(ids)))
    two = pl.lit(ids).gather(chance.below("two", len(ids)))
    earlier = chance.below("earlier", pl.col("n"))
    frame = rows(0, count).with_columns(
        form.alias("form"), one.alias("one"), two.alias("two"), earlier.alias("earlier")
    )
    frame = frame.with_columns(
        pl.col("one").gather(pl.col("earlier")).alias("old one"),
        pl.col("two").gather(pl.col("earlier")).alias("old two"),
    )
    word = pl.col("form")
    return frame.select(
        (pl.col("n") + 1).cast(pl.Int64).alias("id"),
        pl.when(word == "again").then("old one")
        .when(word == "reversed").then("old two")
        .otherwise("one")
        .alias("user1"),
        pl.when(word == "again").then("old two")
        .when(word == "reversed").then("old one")
        .when(word == "self").then("one")
        .when(word == "lost").then(chance.below("nobody", 50) + beyond)
        .otherwise("two")
        .alias("user2"),
        chance.chosen("accepted", 0.7).cast(pl.Int64).alias("accepted"),
    )  # fmt: skip
