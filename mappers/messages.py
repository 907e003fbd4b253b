"""Messages between two people, of whichever tables there are."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Account, Ids, Mapped, Mapper, Query
from mappers.crosswalk.people import member
from mappers.keys import moment, person_id
from mappers.legacy import MESSAGES, Legacy, literal, quoted, sql, typed
from mappers.notes import Limits, fate, fates, reject_too_long, warn
from mappers.settings import MapperSettings

_READS: Final = """
SELECT t.id AS id, CASE WHEN s.person IS NULL THEN CAST(t.from_user AS INTEGER) END AS from_user,
       CASE WHEN r.person IS NULL THEN CAST(t.to_user AS INTEGER) END AS to_user,
       $message AS message, $date AS date,
       $read AS is_read, $deleted AS deleted, $twice AS twice,
       s.space AS sender_space, s.main_id AS sender, r.space AS receiver_space, r.main_id AS receiver,
       max(s.created_at, r.created_at) AS earliest
FROM $table AS t LEFT JOIN x.$member AS s ON s.legacy_id = t.from_user
LEFT JOIN x.$member AS r ON r.legacy_id = t.to_user
WHERE t.id > ?1 ORDER BY t.id LIMIT ?2"""


class Messages:
    """Writes the messages of one table; the ids of the people's own space are one union."""

    writes: tuple[str, ...] = ("messages",)

    def __init__(self, table: str, legacy: Legacy, settings: MapperSettings, limits: Limits) -> None:
        self.name = table
        self._table, self._limits = table, limits
        # Both tables of the people's own space number the same messages.
        self._entity = "messages" if MESSAGES[table] == "users" else table
        self._keep_deleted = settings.messages.keep_deleted
        twice = "0"
        if table == "shows_messages" and legacy.has("messages", "id"):
            twice = "EXISTS (SELECT 1 FROM messages AS f WHERE f.id = t.id)"
        columns = {
            name: legacy.column(table, column, of="t")
            for name, column in (
                ("message", "message"),
                ("date", "date"),
                ("read", "read"),
                ("deleted", "deleted"),
            )
        }
        self.reads = Query(
            sql=sql(_READS, table=quoted(table), member=member(MESSAGES[table]), twice=twice, **columns),
            key="id",
            columns=typed(
                ("id", "twice", "sender", "receiver", "earliest"),
                (
                    "from_user",
                    "to_user",
                    "message",
                    "date",
                    "is_read",
                    "deleted",
                    "sender_space",
                    "receiver_space",
                ),
            ),
            count=sql("SELECT count(*) FROM $table", table=quoted(table)),
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> Mapped:
        """Return messages and the fates of the others."""
        rows = rows.with_columns(
            cleaning.text(pl.col("message")).alias("content"),
            cleaning.timestamp(pl.col("date")).alias("created_at"),
            cleaning.boolean(pl.col("deleted")).alias("gone"),
            _missing().alias("detail"),
        )
        rows = rows.with_columns(
            *fate(
                (pl.col("twice") == 1, "merged", "same_id"),
                (pl.col("detail").is_not_null(), "rejected", "unknown_user"),
                (pl.col("content").is_null(), "rejected", "empty_message"),
                (pl.col("gone") & (not self._keep_deleted), "excluded", "deleted"),
            )
        )
        rows = reject_too_long(rows, "messages", self._limits, {"content": pl.col("content")})
        kept = rows.filter(pl.col("fate").is_null())
        messages = kept.select(
            ids.expr(self._entity, pl.col("id")).alias("id"),
            person_id(kept, ids, "sender_space", "sender").alias("sender_id"),
            person_id(kept, ids, "receiver_space", "receiver").alias("receiver_id"),
            pl.lit(None, pl.String).alias("subject"),
            "content",
            cleaning.boolean(pl.col("is_read")).alias("is_read"),
            # No message is older than both its people.
            pl.coalesce(pl.col("created_at"), moment("earliest")).alias("created_at"),
        )
        source = (pl.lit(self._table), pl.col("id"))
        rules = (
            (cleaning.is_odd_boolean(pl.col("is_read")), "read", "invalid_boolean"),
            (cleaning.is_odd_boolean(pl.col("deleted")), "deleted", "invalid_boolean"),
            (pl.col("created_at").is_null(), "date", "invalid_timestamp"),
        )
        return Mapped(
            {"messages": messages}, fates=fates(rows, *source), warnings=warn(kept, *source, *rules)
        )


def _missing() -> pl.Expr:
    """Return which end is no migrated person, null where both are."""
    ends = pl.concat_str(
        [
            pl.when(pl.col("sender").is_null()).then(pl.lit("sender ") + pl.col("from_user").fill_null("")),
            pl.when(pl.col("receiver").is_null()).then(pl.lit("receiver ") + pl.col("to_user").fill_null("")),
        ],
        separator=", ",
        ignore_nulls=True,
    )
    return pl.when(ends != "").then(ends)


def message_mappers(legacy: Legacy, settings: MapperSettings, limits: Limits) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `messages`, in the order of who wins."""
    return tuple(Messages(table, legacy, settings, limits) for table in legacy.present(MESSAGES))


def message_accounts(legacy: Legacy) -> tuple[Account, ...]:
    """Return how each row of the message tables is accounted for."""
    return tuple(
        Account(
            source=table,
            sql=sql(
                "SELECT CAST(id AS TEXT) AS source_id, $entity AS entity, CAST(id AS TEXT) AS key"
                " FROM $table",
                entity=literal("messages" if MESSAGES[table] == "users" else table),
                table=quoted(table),
            ),
            target="messages",
        )
        for table in legacy.present(MESSAGES)
    )
