"""What a system's rows are made of: a recipe is data, the builder reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

MakeKeys = Callable[[int], pl.Series]


@dataclass(frozen=True)
class Trap:
    """One oddity of a real system.

    `plant` are the statements that put it into a database full of ordinary rows (none where the
    rows have it by nature); `seen` counts the rows that show it.
    """

    name: str
    seen: str
    plant: Sequence[str] = ()


@dataclass(frozen=True)
class Inside:
    """Ids within a text: `form` has a {} for each, drawn from the keys of the table in its place."""

    form: str
    tables: Sequence[str]


@dataclass(frozen=True)
class Recipe:
    """How one system is filled.

    `rows` says how many a table has. `words` are what a column is drawn from, by "table.column" or by
    "column". `references` are columns that no constraint covers, with the table they point into;
    `either` are pairs of type and id: table → (type column, id column, {type: table}). `copies` are
    the left-over tables, with the table whose rows they hold. `clock` is the form of timestamps. What
    no table is (views, triggers, full text) is made by `before_traps` and `after_traps`.
    """

    rows: Mapping[str, int]
    clock: str
    words: Mapping[str, Sequence[str | None]]
    traps: Sequence[Trap]
    keys: Mapping[str, MakeKeys] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    either: Mapping[str, tuple[str, str, Mapping[str, str]]] = field(default_factory=dict)
    inside: Mapping[str, Inside] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    before_traps: Sequence[str] = ()
    after_traps: Sequence[str] = ()


def numbers(count: int) -> pl.Series:
    """Return integer keys with gaps: 1 … 9, 11 … 19, and so on, with no multiple of 10."""
    return pl.Series([n + (n - 1) // 9 for n in range(1, count + 1)], dtype=pl.Int64)


def uuids(subject: str) -> MakeKeys:
    """Return a maker of UUIDs (version 4 in form), the same for the same subject."""

    def make(count: int) -> pl.Series:
        return pl.Series([_uuid(f"{subject} {n}") for n in range(count)], dtype=pl.String)

    return make


def slugs(*words: str) -> MakeKeys:
    """Return a maker of keys such as `word-17`."""

    def make(count: int) -> pl.Series:
        return pl.Series([f"{words[n % len(words)]}-{n + 1}" for n in range(count)], dtype=pl.String)

    return make


def fixed(*keys: str) -> MakeKeys:
    """Return a maker of these keys, in this order."""
    return lambda count: pl.Series(keys[:count], dtype=pl.String)


def _uuid(text: str) -> str:
    digits = hashlib.sha256(text.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
