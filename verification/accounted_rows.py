"""Reads the source rows that an account lists and compares them with the recorded outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from verification.context import CheckContext, RowAccounting
from verification.row_outcomes import fates_of

#: between the parts of a key of several columns, as one text
BETWEEN: Final = "\x1f"


class AccountedRows:
    """One account's rows, separated by their outcomes.

    After `rows` has been read: `listed` rows in all, `unfated` of them without a fate, `unproven` (a frame of
    `source_id`) those of them that the account cannot prove, and `met` (hashes of their `source_id`) the rows
    with a fate that the account lists.
    """

    def __init__(self, context: CheckContext, account: RowAccounting) -> None:
        self.account = account
        self.fates = fates_of(context, account.source)
        self._context = context
        self._reset()

    def _reset(self) -> None:
        self.listed = self.unfated = 0
        self.met = pl.Series("source_id", [], dtype=pl.UInt64)
        self.unproven = pl.DataFrame(schema={"source_id": pl.String})

    def rows(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield batch by batch the rows to be proven, and the rejected or excluded ones.

        Both are frames shaped as those of `account_rows`, without nulls.
        """
        self._reset()
        for frame in account_rows(self._context, self.account):
            free, fated = self._judge(frame)
            barred = fated.filter(pl.col("fate").is_in(["rejected", "excluded"])).drop("fate")
            yield free, barred.drop_nulls("key")

    def tally(self) -> int:
        """Count the rows as `rows` does, without their keys; return how many must be proven."""
        self._reset()
        nulls = " OR ".join(f"{name} IS NULL" for pair in _pairs(self.account) for name in pair)
        query = (
            f"SELECT source_id, CASE WHEN {nulls} THEN NULL ELSE '' END AS key"  # noqa: S608  our own SQL
            f" FROM ({self.account.sql})"
        )
        return sum(self._judge(frame.cast(pl.String))[0].height for frame in self._context.read(query))

    def _judge(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Count rows by their outcomes; return those to be proven, and those that have an outcome."""
        self.listed += frame.height
        judged = frame.join(self.fates.of(frame["source_id"]), on="source_id", how="left")
        fated = judged.drop_nulls("fate")
        self.met.extend(fated["source_id"].hash())
        free = judged.filter(pl.col("fate").is_null()).drop("fate")
        self.unfated += free.height
        if free["key"].null_count():
            self.unproven.extend(free.filter(pl.col("key").is_null()).select("source_id"))
            free = free.drop_nulls("key")
        return free, fated


def key_columns(account: RowAccounting) -> tuple[str, ...]:
    """Return the target columns by which an account proves a row; none if it only counts."""
    return (account.column, *account.more) if account.column else ()


def account_rows(
    context: CheckContext, account: RowAccounting, query: str | None = None
) -> Iterator[pl.DataFrame]:
    """Yield an account's rows as text `source_id`, `entity`, `key`; key is null if it proves nothing.

    A key of several columns has `entity2`, `key2` and so on in addition. `query` selects a part of the rows.
    """
    pairs = _pairs(account)
    whole = pl.all_horizontal(pl.col(name).is_not_null() for pair in pairs for name in pair)
    for frame in context.read(query or account.sql):
        texts = frame.select(pl.col(name).cast(pl.String) for name in ("source_id", *sum(pairs, ())))
        yield texts.with_columns(pl.when(whole).then(pl.col("key")).alias("key"))


def _pairs(account: RowAccounting) -> list[tuple[str, str]]:
    return [("entity", "key"), *((f"entity{n + 2}", f"key{n + 2}") for n in range(len(account.more)))]


def new_ids(context: CheckContext, rows: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` with their new `id`, in no particular order; the parts of a longer key as one text."""
    parts = [name for name in rows.columns if name.startswith("entity")]
    made = rows
    for entity in parts:
        at = entity.removeprefix("entity")
        made = _with_part(context, made, entity, f"key{at}", f"id{at}" if len(parts) > 1 else "id")
    if len(parts) == 1:
        return made
    ids = [f"id{name.removeprefix('entity')}" for name in parts]
    return made.with_columns(pl.concat_str(ids, separator=BETWEEN).alias("id")).drop(ids[1:])


def _with_part(context: CheckContext, rows: pl.DataFrame, entity: str, key: str, name: str) -> pl.DataFrame:
    """Return `rows` with one part of their new ids; if the entity is '' the key is unchanged."""
    derived = [
        some.with_columns((context.ids.expr(one, pl.col(key)) if one else pl.col(key)).alias(name))
        for (one,), some in rows.partition_by(entity, as_dict=True).items()
    ]
    return pl.concat([rows.clear().with_columns(pl.lit(None, pl.String).alias(name)), *derived])
