"""Messages and connections: between live users."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from verification.context import ForeignKey, Subject
from verification.foreign_keys import dangling, is_proven
from verification.queries import at, count, count_rows, key_of, offenders
from verification.result import Check, Outcome

_ENDS: Final = {
    "messages": ("sender_id", "receiver_id"),
    "user_connections": ("user_id", "connected_user_id"),
}


def _living(subject: Subject) -> Outcome:
    present = [table for table in _ENDS if table in subject.tables]
    if not present or subject.lacks("users"):
        return Outcome.not_applicable(subject.lacks("users", *_ENDS))
    outcome = Outcome()
    for table in present:
        outcome.looked_at += count_rows(subject, table)
        some_open = count(subject, _open_ends(subject, table)) > 0
        for end in _ENDS[table]:
            # Not by the foreign keys alone: a null end joins nobody either, and an application may have none.
            wrong = [] if _is_proven(subject, table, end) else [_dangling_end(subject, table, end)]
            wrong += [_open_end(subject, table, end)] if some_open else []
            for rows in wrong:
                offenders(subject, outcome, table, rows, "joins no live user", end)
    return outcome


def _is_proven(subject: Subject, table: str, end: str) -> bool:
    return any(
        (key.table, key.columns, key.to_table, key.to_columns) == (table, (end,), "users", ("id",))
        and is_proven(subject, key)
        for key in subject.foreign_keys
    )


def _dangling_end(subject: Subject, table: str, end: str) -> sql.Composed:
    return dangling(subject, ForeignKey("", table, (end,), "users", ("id",)))


def _open_ends(subject: Subject, table: str) -> sql.Composed:
    is_open = [sql.SQL("{} IS NULL").format(sql.Identifier(end)) for end in _ENDS[table]]
    return sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
        at(subject, table), sql.SQL(" OR ").join(is_open)
    )


def _open_end(subject: Subject, table: str, end: str) -> sql.Composed:
    return sql.SQL("SELECT {} FROM {} AS child WHERE child.{} IS NULL").format(
        key_of(subject.tables[table], "child"), at(subject, table), sql.Identifier(end)
    )


LIVE_ENDS = Check(
    "live_ends",
    "Does every message and connection join two live users?",
    _living,
    of_target=True,
    of_proof=True,
)
