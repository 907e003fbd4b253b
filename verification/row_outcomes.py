"""The outcomes in the ledger: one for each source row that was not migrated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl
from psycopg import sql

from verification.context import CheckContext
from verification.queries import ask, stream, texts
from verification.result import Outcome

#: the outcomes that a row can have other than *migrated*
FATES = ("merged", "rejected", "excluded")
#: separators of rows that are fetched as one text, and of id and outcome in each
_BETWEEN: Final = "\x1e"
_WITHIN: Final = "\x1f"
#: rows of one such text
_TOGETHER: Final = 20_000
_KINDS: Final = pl.Enum([*FATES, "other"])
_NONE: Final = pl.DataFrame(schema={"source_id": pl.String, "fate": _KINDS})


class Fated:
    """The outcomes of one source table, stored so that those of a batch are found quickly.

    If ids are numbers they are stored as numbers (8 bytes a row), sorted: a batch is then compared only with
    the outcomes between its smallest and its largest number.
    """

    def __init__(self, frames: Iterable[pl.DataFrame]) -> None:
        """Take frames of `source_id` and `fate`."""
        texts = [_NONE]
        numbers: dict[str, pl.Series] = {}
        for frame in frames:
            found = _numbers(frame["source_id"])
            if found is None:
                texts.append(frame)
                continue
            for (kind,), some in frame.select("fate", found).partition_by("fate", as_dict=True).items():
                known = numbers.setdefault(str(kind), pl.Series("source_id", [], dtype=pl.Int64))
                known.append(some["source_id"])
        # Sorting one column alone takes a third of the memory of sorting two together.
        self._numbers = {kind: known.sort() for kind, known in numbers.items()}
        self._texts = pl.concat(texts)
        once = self._texts.unique("source_id", keep="any")
        self._once = once if once.height < self._texts.height else self._texts

    def rows(self) -> pl.DataFrame:
        """Return `source_id` and `fate` of every row that has one, unordered; some may be there twice."""
        return pl.concat(self._parts())

    def marks(self) -> pl.DataFrame:
        """Return `mark`, the hash of the `source_id`, and `fate` of the result of `rows`, in its order."""
        mark = pl.col("source_id").hash().alias("mark")
        return pl.concat(piece.select(mark, "fate") for piece in self._parts())

    def _parts(self) -> Iterator[pl.DataFrame]:
        """Yield all rows in parts: the texts of all numbers at once would be most of the memory."""
        yield _NONE
        yield from self._texts.iter_slices(_TOGETHER)
        for kind, known in self._numbers.items():
            for start in range(0, len(known), _TOGETHER):
                yield _named(known.slice(start, _TOGETHER), kind)

    def of(self, source_ids: pl.Series) -> pl.DataFrame:
        """Return `source_id` and `fate` of at least those rows among `source_ids` that have one."""
        if not self._numbers:
            return self._once
        numbers = _numbers(source_ids)
        found = [_named(_between(known, numbers), kind) for kind, known in self._numbers.items()]
        return pl.concat([self._once, *found]).unique("source_id", keep="any")


def _named(numbers: pl.Series, kind: str) -> pl.DataFrame:
    return pl.DataFrame({"source_id": numbers.cast(pl.String)}).with_columns(
        pl.lit(kind, _KINDS).alias("fate")
    )


def _between(known: pl.Series, numbers: pl.Series | None) -> pl.Series:
    """Return the part of an ascending series that may hold some of `numbers`; all of it if there are none."""
    if numbers is None:
        return known
    first = known.search_sorted(int(str(numbers.min())), side="left")
    last = known.search_sorted(int(str(numbers.max())), side="right")
    return known.slice(first, last - first)


def first_of_each(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the first row of each value of a column of numbers, ascending.

    Sorted, not hashed: for a million rows this takes a tenth of the memory.
    """
    ascending = rows.sort(column, maintain_order=True)
    return ascending.filter(pl.col(column).ne_missing(pl.col(column).shift(1)))


def among(marks: pl.Series, others: pl.Series) -> pl.Series:
    """Return which of the hashes are among others; neither has a null."""
    known = others.sort()
    if known.is_empty():
        return pl.repeat(False, len(marks), dtype=pl.Boolean, eager=True)
    return known.gather(known.search_sorted(marks).clip(upper_bound=len(known) - 1)) == marks


