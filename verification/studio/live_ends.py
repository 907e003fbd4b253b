"""Messages and connections: between live users."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from verification.context import CheckContext
from verification.foreign_keys import dangling, is_proven
from verification.queries import at, count, count_rows, key_of, offenders
from verification.result import Check, Outcome

_ENDS: Final = {
    "messages": ("sender_id", "receiver_id"),
    "user_connections": ("user_id", "connected_user_id"),
}


def _living(context: CheckContext) -> Outcome:
    present = [table for table in _ENDS if table in context.tables]
    if not present or context.note_missing("users"):
        return Outcome.not_applicable(context.note_missing("users", *_ENDS))
    outcome = Outcome()
    for table in present:
        outcome.looked_at += count_rows(context, table)
        some_open = count(context, _open_ends(context, table)) > 0
        for end in _ENDS[table]:
            # Not only by the foreign keys: a null sender or recipient is wrong too, and an application may
            # have no keys.
            wrong = [] if _is_proven(context, table, end) else [_dangling_end(context, table, end)]
            wrong += [_open_end(context, table, end)] if some_open else []
            for rows in wrong:
                offenders(context, outcome, table, rows, "refers to no existing user", end)
    return outcome


def _is_proven(context: CheckContext, table: str, end: str) -> bool:
    return any(
        (key.table, key.columns, key.ref_table, key.ref_columns) == (table, (end,), "users", ("id",))
        and is_proven(context, key)
        for key in context.foreign_keys
    )


def _dangling_end(context: CheckContext, table: str, end: str) -> sql.Composed:
    return dangling(context, table, (end,), "users", ("id",))


def _open_ends(context: CheckContext, table: str) -> sql.Composed:
    is_open = [sql.SQL("{} IS NULL").format(sql.Identifier(end)) for end in _ENDS[table]]
    return sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
        at(context, table), sql.SQL(" OR ").join(is_open)
    )


def _open_end(context: CheckContext, table: str, end: str) -> sql.Composed:
    return sql.SQL("SELECT {} FROM {} AS child WHERE child.{} IS NULL").format(
        key_of(context.tables[table], "child"), at(context, table), sql.Identifier(end)
    )


LIVE_ENDS = Check(
    "live_ends",
    "Does every message and connection refer to two existing users?",
    _living,
    of_target=True,
    of_proof=True,
)
