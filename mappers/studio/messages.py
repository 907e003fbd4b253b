"""Messages between two people, of whichever tables there are."""

from __future__ import annotations

from copy import copy
from typing import Final, Self

import polars as pl

from mappers import cleaning
from mappers.base import Ids, MappedBatch, Mapper, Query, RowAccounting, Workspace
from mappers.row_outcomes import Limits, fate, fates, reject_too_long, warn
from mappers.sqlite_sql import literal, quoted, sql, typed
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.legacy_tables import MESSAGES, Legacy
from mappers.studio.people_lookup import Directory
from mappers.studio.settings import MapperSettings

_READS: Final = """
SELECT t.id AS id, $sender AS sender, $receiver AS receiver, $odd AS odd_ends,
       $message AS message, $date AS date, $read AS is_read, $deleted AS deleted $twice
FROM $table AS t WHERE t.id > ?1 ORDER BY t.id LIMIT ?2"""
#: An id that is stored as anything but an integer is compared as SQLite compares it.
_END: Final = """
CASE WHEN typeof(t.$end) = 'integer' THEN t.$end
     ELSE (SELECT m.legacy_id FROM x.$member AS m WHERE m.legacy_id = t.$end) END"""
_ODD_ENDS: Final = """
CASE WHEN typeof(t.from_user) <> 'integer' OR typeof(t.to_user) <> 'integer'
     THEN coalesce(CAST(t.from_user AS INTEGER), '') || ' ' || coalesce(CAST(t.to_user AS INTEGER), '') END"""


class Messages:
    """Writes the messages of one table; the ids of the people's own space are one union."""

    writes: tuple[str, ...] = ("messages",)

    def __init__(self, table: str, legacy: Legacy, settings: MapperSettings, limits: Limits) -> None:
        self.name = table
        self._table, self._limits = table, limits
        # Both tables of the people's own space number the same messages.
        self._entity = "messages" if MESSAGES[table] == "users" else table
        self._keep_deleted = settings.messages.keep_deleted
        self._people = Directory.nobody()
        twice = ""
        if table == "shows_messages" and legacy.has("messages", "id"):
            twice = ", EXISTS (SELECT 1 FROM messages AS f WHERE f.id = t.id) AS twice"
        whose = member(MESSAGES[table])
        columns = {
            name: legacy.column(table, name, of="t") for name in ("message", "date", "read", "deleted")
        }
        self.reads = Query(
            sql=sql(
                _READS,
                table=quoted(table),
                sender=sql(_END, end="from_user", member=whose),
                receiver=sql(_END, end="to_user", member=whose),
                odd=_ODD_ENDS,
                twice=twice,
                **columns,
            ),
            key="id",
            columns=typed(
                ("id", "sender", "receiver", *(["twice"] if twice else [])),
                ("odd_ends", "message", "date", "is_read", "deleted"),
            ),
            count=sql("SELECT count(*) FROM $table", table=quoted(table)),
        )

    def begun(self, workspace: Workspace, ids: Ids) -> Self:
        """Return the same mapper with its people at hand."""
        mapper = copy(self)
        mapper._people = Directory.read(workspace, ids, MESSAGES[self._table])
        return mapper

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return messages and the fates of the others."""
        rows = rows.with_columns(
            self._people.places(rows["sender"]).alias("from"),
            self._people.places(rows["receiver"]).alias("to"),
            cleaning.text(pl.col("message")).alias("content"),
            cleaning.timestamp(pl.col("date")).alias("created_at"),
            cleaning.boolean(pl.col("deleted")).alias("gone"),
        )
        rows = rows.with_columns(
            *fate(
                (pl.col("twice") == 1 if "twice" in rows.columns else pl.lit(False), "merged", "same_id"),
                (pl.col("from").is_null() | pl.col("to").is_null(), "rejected", "unknown_user"),
                (pl.col("content").is_null(), "rejected", "empty_message"),
                (pl.col("gone") & (not self._keep_deleted), "excluded", "deleted"),
            )
        )
        rows = reject_too_long(rows, "messages", self._limits, {"content": pl.col("content")})
        kept = rows.filter(pl.col("fate").is_null())
        gone = rows.filter(pl.col("fate").is_not_null())
        source = (pl.lit(self._table), pl.col("id"))
        rules = (
            (cleaning.is_odd_boolean(pl.col("is_read")), "read", "invalid_boolean"),
            (cleaning.is_odd_boolean(pl.col("deleted")), "deleted", "invalid_boolean"),
            (pl.col("created_at").is_null(), "date", "invalid_timestamp"),
        )
        return MappedBatch(
            {"messages": self._messages(kept, ids)},
            fates=fates(_detailed(gone), *source),
            warnings=warn(kept, *source, *rules),
        )

    def _messages(self, kept: pl.DataFrame, ids: Ids) -> pl.DataFrame:
        people = self._people
        earliest = pl.max_horizontal(people.created(kept["from"]), people.created(kept["to"]))
        return kept.select(
            ids.expr(self._entity, pl.col("id")).alias("id"),
            people.ids(kept["from"]).alias("sender_id"),
            people.ids(kept["to"]).alias("receiver_id"),
            pl.lit(None, pl.String).alias("subject"),
            "content",
            cleaning.boolean(pl.col("is_read")).alias("is_read"),
            # No message is older than both its people.
            pl.coalesce(pl.col("created_at"), earliest).alias("created_at"),
        )


def _detailed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the detail that says which end is no migrated person."""
    odd = pl.col("odd_ends").str.split_exact(" ", 1)
    ends = [
        pl.when(pl.col(place).is_null()).then(
            pl.lit(f"{end} ")
            + pl.coalesce(odd.struct.field(f"field_{at}"), pl.col(end).cast(pl.String)).fill_null("")
        )
        for at, (place, end) in enumerate((("from", "sender"), ("to", "receiver")))
    ]
    missing = pl.concat_str(ends, separator=", ", ignore_nulls=True)
    missing = pl.when(missing != "").then(missing)
    too_long = [pl.col("detail")] if "detail" in rows.columns else []
    return rows.with_columns(pl.coalesce(*too_long, missing).alias("detail"))


def message_mappers(legacy: Legacy, settings: MapperSettings, limits: Limits) -> tuple[Mapper, ...]:
    """Return the mappers of the stage `messages`, in the order of who wins."""
    return tuple(Messages(table, legacy, settings, limits) for table in legacy.present(MESSAGES))


def message_accounts(legacy: Legacy) -> tuple[RowAccounting, ...]:
    """Return how each row of the message tables is accounted for."""
    return tuple(
        RowAccounting(
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
