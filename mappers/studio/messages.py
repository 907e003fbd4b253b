"""Messages between two people, from all message tables that exist."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Final, Self

import polars as pl

from mappers import cleaning
from mappers.base import Cast, Ids, MappedBatch, Mapper, Query, RowAccounting, Workspace
from mappers.reasons import Reason
from mappers.row_outcomes import Limits, fate, fates, reject_too_long, warn
from mappers.settings import MapperSettings
from mappers.sqlite_sql import literal, quoted, sql
from mappers.studio.crosswalk.merge_people import member
from mappers.studio.declared_columns import Columns, casts, frame, select_list, source_columns, texts
from mappers.studio.legacy_tables import MESSAGES, Legacy
from mappers.studio.people_lookup import Directory

_READS: Final = "SELECT $selected FROM $table AS t WHERE t.id > ?1 ORDER BY t.id LIMIT ?2"
#: Source columns that decide whether a row is migrated, and the rule that says so.
DECIDING: Final[Mapping[str, Reason]] = {"messages.deleted": Reason.DELETED}
#: Source columns that separate SQL reads.
_IDS: Final = ("id", "from_user", "to_user")
#: An id that is not stored as an integer is compared as SQLite compares it.
_END: Final = """
CASE WHEN typeof(t.$end) = 'integer' THEN t.$end
     ELSE (SELECT m.legacy_id FROM x.$member AS m WHERE m.legacy_id = t.$end) END"""
_ODD_ENDS: Final = """
CASE WHEN typeof(t.from_user) <> 'integer' OR typeof(t.to_user) <> 'integer'
     THEN coalesce(CAST(t.from_user AS INTEGER), '') || ' ' || coalesce(CAST(t.to_user AS INTEGER), '') END"""


class Messages:
    """Writes the messages of one table; all ids of the people's own space are numbered together."""

    writes: tuple[str, ...] = ("messages",)

    def __init__(self, table: str, legacy: Legacy, settings: MapperSettings, limits: Limits) -> None:
        self.name = table
        self._table, self._limits = table, limits
        # Both tables of the people's own space number the same messages.
        self._entity = "messages" if MESSAGES[table] == "users" else table
        self._keep_deleted = settings.messages.keep_deleted
        self._people = Directory.empty()
        whose = member(MESSAGES[table])
        plain = [name for name in source_columns(self.columns["messages"], "messages") if name not in _IDS]
        selected: dict[str, tuple[Cast, str]] = {
            "id": ("integer", "t.id"),
            "sender": ("integer", sql(_END, end="from_user", member=whose)),
            "receiver": ("integer", sql(_END, end="to_user", member=whose)),
            "odd_ends": ("text", _ODD_ENDS),
            **texts((name, legacy.column(table, name, of="t")) for name in (*plain, "deleted")),
        }
        if table == "shows_messages" and legacy.has("messages", "id"):
            selected["twice"] = ("integer", "EXISTS (SELECT 1 FROM messages AS f WHERE f.id = t.id)")
        self.reads = Query(
            sql=sql(_READS, table=quoted(table), selected=select_list(selected)),
            key="id",
            columns=casts(selected),
            count=sql("SELECT count(*) FROM $table", table=quoted(table)),
        )

    @property
    def columns(self) -> Mapping[str, Columns]:
        """Return the target columns, by table."""
        people = self._people

        def earliest(rows: pl.DataFrame) -> pl.Expr:
            return pl.max_horizontal(people.created(rows["from"]), people.created(rows["to"]))

        return {
            "messages": {
                "id": (("messages.id",), lambda _, ids: ids.expr(self._entity, pl.col("id"))),
                "sender_id": (("messages.from_user",), lambda rows, _: people.ids(rows["from"])),
                "receiver_id": (("messages.to_user",), lambda rows, _: people.ids(rows["to"])),
                "subject": ((), pl.lit(None, pl.String)),
                "content": (("messages.message",), pl.col("content")),
                "is_read": (("messages.read",), cleaning.boolean(pl.col("read"))),
                # No message is older than both its people.
                "created_at": (
                    ("messages.date",),
                    lambda rows, _: pl.coalesce(pl.col("created_at"), earliest(rows)),
                ),
            }
        }

    def with_lookup(self, workspace: Workspace, ids: Ids) -> Self:
        """Return the same mapper with its people in memory."""
        mapper = copy(self)
        mapper._people = Directory.read(workspace, ids, MESSAGES[self._table])
        return mapper

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return messages and the outcomes of the other rows."""
        rows = rows.with_columns(
            self._people.places(rows["sender"]).alias("from"),
            self._people.places(rows["receiver"]).alias("to"),
            cleaning.text(pl.col("message")).alias("content"),
            cleaning.timestamp(pl.col("date")).alias("created_at"),
            cleaning.boolean(pl.col("deleted")).alias("gone"),
        )
        twice = pl.col("twice") == 1 if "twice" in rows.columns else pl.lit(False)
        rows = rows.with_columns(
            *fate(
                (twice, "merged", Reason.SAME_ID),
                (pl.col("from").is_null() | pl.col("to").is_null(), "rejected", Reason.UNKNOWN_USER),
                (pl.col("content").is_null(), "rejected", Reason.EMPTY_MESSAGE),
                (pl.col("gone") & (not self._keep_deleted), "excluded", Reason.DELETED),
            )
        )
        rows = reject_too_long(rows, "messages", self._limits, {"content": pl.col("content")})
        kept = rows.filter(pl.col("fate").is_null())
        gone = rows.filter(pl.col("fate").is_not_null())
        source = (pl.lit(self._table), pl.col("id"))
        rules = (
            (cleaning.is_odd_boolean(pl.col("read")), "read", Reason.INVALID_BOOLEAN),
            (cleaning.is_odd_boolean(pl.col("deleted")), "deleted", Reason.INVALID_BOOLEAN),
            (pl.col("created_at").is_null(), "date", Reason.INVALID_TIMESTAMP),
        )
        return MappedBatch(
            {"messages": frame(kept, ids, self.columns["messages"])},
            fates=fates(_detailed(gone), *source),
            warnings=warn(kept, *source, *rules),
        )


def _detailed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the detail that says which end is not a migrated person."""
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
    """Return the mappers of the stage `messages`; the first one has priority."""
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
