"""One scan of a column of ids: its multiset sum, whether all ids differ, and whether all are well formed."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl
from psycopg import sql

from verification.context import CheckContext
from verification.multiset_sum import MultisetSum, add, fetched
from verification.queries import at, count, count_rows

#: with more rows the server compares them, because it can use the disk: this takes 8 bytes of memory for each
_AT_ONCE: Final = 4_000_000
_ID: Final = "^c[0-9a-z]{24}$"


class KeyFacts(NamedTuple):
    """What is known about a column's values; False means unknown, then the server must be queried."""

    apart: bool
    ids: bool


class KeyScan(NamedTuple):
    """The scan of a column's texts: the sum as `verification.multiset_sum` has it."""

    multiset_sum: MultisetSum
    proven: KeyFacts


def scan_ids(context: CheckContext, table: str, column: str) -> KeyFacts:
    """Return what the texts of a text column prove.

    A million ids are compared and checked in a quarter of the time that the server needs. This is valid only
    if equal means equal byte for byte, which is not so in some collations.
    """
    if count_rows(context, table) > _AT_ONCE or not _bytes_decide(context, table, column):
        return KeyFacts(False, False)
    return read_column(context, table, column).proven


def read_column(context: CheckContext, table: str, column: str) -> KeyScan:
    """Read a text column once in a view; the checks that need the same share the result."""
    few = count_rows(context, table) <= _AT_ONCE
    return context.query_cache.once(f"texts of {table}.{column}", lambda: _read(context, table, column, few))


def _read(context: CheckContext, table: str, column: str, few: bool) -> KeyScan:
    total, together, ids = MultisetSum(0, 0, 0), 0, few
    hashes = [pl.Series("hash", [], dtype=pl.UInt64)]
    for rows, texts in fetched(context, at(context, table), sql.Identifier(column), sql.SQL("true")):
        total = add(total, rows, texts)
        together += len(texts)
        if few:
            ids = ids and bool(texts.str.contains(_ID).all())
            hashes.append(texts.hash().alias("hash"))
    apart = few and pl.concat(hashes).n_unique() == together == total.rows
    return KeyScan(total, KeyFacts(apart=apart, ids=ids and together == total.rows))


def _bytes_decide(context: CheckContext, table: str, column: str) -> bool:
    undecided = sql.SQL(
        "SELECT count(*) FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation "
        "WHERE a.attrelid = {}::regclass AND a.attname = {} AND NOT c.collisdeterministic"
    ).format(sql.Literal(at(context, table).as_string(context.target)), sql.Literal(column))
    return count(context, undecided) == 0
