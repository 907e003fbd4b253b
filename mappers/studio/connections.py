"""Connections: a row in each direction for an accepted pair, one row for a pending one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Ids, MappedBatch, Mapper, Query, RowAccounting
from mappers.reasons import Reason
from mappers.row_outcomes import fates, warn
from mappers.sqlite_sql import literal, quoted, sql, typed
from mappers.studio.declared_columns import Columns, frame
from mappers.studio.legacy_tables import CONTACTS, Legacy
from mappers.studio.person_ids import as_timestamp, person_id

_READS: Final = """
SELECT l.seq, l.source, l.source_id, l.accepted, l.missing, l.fate, l.reason, $said AS said,
       a.space AS space1, a.legacy_id AS person1, b.space AS space2, b.legacy_id AS person2,
       max(a.created_at, b.created_at) AS created_at
FROM x.link AS l LEFT JOIN x.person AS a ON a.person = l.user1 LEFT JOIN x.person AS b ON b.person = l.user2
$joined WHERE l.seq > ?1 ORDER BY l.seq LIMIT ?2"""


class Connections:
    """Writes the connections that the crosswalk decided on."""

    name = "connections"
    writes: tuple[str, ...] = ("user_connections",)

    def __init__(self, legacy: Legacy) -> None:
        self.columns: Mapping[str, Columns] = {"user_connections": _COLUMNS}
        tables = legacy.present(CONTACTS)
        joined = " ".join(
            sql(
                "LEFT JOIN $table AS $table ON l.source = $source AND $table.id = l.source_id",
                table=quoted(table),
                source=literal(table),
            )
            for table in tables
        )
        said = ", ".join(legacy.column(table, "accepted") for table in tables)
        self.reads = Query(
            sql=sql(_READS, joined=joined, said=f"coalesce(NULL, {said or 'NULL'})"),
            key="seq",
            columns=typed(
                ("seq", "source_id", "accepted", "person1", "person2", "created_at"),
                ("source", "missing", "fate", "reason", "said", "space1", "space2"),
            ),
            count="SELECT count(*) FROM x.link",
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return connections and the outcomes of the other rows."""
        kept = rows.filter(pl.col("fate").is_null())
        kept = kept.with_columns(
            person_id(kept, ids, "space1", "person1").alias("user1"),
            person_id(kept, ids, "space2", "person2").alias("user2"),
            (pl.col("accepted") == 1).alias("accepted"),
            _row_id(kept, ids, pl.col("source_id").cast(pl.String)).alias("there"),
            _row_id(kept, ids, pl.col("source_id").cast(pl.String) + ":back").alias("back"),
        )
        agreed = kept.filter(pl.col("accepted"))
        connections = pl.concat(
            [_directed(kept, "there", "user1", "user2"), _directed(agreed, "back", "user2", "user1")]
        )
        rows = rows.with_columns(pl.when(pl.col("missing") != "").then(pl.col("missing")).alias("detail"))
        source = (pl.col("source"), pl.col("source_id"))
        odd = (cleaning.is_odd_boolean(pl.col("said")), "accepted", Reason.INVALID_BOOLEAN)
        return MappedBatch(
            {"user_connections": frame(connections.sort("seq", "n"), ids, _COLUMNS)},
            fates=fates(rows, *source),
            warnings=warn(rows, *source, odd),
        )


def _row_id(rows: pl.DataFrame, ids: Ids, key: pl.Expr) -> pl.Expr:
    """Return the id of a contact's row; each source table numbers its own."""
    sources = rows["source"].unique().sort().to_list()
    if not sources:
        return pl.lit(None, pl.String)
    return pl.coalesce(ids.expr(source, pl.when(pl.col("source") == source).then(key)) for source in sources)


def _directed(rows: pl.DataFrame, row_id: str, user: str, other: str) -> pl.DataFrame:
    return rows.select(
        "seq",
        pl.lit(0 if row_id == "there" else 1).alias("n"),
        pl.col(row_id).alias("id"),
        pl.col(user).alias("user_id"),
        pl.col(other).alias("connected_user_id"),
        "accepted",
        "created_at",
    )


_COLUMNS: Final[Columns] = {
    "id": (("contacts.id",), pl.col("id")),
    "user_id": (("contacts.user1",), pl.col("user_id")),
    "connected_user_id": (("contacts.user2",), pl.col("connected_user_id")),
    "accepted": (("contacts.accepted",), pl.col("accepted")),
    "created_at": ((), as_timestamp("created_at")),
}


def connection_mappers(legacy: Legacy) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `connections`."""
    return (Connections(legacy),)


def connection_accounts(legacy: Legacy) -> tuple[RowAccounting, ...]:
    """Return how each row of the contact tables is accounted for."""
    return tuple(
        RowAccounting(
            source=table,
            sql=sql(
                "SELECT CAST(id AS TEXT) AS source_id, $entity AS entity, CAST(id AS TEXT) AS key"
                " FROM $table",
                entity=literal(table),
                table=quoted(table),
            ),
            target="user_connections",
        )
        for table in legacy.present(CONTACTS)
    )
