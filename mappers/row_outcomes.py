"""Outcomes and warnings of a batch, in the form that the ledger stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from mappers.base import WARNINGS
from mappers.reasons import Code, Reason

Fate = Literal["merged", "rejected", "excluded"]
#: Longest text of a target column, by (table, column).
Limits = Mapping[tuple[str, str], int]


def fates(rows: pl.DataFrame, source: pl.Expr, source_id: pl.Expr) -> pl.DataFrame:
    """Return the outcomes of the rows that have one: columns fate, reason and, if there is one, detail."""
    detail = pl.col("detail") if "detail" in rows.columns else pl.lit(None, pl.String)
    return rows.filter(pl.col("fate").is_not_null()).select(
        source.alias("source_table"),
        source_id.cast(pl.String).alias("source_id"),
        "fate",
        "reason",
        detail.alias("detail"),
    )


def fate(*choices: tuple[pl.Expr, Fate, Reason]) -> tuple[pl.Expr, pl.Expr]:
    """Return expressions of fate and reason by the first of (condition, fate, reason) that is true."""
    verdict, reason = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for condition, name, why in reversed(choices):
        verdict = pl.when(condition).then(pl.lit(name)).otherwise(verdict)
        reason = pl.when(condition).then(pl.lit(why)).otherwise(reason)
    return verdict.alias("fate"), reason.alias("reason")


def warn(
    rows: pl.DataFrame, source: pl.Expr, source_id: pl.Expr, *rules: tuple[pl.Expr, str, Code]
) -> pl.DataFrame:
    """Return a warning for each row and each (condition, column, rule) that is true."""
    # Named after they are found: only a few of millions of rows are.
    named = (source.cast(pl.String).alias("source_table"), source_id.cast(pl.String).alias("source_id"))
    found = [
        rows.filter(condition.fill_null(False)).select(
            *named, pl.lit(column).alias("column"), pl.lit(rule).alias("rule")
        )
        for condition, column, rule in rules
    ]
    if "invalid_utf8" in rows.columns:
        broken = rows.filter(pl.col("invalid_utf8").is_not_null())
        found.append(
            broken.select(
                *named,
                pl.col("invalid_utf8").str.split(",").alias("column"),
                pl.lit(Reason.INVALID_UTF8).alias("rule"),
            ).explode("column")
        )
    return pl.concat([pl.DataFrame(schema=dict(WARNINGS)), *found])


def reject_too_long(
    rows: pl.DataFrame, table: str, limits: Limits, values: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    """Return `rows` with an outcome for each that has none yet and a value too long for its column of
    `table`.

    `values` are the target's values by column; the first that is too long is the detail.
    """
    over = [
        pl.when(value.str.len_chars() > limits[table, column]).then(pl.lit(column))
        for column, value in values.items()
        if (table, column) in limits
    ]
    if not over:
        return rows
    long = pl.when(pl.col("fate").is_null()).then(pl.coalesce(over))
    detail = pl.col("detail") if "detail" in rows.columns else pl.lit(None, pl.String)
    rows = rows.with_columns(long.alias("long"), detail.alias("detail"))
    return rows.with_columns(
        pl.when(pl.col("long").is_not_null()).then(pl.lit(to)).otherwise(pl.col(name)).alias(name)
        for name, to in (("fate", "rejected"), ("reason", Reason.TOO_LONG))
    ).with_columns(pl.coalesce("long", "detail").alias("detail"))


def within(table: str, column: str, limits: Limits, value: pl.Expr) -> pl.Expr:
    """Return the value, null if it is too long for its column of `table`."""
    if (table, column) not in limits:
        return value
    return pl.when(value.str.len_chars() <= limits[table, column]).then(value)
