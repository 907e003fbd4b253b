"""Going through the source rows that an account lists, each held against the fates."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from verification.fates import fates_of
from verification.subject import Account, Subject


class Walk:
    """One account's rows, told apart by their fates.

    After `rows` has been gone through: `listed` rows in all, `unfated` of them without a fate,
    `unproven` (a frame of `source_id`) those of them that the account cannot prove, and `met`
    one boolean for each row of `fates`, whether the account lists a row of that key.
    """

    def __init__(self, subject: Subject, account: Account) -> None:
        self.account = account
        self.fates = fates_of(subject, account.source)
        self._subject = subject
        self._reset()

    def _reset(self) -> None:
        self.listed = self.unfated = 0
        self.met = pl.repeat(False, self.fates.height, dtype=pl.Boolean, eager=True)
        self.unproven = pl.DataFrame(schema={"source_id": pl.String})

    def rows(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield batch by batch the rows to be proven, and the rejected or excluded ones.

        Both are frames of text `source_id`, `entity`, `key`, none of them null.
        """
        self._reset()
        places = self.fates.select("source_id").with_row_index("place")
        known = self.fates.unique("source_id")
        for frame in account_rows(self._subject, self.account):
            self.listed += frame.height
            hit = places.join(frame, on="source_id", how="semi")["place"]
            if hit.len():
                self.met = self.met.scatter(hit, True)
            judged = frame.join(known, on="source_id", how="left")
            free = judged.filter(pl.col("fate").is_null()).drop("fate")
            self.unfated += free.height
            open_rows = free.filter(pl.col("key").is_null())
            if open_rows.height:
                self.unproven.extend(open_rows.select("source_id"))
            barred = judged.filter(pl.col("fate").is_in(["rejected", "excluded"])).drop("fate")
            yield free.drop_nulls("key"), barred.drop_nulls("key")


def account_rows(subject: Subject, account: Account) -> Iterator[pl.DataFrame]:
    """Yield an account's rows as text `source_id`, `entity`, `key`; key null where it proves nothing."""
    columns = [pl.col(name).cast(pl.String) for name in ("source_id", "entity")]
    key = pl.when(pl.col("entity").is_not_null()).then(pl.col("key").cast(pl.String)).alias("key")
    for frame in subject.read(account.sql):
        yield frame.select(*columns, key)


def new_ids(subject: Subject, rows: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` with their new `id`, in no particular order."""
    entities = rows["entity"].unique().sort().to_list()
    derived = [
        rows.filter(pl.col("entity") == entity).with_columns(
            subject.ids.expr(entity, pl.col("key")).alias("id")
        )
        for entity in entities
    ]
    return pl.concat([rows.clear().with_columns(pl.lit(None, pl.String).alias("id")), *derived])
