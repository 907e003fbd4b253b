"""Every cell: compares the target's rows with those that the mappers return when they map again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import polars as pl
from psycopg import sql

from verification.canonical import cells_of, comparable, expected_row, staged_row
from verification.context import CheckContext, Column, Table
from verification.multiset_diff import Difference, Staged, Sums, compare, sum_staged
from verification.queries import ask, at, count_rows, key_of
from verification.result import Check, Outcome

_UNLIKE: Final = "is not the value of a second mapping"


def _deep(context: CheckContext) -> Outcome:
    return _compare(context, [*context.tables])


def _keyless(context: CheckContext) -> Outcome:
    """Compare the tables of which only the number of rows is known otherwise, or not even that."""
    counted = {account.target for account in context.accounts if not account.column}
    counted |= context.derived - {account.target for account in context.accounts}
    tables = [table for table in context.tables if table in counted]
    return _compare(context, tables) if tables else Outcome.not_applicable("every table has a key")


def _compare(context: CheckContext, tables: Sequence[str]) -> Outcome:
    """Compare the rows of tables, as bags, with those that the mappers return."""
    if context.remap is None:
        return Outcome.not_applicable("there is nothing to map a second time")
    outcome = Outcome()
    compare_rows(context, tables, outcome)
    return outcome


def compare_rows(
    context: CheckContext,
    tables: Sequence[str],
    outcome: Outcome,
    compared: Callable[[Table, pl.DataFrame], tuple[Column, ...]] | None = None,
) -> None:
    """Compare the rows of tables, as bags, with those that the mappers return; name those that differ.

    `compared` chooses the columns of a frame; without it they are all that have one form on both sides.
    """
    assert context.remap is not None
    sums: dict[str, Sums] = {}
    given: dict[str, tuple[Column, ...]] = {}
    for table, frame in context.remap(tables):
        if table not in context.tables:
            outcome.found(table, None, "is mapped, but not filled")
        if table not in tables:
            continue
        columns = given.setdefault(table, (compared or _columns)(context.tables[table], frame))
        sums.setdefault(table, Sums()).add(_texts(context, context.tables[table], columns, frame))
    for table in tables:
        if table in sums:
            _hold(context, table, given[table], sums[table], outcome)
        elif rows := count_rows(context, table):
            outcome.found_many(table, [None], "no mapper produces these rows", total=rows)


def _columns(table: Table, frame: pl.DataFrame) -> tuple[Column, ...]:
    """Return the columns to compare: those of the mapper; the others are the target's defaults."""
    return tuple(column for column in table.columns if column.name in frame.columns and comparable(column))


def _texts(
    context: CheckContext, table: Table, columns: tuple[Column, ...], frame: pl.DataFrame
) -> pl.DataFrame:
    for column in columns:
        if column.type == "jsonb" and frame.schema[column.name] == pl.String:
            frame = frame.with_columns(_as_jsonb(context, frame[column.name]))
    # A key that no mapper fills, because PostgreSQL numbers its column, identifies no row here.
    given = set(table.primary_key) <= set(frame.columns)
    keys = [_key(frame, name) for name in table.primary_key if given] or [pl.lit(None, pl.String)]
    return frame.select(
        expected_row(frame, columns).alias("text"), pl.concat_str(keys, separator=":").alias("key")
    )


def _key(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Return a part of a key as PostgreSQL prints it."""
    if frame.schema[name] == pl.Binary:
        return pl.concat_str(pl.lit("\\x"), pl.col(name).bin.encode("hex"))
    return pl.col(name).cast(pl.String)


def _as_jsonb(context: CheckContext, documents: pl.Series) -> pl.Series:
    """Return documents as jsonb prints them: the server parses each, so that keys are in its order."""
    distinct = documents.drop_nulls().unique()
    if distinct.is_empty():
        return documents
    query = sql.SQL(
        "SELECT given.text::jsonb::text FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, n) ORDER BY n"
    )
    printed = [str(text) for (text,) in ask(context, query, distinct.to_list())]
    return documents.replace(distinct, pl.Series(printed, dtype=pl.String))


def _hold(
    context: CheckContext, name: str, columns: tuple[Column, ...], sums: Sums, outcome: Outcome
) -> None:
    table = context.tables[name]
    outcome.looked_at += sums.rows
    staged = Staged(at(context, name), staged_row(columns), key_of(table))
    if sums.same_as(sum_staged(context, staged)):
        return
    remap = context.remap
    assert remap is not None

    def again() -> Iterator[pl.DataFrame]:
        return (_texts(context, table, columns, frame) for mapped, frame in remap([name]) if mapped == name)

    _name(name, columns, compare(context, again, staged), outcome)


def _name(name: str, columns: tuple[Column, ...], difference: Difference, outcome: Outcome) -> None:
    """Name the differences: rows by their key, and for rows on both sides the columns."""
    missing, unexpected = difference.missing, difference.unexpected
    both = missing.join(unexpected, on="key", how="inner", suffix="_held").sort("key")
    absent = missing.join(unexpected, on="key", how="anti")["key"].sort()
    surplus = unexpected.join(missing, on="key", how="anti")["key"].sort()
    room = outcome.room
    for key, text, held in both.select("key", "text", "text_held").head(room).rows():
        pairs = zip(columns, cells_of(text), cells_of(held), strict=True)
        differing = [column.name for column, expected, found in pairs if expected != found]
        outcome.found(name, key, _UNLIKE, ", ".join(differing))
    outcome.found_many(name, [], _UNLIKE, total=max(0, both.height - room))
    outcome.found_many(name, absent.to_list(), "the mapper produces this row, but the table does not have it")
    outcome.found_many(name, surplus.to_list(), "the table has this row, but the mapper does not produce it")
    if difference.unnamed:
        what = "more rows differ than can be listed"
        outcome.found_many(name, [None], what, total=difference.unnamed)


DEEP = Check("deep", "Does a second mapping give the same cells?", _deep)
KEYLESS = Check("keyless", "Does a second mapping give the same rows in the tables without a key?", _keyless)
