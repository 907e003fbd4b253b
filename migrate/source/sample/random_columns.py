"""Seeded random choices, a column at a time.

A choice depends on (seed, subject, name of the choice, row number): not on the clock, the hash seed of Python
or the number of threads. If a share must be exact, it depends on the other rows of the frame as well.

The mixing function is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
2014), written in Polars' wrapping 64-bit arithmetic.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

#: the column of row numbers that every choice is made from
ROW: Final = "n"


def _word(value: int) -> pl.Series:
    return pl.Series([value], dtype=pl.UInt64)


_STEP: Final = _word(0x9E3779B97F4A7C15)


def _shifted(bits: int) -> pl.Expr:
    # Division by a power of two replaces the right shift, which Polars does not have.
    return pl.col(ROW) // pl.lit(1 << bits, dtype=pl.UInt64)


#: One query each: an expression that uses its operand twice contains it twice, and after three steps eight
#: times. The last one keeps 53 bits, what a float holds exactly.
_STEPS: Final = (
    (pl.col(ROW) ^ _shifted(30)) * pl.lit(0xBF58476D1CE4E5B9, dtype=pl.UInt64),
    (pl.col(ROW) ^ _shifted(27)) * pl.lit(0x94D049BB133111EB, dtype=pl.UInt64),
    ((pl.col(ROW) ^ _shifted(31)) // (1 << 11)).cast(pl.Float64) / float(1 << 53),
)


def rows(start: int, stop: int) -> pl.DataFrame:
    """Return a frame of the row numbers `start` to `stop` - 1, in the column `n`."""
    return pl.select(pl.int_range(start, stop, dtype=pl.UInt64).alias(ROW))


class Chance:
    """Choices about one subject (usually a table) with one seed.

    Every method returns an expression over the column `n` of the frame.
    """

    def __init__(self, seed: int, subject: str) -> None:
        self._seed = seed
        self._subject = subject

    def unit(self, name: str) -> pl.Expr:
        """Return numbers in [0, 1), 53 bits each."""
        key = f"{self._seed}\x1f{self._subject}\x1f{name}".encode()
        salt = _word(int.from_bytes(hashlib.sha256(key).digest()[:8], "big"))

        def draw(numbers: pl.Series) -> pl.Series:
            mixed = (numbers * _STEP + salt).alias(ROW).to_frame()
            for step in _STEPS:
                mixed = mixed.select_seq(step)
            return mixed.to_series()

        return pl.col(ROW).map_batches(draw, return_dtype=pl.Float64, is_elementwise=True)

    def below(self, name: str, limit: int | pl.Expr) -> pl.Expr:
        """Return whole numbers in [0, limit)."""
        return (self.unit(name) * limit).floor().cast(pl.Int64)

    def pick(self, name: str, values: Sequence[str | None] | pl.Series) -> pl.Expr:
        """Return one of `values`, each as likely as it is frequent among them."""
        series = values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
        return pl.lit(series).gather(self.below(name, len(series)))

    def chosen(self, name: str, share: float) -> pl.Expr:
        """Return true for exactly `share` of the frame's rows (rounded to a whole row)."""
        return self.unit(name).rank("ordinal") <= (pl.len() * share).round()

    def deal(self, name: str, shares: Mapping[str, float], rest: str = "usual") -> pl.Expr:
        """Return a word for each row, each word for exactly its share of the frame's rows."""
        place = (self.unit(name).rank("ordinal") - 0.5) / pl.len()
        return _cut(place, shares, rest)

    def toss(self, name: str, shares: Mapping[str, float], rest: str = "usual") -> pl.Expr:
        """Return a word for each row by its share.

        Only about that share, but independent of the other rows.
        """
        return _cut(self.unit(name), shares, rest)


def _cut(place: pl.Expr, shares: Mapping[str, float], rest: str) -> pl.Expr:
    ends = pl.Series(list(itertools.accumulate(shares.values())), dtype=pl.Float64)
    # An index into the words by search, not a chain of comparisons: `place` is computed once.
    index = pl.lit(ends).search_sorted(place, side="right")
    return pl.lit(pl.Series([*shares, rest], dtype=pl.String)).gather(index)
