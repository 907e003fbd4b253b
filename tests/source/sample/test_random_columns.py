"""Choices depend on seed, subject, name and row number alone, and keep their shares."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest

from migrate.source.sample.random_columns import Chance, rows

_MASK = (1 << 64) - 1


def _reference(seed: int, subject: str, name: str, row: int) -> float:
    """SplitMix64 in Python's own integers."""
    salt = int.from_bytes(hashlib.sha256(f"{seed}\x1f{subject}\x1f{name}".encode()).digest()[:8], "big")
    state = (row * 0x9E3779B97F4A7C15 + salt) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((state ^ (state >> 31)) >> 11) / (1 << 53)


def test_units_are_those_of_splitmix64() -> None:
    units = rows(0, 200).select(Chance(7, "people").unit("age").alias("unit"))["unit"].to_list()
    assert units == [_reference(7, "people", "age", row) for row in range(200)]


def test_units_spread_evenly() -> None:
    units = rows(0, 100_000).select(Chance(1, "a").unit("b").alias("unit"))["unit"]
    counts = (units * 10).floor().value_counts()["count"].to_list()
    assert len(counts) == 10
    assert min(counts) > 9_600


@pytest.mark.parametrize(
    "other", [Chance(2, "a").unit("b"), Chance(1, "c").unit("b"), Chance(1, "a").unit("c")]
)
def test_seed_subject_and_name_each_change_the_choice(other: pl.Expr) -> None:
    frame = rows(0, 1000).select(Chance(1, "a").unit("b").alias("one"), other.alias("other"))
    assert frame.filter(pl.col("one") == pl.col("other")).is_empty()
    assert abs(frame.select(pl.corr("one", "other")).item()) < 0.1


def test_a_toss_does_not_look_at_other_rows() -> None:
    toss = Chance(1, "a").toss("form", {"x": 0.2, "y": 0.3}).alias("form")
    assert rows(0, 500).select(toss)["form"][300:].to_list() == rows(300, 500).select(toss)["form"].to_list()


def test_a_deal_gives_every_word_its_exact_share() -> None:
    deal = Chance(1, "a").deal("form", {"x": 0.8, "y": 0.05, "z": 0.001}).alias("form")
    counts = dict(rows(5, 2005).select(deal)["form"].value_counts().iter_rows())
    assert counts == {"x": 1600, "y": 100, "z": 2, "usual": 298}


@pytest.mark.parametrize("share", [0.0, 0.25, 0.94, 1.0])
def test_exactly_the_share_is_chosen(share: float) -> None:
    assert rows(0, 400).select(Chance(3, "a").chosen("b", share).sum()).item() == 400 * share
