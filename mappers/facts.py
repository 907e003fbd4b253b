"""Facts of a batch of persons, one column a key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.cleaning.dates import month
from mappers.legacy import literal, sql
from mappers.settings import HOMESTUDIO, CategoryRule

#: Keys whose one value may stand under several names, the first that has one.
ADDRESS: Final = ("address", "loc1")
LATITUDE: Final = ("latitude", "loc3")
LONGITUDE: Final = ("longitude", "loc4")

_FACTS_OF: Final = """
WITH k AS (SELECT person FROM $people WHERE person > ?1 ORDER BY person LIMIT ?2)
SELECT k.person AS person, f.key AS key, f.value AS value
FROM k LEFT JOIN x.fact AS f ON f.person = k.person AND f.key IN ($keys) ORDER BY k.person, f.key"""


def facts_of(people: str, keys: Iterable[str]) -> str:
    """Return SQL for some facts of the persons of a table: person, key, value; at least a row a person."""
    return sql(_FACTS_OF, people=people, keys=", ".join(literal(key) for key in sorted(set(keys))))


def wide(rows: pl.DataFrame, keys: Iterable[str]) -> pl.DataFrame:
    """Return a row a person, in their order, with a column of raw values for each key."""
    names = sorted(set(keys))
    people = rows.select("person").unique(maintain_order=True)
    if not names:
        return people
    facts = rows.filter(pl.col("key").is_in(names))
    pivoted = facts.pivot(
        on="key", on_columns=names, index="person", values="value", aggregate_function="first"
    )
    return people.join(pivoted, on="person", how="left", maintain_order="left")


def first_of(*keys: str) -> pl.Expr:
    """Return the first of several facts under the text rule."""
    return pl.coalesce(cleaning.text(pl.col(key)) for key in keys)


def position() -> tuple[pl.Expr, pl.Expr]:
    """Return latitude and longitude, both or neither, of a wide frame.

    Where the first of each kind make no place, the meta keys' own pair is tried.
    """
    pairs = (
        cleaning.coordinates(first_of(*LATITUDE), first_of(*LONGITUDE)),
        cleaning.coordinates(first_of(LATITUDE[1]), first_of(LONGITUDE[1])),
    )
    return pl.coalesce(lat for lat, _ in pairs), pl.coalesce(lon for _, lon in pairs)


def code(key: str) -> pl.Expr:
    """Return a one-digit code, null where it is not set or 0."""
    value = cleaning.text(pl.col(key))
    return pl.when(~value.str.to_lowercase().is_in(["0", "false", "no", "off"])).then(value)


def first_code() -> pl.Expr:
    """Return the first set homestudio code."""
    return pl.coalesce(code(key) for key in HOMESTUDIO)


def category(rules: Sequence[CategoryRule]) -> pl.Expr:
    """Return the category of each person of a wide frame, by the first rule that holds."""
    chosen = pl.lit("OTHER")
    for rule in reversed(rules):
        chosen = pl.when(_holds(rule)).then(pl.lit(rule.category)).otherwise(chosen)
    return chosen


def category_keys(rules: Sequence[CategoryRule]) -> set[str]:
    """Return the keys that the rules look at."""
    keys = {key for rule in rules for key in (*rule.codes, *rule.texts, *rule.flags)}
    return keys | {*LATITUDE, *LONGITUDE} if any(rule.coordinates for rule in rules) else keys


def last_seen() -> pl.Expr:
    """Return when the person was last seen: last_login, else lastupdated."""
    updated = cleaning.text(pl.col("lastupdated"))
    return pl.coalesce(
        cleaning.timestamp(cleaning.text(pl.col("last_login"))), cleaning.timestamp(updated), month(updated)
    )


def _holds(rule: CategoryRule) -> pl.Expr:
    signs = [code(key).is_not_null() for key in rule.codes]
    signs += [cleaning.text(pl.col(key)).is_not_null() for key in rule.texts]
    signs += [cleaning.boolean(cleaning.text(pl.col(key))) for key in rule.flags]
    if rule.coordinates:
        signs.append(position()[0].is_not_null())
    return pl.any_horizontal(signs) if signs else pl.lit(False)
