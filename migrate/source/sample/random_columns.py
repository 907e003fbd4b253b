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
_FIRST: Final = _word(0xBF58476D1CE4E5B9)
_SECOND: Final = _word(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = _word(1 << 30), _word(1 << 27), _word(1 << 31)
#: to 53 bits, what a float holds exactly
_SHIFT_11: Final = _word(1 << 11)


# Series, not expressions: an expression that uses its operand twice contains it twice, and after three steps
# eight times, and all of that is planned for each choice.
def _mix(state: pl.Series) -> pl.Series:
    # Division by a power of two replaces the right shift, which Polars does not have.
    state = (state ^ (state // _SHIFT_30)) * _FIRST
    state = (state ^ (state // _SHIFT_27)) * _SECOND
    return state ^ (state // _SHIFT_31)


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
            return (_mix(numbers * _STEP + salt) // _SHIFT_11).cast(pl.Float64) / float(1 << 53)

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
