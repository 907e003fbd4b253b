"""A bag of short texts as three numbers that do not depend on their order.

A million ids are fetched as a few hundred long texts and split here, in a seventh of the time in which the
server hashes them: transferring a row costs more than its 25 characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import polars as pl
from psycopg import sql

from verification.context import CheckContext
from verification.queries import ask, count

#: separates the texts that are fetched together; a text that contains it counts for two
_BETWEEN: Final = "\x1e"
#: blocks of a table whose texts are fetched together: 4 MB, which are in memory several times for a short
#: time
_BLOCKS: Final = 512
_SEEDS: Final = (0x6D696772, 0x61746500)
_PIECE: Final = 2**32  # the upper half of a hash: 2^31 of them fit a sum of int64


class MultisetSum(NamedTuple):
    """The number of texts, and the sums of two hashes of each."""

    rows: int
    one: int
    two: int


def multiset_sum(frames: Iterator[pl.DataFrame]) -> MultisetSum:
    """Return the sum of the column `text` of some frames."""
    total = MultisetSum(0, 0, 0)
    for frame in frames:
        total = add(total, frame.height, frame["text"])
    return total


def sum_staged_texts(
    context: CheckContext, table: sql.Composable, text: sql.Composable, where: sql.Composable
) -> MultisetSum:
    """Return the sum of an expression over the rows of a table that `where` selects; null is ''."""
    total = MultisetSum(0, 0, 0)
    for rows, texts in fetched(context, table, text, where):
        total = add(total, rows, texts)
    return total


def add(total: MultisetSum, rows: int, texts: pl.Series) -> MultisetSum:
    """Return the sum with the texts of so many rows added."""
    hashed = [int((texts.hash(seed) // _PIECE).cast(pl.Int64).sum()) for seed in _SEEDS]
    # Rows as the server counts them: a text that was split into two must be noticed.
    return MultisetSum(total.rows + rows, total.one + hashed[0], total.two + hashed[1])


def fetched(
    context: CheckContext, table: sql.Composable, text: sql.Composable, where: sql.Composable
) -> Iterator[tuple[int, pl.Series]]:
    """Yield the number of rows of a range of the table, and their texts; null is ''.

    There are more texts than rows if one contains the separator.
    """
    size = sql.SQL("SELECT pg_relation_size({}) / current_setting('block_size')::bigint").format(
        sql.Literal(table.as_string(context.target))
    )
    starts = list(range(0, count(context, size), _BLOCKS)) or [0]
    query = "SELECT count(*), string_agg(coalesce({}, ''), {}) FROM {} WHERE {} AND ctid >= {}::tid"
    for start in starts:
        stretch = sql.SQL(query).format(
            text, sql.Literal(_BETWEEN), table, where, sql.Literal(f"({start},0)")
        )
        if start != starts[-1]:  # the last one has no end: a partitioned table has its blocks elsewhere
            stretch += sql.SQL(" AND ctid < {}::tid").format(sql.Literal(f"({start + _BLOCKS},0)"))
        ((rows, together),) = ask(context, stretch)
        if rows:
            yield int(str(rows)), pl.Series([str(together)]).str.split(_BETWEEN).explode()
