"""Messages and connections: between live users."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from verification.relations import dangling
from verification.report import Check, Outcome
from verification.rows import at, count_rows, key_of, offenders
from verification.subject import ForeignKey, Subject

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
        for end in _ENDS[table]:
            # Not by the foreign keys: a null end joins nobody either, and an application may have none.
            key = ForeignKey("", table, (end,), "users", ("id",))
            for rows in (dangling(subject, key), _open_end(subject, table, end)):
                offenders(subject, outcome, table, rows, "joins no live user", end)
    return outcome


def _open_end(subject: Subject, table: str, end: str) -> sql.Composed:
    return sql.SQL("SELECT {} FROM {} AS child WHERE child.{} IS NULL").format(
        key_of(subject.tables[table], "child"), at(subject, table), sql.Identifier(end)
    )


LIVE_ENDS = Check(
    "live_ends", "Does every message and connection join two live users?", _living, of_target=True
)
