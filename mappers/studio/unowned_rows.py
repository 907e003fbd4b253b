"""Rows of profile and meta tables that belong to no person."""

from __future__ import annotations

import polars as pl

from mappers.base import Ids, MappedBatch, Query
from mappers.reasons import Reason
from mappers.row_outcomes import fates
from mappers.sqlite_sql import quoted, sql, typed
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.legacy_tables import META


class Orphans:
    """Rejects the rows of a table of keys and values, or of `profile`, that belong to no person."""

    writes: tuple[str, ...] = ()

    def __init__(self, table: str) -> None:
        self.name = f"{table}_rows"
        self._table = table
        if table == "profile":
            rows = "FROM x.profile_row AS r WHERE r.person IS NULL"
            key, source_id, end = "r.number", "r.source_id", "'no such person'"
        else:
            rows = sql(
                "FROM $table AS t LEFT JOIN x.$member AS m ON m.legacy_id = t.user_id WHERE m.person IS NULL",
                table=quoted(table),
                member=member(META[table]),
            )
            key, source_id, end = "t.id", "t.id", "'user ' || coalesce(CAST(t.user_id AS INTEGER), '')"
        self.reads = Query(
            sql=sql(
                "SELECT $key AS number, $source_id AS source_id, $end AS detail $rows"
                " AND $key > ?1 ORDER BY $key LIMIT ?2",
                rows=rows,
                key=key,
                source_id=source_id,
                end=end,
            ),
            key="number",
            columns=typed(("number",), ("source_id", "detail")),
            count=sql("SELECT count(*) $rows", rows=rows),
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:  # noqa: ARG002  the shape of a mapper
        """Return only outcomes."""
        rejected = rows.with_columns(
            pl.lit("rejected").alias("fate"), pl.lit(Reason.UNKNOWN_USER).alias("reason")
        )
        return MappedBatch({}, fates=fates(rejected, pl.lit(self._table), pl.col("source_id")))
