"""Compares two bags of texts without holding either in memory: the expected rows and the present ones.

Each side is reduced to a count and two sums of parts of a hash, in any order of its rows: short texts by us
on both sides (`verification.multiset_sum`), long ones with SHA-256, by the server on its side. If the sums
are equal the bags are equal. If not, sums over 4096 buckets (the first three hex digits of SHA-256) show
where the difference is, and only the rows of those buckets are fetched and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import polars as pl
import polars_hash  # noqa: F401  registers the expression namespace `chash`
from psycopg import sql

from verification.context import CheckContext
from verification.key_scan import read_column
from verification.multiset_sum import MultisetSum, multiset_sum, sum_staged_texts
from verification.queries import ask, stream, texts

#: rows of different buckets that are fetched to be named; further faults are only counted
FETCHED = 100_000
_BUCKET = 3  # hex digits
_PIECE = 8  # hex digits of each of the two summed parts: 2^31 rows fit a sum of int64

#: yields frames of a column `text`, and maybe `key`, the row's name for a person; called again for the second
#: scan
Expected = Callable[[], Iterator[pl.DataFrame]]


@dataclass(frozen=True)
class Staged:
    """Texts on the server: `text` and `key` are expressions over the rows of `table` that `where` selects.

    `whole` names table and column if `text` is just such a column of all its rows.
    """

    table: sql.Composable
    text: sql.Composable
    key: sql.Composable
    where: sql.Composable = field(default_factory=lambda: sql.SQL("true"))
    whole: tuple[str, str] | None = None


@dataclass(frozen=True)
class Difference:
    """How two bags differ.

    `expected` and `staged` count the texts of each side. `missing` and `unexpected` are frames (`text`,
    `key`, `times`) of texts found too seldom or too often, with the key from the side that has the text more
    often; `unnamed` is the least number of further differing texts.
    """

    expected: int
    staged: int
    missing: pl.DataFrame
    unexpected: pl.DataFrame
    unnamed: int


_NOTHING = pl.DataFrame(schema={"text": pl.String, "key": pl.String, "times": pl.Int64})
_SUMS = ("rows", "one", "two")


class Sums:
    """The reduced form of a bag of texts, added to frame by frame."""

    def __init__(self, *, bucketed: bool = False) -> None:
        self._bucket = pl.col("hash").str.slice(0, _BUCKET) if bucketed else pl.lit("")
        self.frame = _shape([] if bucketed else [("", 0, 0, 0)])

    def add(self, texts: pl.DataFrame) -> None:
        """Add the column `text` of a frame."""
        part = (
            texts.select(_hashed().alias("hash"))
            .group_by(self._bucket.alias("bucket"))
            .agg(pl.len().cast(pl.Int64).alias("rows"), _piece(0).alias("one"), _piece(1).alias("two"))
        )
        self.frame = pl.concat([self.frame, part]).group_by("bucket").agg(pl.col(*_SUMS).sum())

    @property
    def rows(self) -> int:
        """Return how many texts were added."""
        return int(self.frame["rows"].sum())

    def same_as(self, other: Sums) -> bool:
        """Return whether both are the same bag."""
        return self.frame.sort("bucket").equals(other.frame.sort("bucket"))


def compare(context: CheckContext, expected: Expected, staged: Staged) -> Difference:
    """Return how the bag of expected texts differs from the staged one.

    Memory is bounded by the batches of `expected` and, if they differ, by `FETCHED`.
    """
    with ThreadPoolExecutor(max_workers=1) as server:  # both sides at once: the server has its own cores
        theirs = server.submit(_tally_staged, context, staged)
        ours = multiset_sum(expected())
    if ours == theirs.result():
        return Difference(ours.rows, ours.rows, _NOTHING, _NOTHING, 0)
    should, held = _sum_expected(expected()), sum_staged(context, staged, bucketed=True)
    if should.same_as(held):  # different only because of the fetch: a text contains the separator
        return Difference(should.rows, held.rows, _NOTHING, _NOTHING, 0)
    buckets, left = _unlike(should.frame, held.frame)
    missing, unexpected = _name(_fetch_expected(expected(), buckets), _fetch_staged(context, staged, buckets))
    if missing.is_empty() and unexpected.is_empty():
        left = max(1, left)
    return Difference(should.rows, held.rows, missing, unexpected, left)


def _tally_staged(context: CheckContext, staged: Staged) -> MultisetSum:
    if staged.whole is not None:
        return read_column(context, *staged.whole).multiset_sum
    return sum_staged_texts(context, staged.table, staged.text, staged.where)


def _shape(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"bucket": pl.String, **dict.fromkeys(_SUMS, pl.Int64)}, orient="row")


def _hashed() -> pl.Expr:
    return pl.col("text").chash.sha2_256()  # type: ignore[attr-defined, no-any-return]


def _piece(number: int) -> pl.Expr:
    start = _BUCKET + number * _PIECE
    return pl.col("hash").str.slice(start, _PIECE).str.to_integer(base=16, dtype=pl.Int64).sum()


def _sum_expected(frames: Iterator[pl.DataFrame]) -> Sums:
    sums = Sums(bucketed=True)
    for frame in frames:
        sums.add(frame)
    return sums


def _their_hash(staged: Staged) -> sql.Composed:
    return sql.SQL("encode(sha256(convert_to(coalesce({}, ''), 'UTF8')), 'hex')").format(staged.text)


def sum_staged(context: CheckContext, staged: Staged, *, bucketed: bool = False) -> Sums:
    """Return the reduced form of the staged texts, computed by the server."""
    piece = "('x' || substr(hash, {}, {}))::bit(32)::bigint"
    pieces = [sql.SQL(piece).format(_BUCKET + number * _PIECE + 1, _PIECE) for number in range(2)]
    bucket = sql.SQL("substr(hash, 1, {})").format(_BUCKET) if bucketed else sql.SQL("''")
    # OFFSET 0 keeps the planner from computing the hash again for each use of it.
    query = sql.SQL(
        "SELECT {bucket}, count(*), coalesce(sum({one}), 0)::bigint, coalesce(sum({two}), 0)::bigint "
        "FROM (SELECT {hash} AS hash FROM {table} WHERE {where} OFFSET 0) AS hashed{group}"
    ).format(
        bucket=bucket,
        one=pieces[0],
        two=pieces[1],
        hash=_their_hash(staged),
        table=staged.table,
        where=staged.where,
        group=sql.SQL(" GROUP BY 1") if bucketed else sql.SQL(""),
    )
    sums = Sums(bucketed=bucketed)
    sums.frame = _shape(ask(context, query))
    return sums


def _unlike(ours: pl.DataFrame, theirs: pl.DataFrame) -> tuple[list[str], int]:
    """Return the buckets to fetch, and the least number of faults in the other buckets."""
    both = ours.join(theirs, on="bucket", how="full", coalesce=True, suffix="_theirs").fill_null(0)
    differ = both.filter(pl.any_horizontal(pl.col(c) != pl.col(f"{c}_theirs") for c in _SUMS))
    differ = differ.sort("bucket").with_columns(
        (pl.col("rows") + pl.col("rows_theirs")).cum_sum().alias("fetched"),
        pl.int_range(pl.len()).alias("place"),
    )
    fetched = (pl.col("fetched") <= FETCHED) | (pl.col("place") == 0)
    rest = differ.filter(~fetched)
    faults = pl.max_horizontal(pl.lit(1), (pl.col("rows") - pl.col("rows_theirs")).abs())
    return differ.filter(fetched)["bucket"].to_list(), int(rest.select(faults.sum()).item())


def _fetch_expected(frames: Iterator[pl.DataFrame], buckets: list[str]) -> pl.DataFrame:
    wanted = _hashed().str.slice(0, _BUCKET).is_in(buckets)
    kept = [frame.filter(wanted) for frame in frames]
    return pl.concat([_NOTHING.select("text", "key"), *kept], how="diagonal").select("text", "key")


def _fetch_staged(context: CheckContext, staged: Staged, buckets: list[str]) -> pl.DataFrame:
    query = sql.SQL(
        "SELECT coalesce({text}, ''), {key} FROM {table} "
        "WHERE {where} AND substr({hash}, 1, {size}) = ANY({buckets})"
    ).format(
        text=staged.text,
        key=staged.key,
        table=staged.table,
        where=staged.where,
        hash=_their_hash(staged),
        size=_BUCKET,
        buckets=sql.Literal(buckets),
    )
    return pl.concat([_NOTHING.select("text", "key"), *stream(context, query, texts("text", "key"))])


def _name(ours: pl.DataFrame, theirs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    expected, staged = (
        side.group_by("text").agg(pl.len().cast(pl.Int64).alias("times"), pl.col("key").min())
        for side in (ours, theirs)
    )
    both = expected.join(staged, on="text", how="full", coalesce=True, suffix="_staged").sort("text")
    surplus = pl.col("times").fill_null(0) - pl.col("times_staged").fill_null(0)
    missing = both.filter(surplus > 0).select("text", "key", surplus.alias("times"))
    unexpected = both.filter(surplus < 0).select(
        "text", pl.col("key_staged").alias("key"), -surplus.alias("times")
    )
    return missing, unexpected
