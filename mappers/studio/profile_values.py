"""Facts of a batch of persons, one column per key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.cleaning.dates import month
from mappers.sqlite_sql import literal, sql
from mappers.studio.legacy_tables import META
from mappers.studio.settings import HOMESTUDIO, CategoryRule

#: Keys whose one value may have several names; the first that has a value counts.
ADDRESS: Final = ("address", "loc1")
LATITUDE: Final = ("latitude", "loc3")
LONGITUDE: Final = ("longitude", "loc4")
PLACE: Final = ("place_latitude", "place_longitude")
#: SQL for the facts, `f`, of a person, `p`, that are still needed: not the address of an image in the user
#: tables that went into its column unchanged.
LEFT_TO_SAY: Final = (
    "(f.key <> 'avatar_url' OR p.avatar_url IS NULL OR f.value <> p.avatar_url OR f.source IN ("
    + ", ".join(literal(table) for table in ("profile", *META))
    + "))"
)

_FACTS_OF: Final = """
WITH k AS (SELECT person FROM $people WHERE person > ?1 ORDER BY person LIMIT min(?2, 4000))
SELECT k.person AS person, f.key AS key, f.value AS value
FROM k LEFT JOIN x.fact AS f ON f.person = k.person AND +f.key IN ($keys) ORDER BY k.person, f.key"""


def facts_of(people: str, keys: Iterable[str]) -> str:
    """Return SQL for some facts of the persons of a table: person, key, value; at least a row per person."""
    return sql(_FACTS_OF, people=people, keys=", ".join(literal(key) for key in sorted(set(keys))))


def wide(rows: pl.DataFrame, keys: Iterable[str]) -> pl.DataFrame:
    """Return a row per person, in their order, with a column for each key: its value cleaned by the text
    rule.
    """
    names = sorted(set(keys))
    people = rows.select("person").unique(maintain_order=True)
    if not names:
        return people
    facts = rows.filter(pl.col("key").is_in(names)).with_columns(cleaning.text(pl.col("value")))
    pivoted = facts.pivot(
        on="key", on_columns=names, index="person", values="value", aggregate_function="first"
    )
    return people.join(pivoted, on="person", how="left", maintain_order="left")


def first_of(*keys: str) -> pl.Expr:
    """Return the first of several facts of a wide frame."""
    return pl.coalesce(*keys)


def placed(facts: pl.DataFrame) -> pl.DataFrame:
    """Return a wide frame with its place: columns `place_latitude` and `place_longitude`, both or neither.

    The two are one value: the profile's pair, else that of the meta keys. Of a person with several legacy
    ids (`several`) it is the pair that x.place holds.
    """
    first = cleaning.place(facts[LATITUDE[0]], facts[LONGITUDE[0]])
    other = cleaning.place(facts[LATITUDE[1]], facts[LONGITUDE[1]])
    own = cleaning.place(facts["own_latitude"], facts["own_longitude"])
    several = pl.col("several") == 1
    return facts.with_columns(
        pl.when(several).then(mine).otherwise(one.fill_null(two)).alias(name)
        for name, mine, one, two in zip(PLACE, own, first, other, strict=True)
    )


def code(key: str) -> pl.Expr:
    """Return a one-digit code, null if it is not set or 0."""
    value = pl.col(key)
    return pl.when(~value.str.to_lowercase().is_in(["0", "false", "no", "off"])).then(value)


def first_code() -> pl.Expr:
    """Return the first set homestudio code."""
    return pl.coalesce(code(key) for key in HOMESTUDIO)


def category(rules: Sequence[CategoryRule]) -> pl.Expr:
    """Return the category of each person of a wide frame with its place, by the first rule that is true."""
    chosen = pl.lit("OTHER")
    for rule in reversed(rules):
        chosen = pl.when(_holds(rule)).then(pl.lit(rule.category)).otherwise(chosen)
    return chosen


def category_keys(rules: Sequence[CategoryRule]) -> set[str]:
    """Return the keys that the rules use."""
    keys = {key for rule in rules for key in (*rule.codes, *rule.texts, *rule.flags)}
    return keys | {*LATITUDE, *LONGITUDE}


def last_seen() -> pl.Expr:
    """Return when the person was last seen: last_login, else lastupdated."""
    updated = pl.col("lastupdated")
    return pl.coalesce(cleaning.timestamp(pl.col("last_login")), cleaning.timestamp(updated), month(updated))


def _holds(rule: CategoryRule) -> pl.Expr:
    signs = [code(key).is_not_null() for key in rule.codes]
    signs += [pl.col(key).is_not_null() for key in rule.texts]
    signs += [cleaning.boolean(pl.col(key)) for key in rule.flags]
    if rule.coordinates:
        signs.append(pl.col(PLACE[0]).is_not_null())
    return pl.any_horizontal(signs) if signs else pl.lit(False)
