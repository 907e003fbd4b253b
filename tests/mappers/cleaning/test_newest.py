"""The newest date of many columns, found without reading every cell."""

from __future__ import annotations

import random

import polars as pl
import pytest

from mappers import cleaning

CELLS = (
    None, "", "?", "2020-01-31 10:00:00", "2020-02-28 10:00:00", "2020-02-30 10:00:00", "2020-03-01 99:00:00",
    "2020-03-01T10:00:00+02:00", "2020-03-01 23:59-12", "1583000000", "2020-03-01 10:00:00.9",
    " 2020-03-02 00:00:00", "2020-03-02&nbsp;00:00:00", "2020&#45;03-03 00:00:00", "0000-00-00 00:00:00",
    "9999-99-99 00:00:00",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_newest_of_all_moments_in_whatever_order_they_come(seed: int) -> None:
    chance = random.Random(seed)
    cells = pl.Series(chance.choices(CELLS, k=chance.randrange(1, 12)), dtype=pl.String)
    newest = cleaning.Newest()
    for start in range(0, len(cells), 3):
        newest.add(cells.slice(start, 3))
    wanted = pl.select(cleaning.timestamp(cleaning.text(pl.lit(cells))).to_physical().max()).item()
    assert newest.milliseconds == wanted


def test_nothing_has_no_newest() -> None:
    newest = cleaning.Newest()
    newest.add(pl.Series([], dtype=pl.String))
    assert newest.milliseconds is None
