"""Messages and connections: between live users, and as many for each as the source has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl
from psycopg import sql

from verification.fates import Fated, fates_of
from verification.identity import has_people, people
from verification.relations import dangling
from verification.report import Check, Outcome
from verification.rows import at, count_rows, key_of, offenders, quoted, source_tables, stream
from verification.subject import ForeignKey, Subject

_ENDS: Final = {
    "messages": ("sender_id", "receiver_id"),
    "user_connections": ("user_id", "connected_user_id"),
}
#: source tables of messages, and the id space of their users
_MESSAGES: Final = {
    "messages": "users",
    "shows_messages": "users",
    "community_messages": "community_users",
}
_COUNTED: Final = {"sender_id": "sent", "receiver_id": "received"}
_GATHERED: Final = 200_000


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


def _counts(subject: Subject) -> Outcome:
    if lacking := subject.lacks("users", "messages"):
        return Outcome.not_applicable(lacking)
    if not has_people(subject):
        return Outcome.not_applicable("the crosswalk knows no people")
    outcome = Outcome()
    accounted = {account.source for account in subject.accounts}
    sources = [table for table in source_tables(subject) if table in _MESSAGES and table in accounted]
    everybody = pl.concat([pl.DataFrame(schema=dict.fromkeys(_WHO, pl.String)), *people(subject)])
    fates = {table: Fated(fates_of(subject, table)) for table in sources}
    with ThreadPoolExecutor(max_workers=1) as server:  # it counts while the snapshot is read
        theirs = server.submit(_held, subject)
        legacy = pl.concat(
            [_NOBODY, *(_legacy(subject, table, everybody, fates[table], outcome) for table in sources)]
        )
    legacy = legacy.group_by("end", "id").agg(pl.col("times").sum())
    held = theirs.result()
    both = legacy.join(held, on=["end", "id"], how="full", coalesce=True, suffix="_held")
    both = both.with_columns(pl.col("times", "times_held").fill_null(0))
    known = pl.col("id").is_in(everybody["id"].implode())
    unlike = (
        both.filter(pl.col("times") != pl.col("times_held")).with_columns(known.alias("known")).sort("id")
    )
    for end, id_, times, times_held, person in unlike.rows():
        if person:
            outcome.found("messages", id_, f"{times_held} {_COUNTED[end]}, of {times} in the source", end)
        else:
            outcome.found("messages", None, f"{times_held} {_COUNTED[end]} by no migrated person", end)
    return outcome


_WHO: Final = ("entity", "legacy_id", "id")
_NOBODY: Final = pl.DataFrame(schema={"end": pl.String, "id": pl.String, "times": pl.Int64})


def _legacy(
    subject: Subject, table: str, everybody: pl.DataFrame, fates: Fated, outcome: Outcome
) -> pl.DataFrame:
    """Return how many of the table's messages without a fate each person sent and received."""
    query = (
        "SELECT CAST(id AS TEXT) AS source_id, CAST(from_user AS TEXT) AS sender_id, "  # noqa: S608  quoted
        f"CAST(to_user AS TEXT) AS receiver_id FROM main.{quoted(table)}"
    )
    ends = _Times()
    for frame in subject.read(query):
        outcome.looked_at += frame.height
        ends.add(frame.join(fates.of(frame["source_id"]), on="source_id", how="anti"))
    who = everybody.filter(pl.col("entity") == _MESSAGES[table]).select("legacy_id", "id")
    known = ends.total().join(who, on="legacy_id", how="left")
    for end, legacy_id, times, _ in known.filter(pl.col("id").is_null()).sort("end", "legacy_id").rows():
        what = f"{times} rows {_COUNTED[end]} by user {legacy_id}, who is no migrated person, have no fate"
        outcome.found(table, None, what)
    return known.drop_nulls("id").select("end", "id", "times")


class _Times:
    """How often each legacy id stands at each end of a message.

    Rows are gathered until they are as many as the ids counted so far: each is looked at a few
    times, and memory grows with the people, not with their messages.
    """

    def __init__(self) -> None:
        self._counted = pl.DataFrame(schema={"end": pl.String, "legacy_id": pl.String, "times": pl.Int64})
        self._rows: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        self._rows.append(rows.select(*_COUNTED))
        if sum(frame.height for frame in self._rows) > max(_GATHERED, self._counted.height):
            self._count()

    def total(self) -> pl.DataFrame:
        """Return `end`, `legacy_id` and `times`."""
        self._count()
        return self._counted

    def _count(self) -> None:
        rows, self._rows = (
            pl.concat([pl.DataFrame(schema=dict.fromkeys(_COUNTED, pl.String)), *self._rows]),
            [],
        )
        for end in _COUNTED:
            times = rows.group_by(pl.col(end).alias("legacy_id")).agg(pl.len().cast(pl.Int64).alias("times"))
            self._counted.extend(times.select(pl.lit(end).alias("end"), "legacy_id", "times"))
        self._counted = self._counted.group_by("end", "legacy_id").agg(pl.col("times").sum())


def _held(subject: Subject) -> pl.DataFrame:
    """Return how many messages everybody has at each end."""
    frames = [_NOBODY]
    for end in _COUNTED:
        query = sql.SQL("SELECT {0}::text, count(*) FROM {1} WHERE {0} IS NOT NULL GROUP BY 1").format(
            sql.Identifier(end), at(subject, "messages")
        )
        counted = stream(subject, query, {"id": pl.String(), "times": pl.Int64()})
        frames += [frame.select(pl.lit(end).alias("end"), "id", "times") for frame in counted]
    return pl.concat(frames)


LIVE_ENDS = Check(
    "live_ends", "Does every message and connection join two live users?", _living, of_target=True
)
MESSAGE_COUNTS = Check(
    "message_counts", "Has everybody sent and received as many messages as in the source?", _counts
)