def _numbers(source_ids: pl.Series) -> pl.Series | None:
    """Return the ids as numbers, None if one of them is not a number."""
    found = pl.Series("source_id", [], dtype=pl.Int64)
    for start in range(0, len(source_ids), _TOGETHER):  # as text again, all of them take twice their memory
        some = source_ids.slice(start, _TOGETHER)
        numbers = some.cast(pl.Int64, strict=False)
        if numbers.null_count() or not numbers.cast(pl.String).eq(some).all():
            return None
        found.append(numbers)
    return found if len(found) else None


def fates_of(context: CheckContext, table: str) -> Fated:
    """Return the outcomes of the rows of one source table that were not migrated; read once in one view."""
    return context.query_cache.once(f"outcomes of {table}", lambda: _fates(context, table))


def _fates(context: CheckContext, table: str) -> Fated:
    query = sql.SQL("SELECT source_id, fate FROM {} WHERE run_id = {} AND source_table = {}").format(
        sql.Identifier(context.ledger, "fate"), sql.Literal(context.run_id), sql.Literal(table)
    )
    fate = pl.when(pl.col("fate").is_in(FATES)).then("fate").otherwise(pl.lit("other")).cast(_KINDS)
    try:
        return Fated(frame.with_columns(fate) for frame in _together(context, query))
    except _Unparted:
        return Fated(frame.with_columns(fate) for frame in stream(context, query, texts("source_id", "fate")))


class _Unparted(Exception):
    """An id contains one of the separators."""


def _together(context: CheckContext, query: sql.Composed) -> Iterator[pl.DataFrame]:
    """Yield `source_id` and `fate` of a query, with many rows fetched as one text."""
    together = sql.SQL(
        "SELECT count(*), string_agg(concat(source_id, {}, fate), {}) "
        "FROM (SELECT *, row_number() OVER () / {} AS part FROM ({}) AS fated) AS parted GROUP BY part"
    ).format(sql.Literal(_WITHIN), sql.Literal(_BETWEEN), sql.Literal(_TOGETHER), query)
    with context.target.cursor(name="fates") as cursor:
        cursor.itersize = 1
        for rows, text in cursor.execute(together):
            fated = pl.Series("fated", [text]).str.split(_BETWEEN).explode()
            if len(fated) != rows or not (fated.str.count_matches(_WITHIN, literal=True) == 1).all():
                raise _Unparted
            yield (
                fated.str.split_exact(_WITHIN, 1).struct.rename_fields(["source_id", "fate"]).struct.unnest()
            )


def fated_tables(context: CheckContext) -> dict[str, dict[str, int]]:
    """Return {source table: {fate: rows}} as the ledger has them."""
    query = sql.SQL(
        "SELECT source_table, fate, count(*) FROM {} WHERE run_id = {} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    found: dict[str, dict[str, int]] = {}
    ledger = sql.Identifier(context.ledger, "fate")
    for table, fate, rows in ask(context, query.format(ledger, sql.Literal(context.run_id))):
        found.setdefault(str(table), {})[str(fate)] = int(str(rows))
    return found


def reject_reasons(context: CheckContext) -> dict[str, dict[str, int]]:
    """Return {source table: {reason: rejected rows}} as the ledger has them, the most frequent first."""
    query = sql.SQL(
        "SELECT source_table, reason, count(*) FROM {} WHERE run_id = {} AND fate = 'rejected'"
        " GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"
    )
    found: dict[str, dict[str, int]] = {}
    ledger = sql.Identifier(context.ledger, "fate")
    for table, reason, rows in ask(context, query.format(ledger, sql.Literal(context.run_id))):
        found.setdefault(str(table), {})[str(reason)] = int(str(rows))
    return found


def judge(table: str, fates: Fated, marked: pl.DataFrame, outcome: Outcome) -> bool:
    """Record unknown outcomes, and rows with more than one, as faults; `marked` are their marks.

    Returns whether no row has more than one.
    """
    if (marked["fate"] == "other").any():
        unknown = fates.rows().filter(pl.col("fate") == "other")["source_id"]
        outcome.found_many(table, unknown.sort().to_list(), "has an unknown outcome")
    ascending = marked["mark"].sort()
    again = ascending.filter(ascending == ascending.shift(1))
    if again.is_empty():
        return True
    twice = fates.rows().filter(among(marked["mark"], again))["source_id"].unique()
    outcome.found_many(table, twice.sort().to_list(), "has more than one outcome")
    return False
