"""What one reading of a column of ids gives: its tally, that all are apart, and that all are well formed."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl
from psycopg import sql

from verification.context import Subject
from verification.multiset_sum import Tally, add, fetched
from verification.queries import at, count, count_rows

#: more rows are told apart by the server, which has a disk: 8 bytes of each are held here
_AT_ONCE: Final = 4_000_000
_ID: Final = "^c[0-9a-z]{24}$"


class Proven(NamedTuple):
    """What is known of a column's values; False says nothing, the server must be asked."""

    apart: bool
    ids: bool


class Reading(NamedTuple):
    """What a column's texts were when they were read: the tally as `verification.tally` has it."""

    tally: Tally
    proven: Proven


def look(subject: Subject, table: str, column: str) -> Proven:
    """Return what the column's texts prove, of a text column.

    A million ids are told apart and held against their shape in a quarter of the time in which
    the server does. Only where equal means equal byte for byte, as it does but in some collations.
    """
    if count_rows(subject, table) > _AT_ONCE or not _bytes_decide(subject, table, column):
        return Proven(False, False)
    return read_column(subject, table, column).proven


def read_column(subject: Subject, table: str, column: str) -> Reading:
    """Read a text column once in a view; the checks that want to know the same share the reading."""
    few = count_rows(subject, table) <= _AT_ONCE
    return subject.answers.once(f"texts of {table}.{column}", lambda: _read(subject, table, column, few))


def _read(subject: Subject, table: str, column: str, few: bool) -> Reading:
    total, together, ids = Tally(0, 0, 0), 0, few
    hashes = [pl.Series("hash", [], dtype=pl.UInt64)]
    for rows, texts in fetched(subject, at(subject, table), sql.Identifier(column), sql.SQL("true")):
        total = add(total, rows, texts)
        together += len(texts)
        if few:
            ids = ids and bool(texts.str.contains(_ID).all())
            hashes.append(texts.hash().alias("hash"))
    apart = few and pl.concat(hashes).n_unique() == together == total.rows
    return Reading(total, Proven(apart=apart, ids=ids and together == total.rows))


def _bytes_decide(subject: Subject, table: str, column: str) -> bool:
    undecided = sql.SQL(
        "SELECT count(*) FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation "
        "WHERE a.attrelid = {}::regclass AND a.attname = {} AND NOT c.collisdeterministic"
    ).format(sql.Literal(at(subject, table).as_string(subject.target)), sql.Literal(column))
    return count(subject, undecided) == 0
