"""Checks that each person sent and received as many messages as in the source.

For each person and end of a message it holds eight bytes and a number: the hash of a legacy id and how often
it occurs. The target returns two sums for each end, of its messages and of the hashes of the ids, in one scan
without an order; it hashes our ids, too. Only if the sums differ, the messages of each person are counted,
which takes many times as long, and the people are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl
from psycopg import sql

from verification.context import CheckContext
from verification.id_checks import has_people, legacy_ids, people
from verification.queries import ask, at, quoted, source_tables, stream
from verification.result import Check, Outcome
from verification.row_outcomes import Fated, among, fates_of

#: source tables of messages, and the id space of their users
_MESSAGES: Final = {
    "messages": "users",
    "shows_messages": "users",
    "community_messages": "community_users",
}
#: the ends of a message, and their names
_ENDS: Final = {"sender_id": "sent", "receiver_id": "received"}
#: rows that are counted together
_GATHERED: Final = 50_000


class MessageCounts:
    """How often each of some texts occurred, by their hashes: a number for each of them, and for no other.

    `marks` are the hashes of the texts, ascending and each once.
    """

    def __init__(self, marks: pl.Series) -> None:
        self.marks = marks
        self._stray = pl.Series("mark", [], dtype=pl.UInt64)
        self._times = pl.repeat(0, len(marks), dtype=pl.Int32, eager=True)
        self._rows: list[pl.DataFrame] = []

    def add(self, marks: pl.Series, times: pl.Series | None = None) -> None:
        """Add texts by their hashes, each once if no times are given."""
        times = pl.repeat(1, len(marks), dtype=pl.Int32, eager=True) if times is None else times
        added = pl.DataFrame({"mark": marks, "times": times.cast(pl.Int32)})
        for rows in added.iter_slices(_GATHERED):
            self._rows.append(rows)
            if sum(frame.height for frame in self._rows) > _GATHERED:
                self._count()

    def of(self, marks: pl.Series) -> pl.Series:
        """Return how often the texts of these hashes, all of them known, occurred."""
        return self.times.gather(self.marks.search_sorted(marks))

    @property
    def stray(self) -> pl.Series:
        """Return the hashes that occurred and are not among `marks`, once for each batch of rows."""
        self._count()
        return self._stray

    @property
    def times(self) -> pl.Series:
        """Return how often each text occurred, in the order of `marks`."""
        self._count()
        return self._times

    def _count(self) -> None:
        if not self._rows:
            return
        rows = _added_up(pl.concat(self._rows))
        self._rows = []
        ours = among(rows["mark"], self.marks)
        known, stray = rows.filter(ours), rows.filter(~ours)
        self._stray.extend(stray["mark"])
        places = self.marks.search_sorted(known["mark"])
        self._times = self._times.scatter(places, self._times.gather(places) + known["times"])


def _added_up(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each `mark` once, with the sum of its `times`: sorted, which takes a fifth of a hash table."""
    ascending = rows.sort("mark").with_columns(pl.col("times").cum_sum().alias("so_far"))
    last = ascending.filter(pl.col("mark").ne_missing(pl.col("mark").shift(-1)))
    return last.select("mark", (pl.col("so_far") - pl.col("so_far").shift(1, fill_value=0)).alias("times"))


Counted = Mapping[str, MessageCounts]
#: for each end the number of messages, and the sum of the 64-bit hashes of their ids
Sums = tuple[int, ...]


def _by_end(marks: pl.Series) -> dict[str, MessageCounts]:
    return {end: MessageCounts(marks) for end in _ENDS}


def _counts(context: CheckContext) -> Outcome:
    if missing := context.note_missing("users", "messages"):
        return Outcome.not_applicable(missing)
    if not has_people(context):
        return Outcome.not_applicable("the crosswalk knows no people")
    outcome = Outcome()
    held, legacy = _sides(context, outcome)
    if held != _expected(context, legacy):
        _compare_with(context, legacy, outcome)
    return outcome


def _sides(context: CheckContext, outcome: Outcome) -> tuple[Sums, dict[str, Counted]]:
    """Return the sums over the target, and the counts of each table of the source."""
    accounted = {account.source for account in context.accounts}
    sources = [table for table in source_tables(context) if table in _MESSAGES and table in accounted]
    fates = {table: fates_of(context, table) for table in sources}
    known = _known(context)
    # The server computes the sums while the snapshot is read.
    with ThreadPoolExecutor(max_workers=1) as server:
        held = server.submit(_summed, context)
        legacy = {
            table: _legacy(context, table, fates[table], known[_MESSAGES[table]], outcome)
            for table in sources
        }
    for table, counted in legacy.items():
        _without_person(context, table, fates[table], counted, outcome)
    return held.result(), legacy


def _known(context: CheckContext) -> dict[str, pl.Series]:
    """Return the hashes of all legacy ids of people, by their space."""
    known = {entity: pl.Series("legacy_id", [], dtype=pl.UInt64) for entity in _MESSAGES.values()}
    for frame in legacy_ids(context):
        for entity, marks in known.items():
            marks.extend(frame.filter(pl.col("entity") == entity)["legacy_id"].hash())
    return known


def _ascending(marks: Iterable[pl.Series]) -> pl.Series:
    return pl.concat([pl.Series("mark", [], dtype=pl.UInt64), *marks]).unique().sort()


def _rows(context: CheckContext, table: str, fates: Fated) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the number of rows read, and both ends as texts of those without a fate."""
    query = (
        "SELECT CAST(id AS TEXT) AS source_id, CAST(from_user AS TEXT) AS sender_id, "  # noqa: S608  quoted
        f"CAST(to_user AS TEXT) AS receiver_id FROM main.{quoted(table)}"
    )
    for frame in context.read(query):
        yield frame.height, frame.join(fates.of(frame["source_id"]), on="source_id", how="anti")


def _legacy(context: CheckContext, table: str, fates: Fated, known: pl.Series, outcome: Outcome) -> Counted:
    """Count how many of the table's messages without a fate each legacy id sent and received."""
    counted = _by_end(_ascending([known]))
    for rows, frame in _rows(context, table, fates):
        outcome.looked_at += rows
        for end, times in counted.items():
            times.add(frame[end].hash())
    return counted


def _summed(context: CheckContext) -> Sums:
    """Return the sums over the target's messages."""
    sums = sql.SQL(", ").join(
        sql.SQL("count({0}), coalesce(sum(hashtextextended({0}::text, 0)), 0)").format(sql.Identifier(end))
        for end in _ENDS
    )
    (found,) = ask(context, sql.SQL("SELECT {} FROM {}").format(sums, at(context, "messages")))
    return tuple(int(str(number)) for number in found)


def _expected(context: CheckContext, legacy: Mapping[str, Counted]) -> Sums:
    """Return the sums expected from the source's messages; the server hashes the ids, those of people
    only.
    """
    sums = sql.SQL(", ").join(
        sql.SQL("coalesce(sum({0}), 0), coalesce(sum({0} * hash::numeric), 0)").format(sql.Identifier(end))
        for end in _ENDS
    )
    query = sql.SQL(
        "SELECT {sums} FROM (SELECT hashtextextended(id, 0), {ends}"
        " FROM unnest(string_to_array(%s, ','), {arrays}) AS ours (id, {ends})) AS hashed (hash, {ends})"
    ).format(
        sums=sums,
        ends=sql.SQL(", ").join(map(sql.Identifier, _ENDS)),
        arrays=sql.SQL(", ").join([sql.SQL("string_to_array(%s, ',')::bigint[]")] * len(_ENDS)),
    )
    total = [0] * (2 * len(_ENDS))
    for frame in _with_times(context, legacy):
        columns = [frame[name].cast(pl.String).str.join(",").item() for name in ("id", *_ENDS)]
        (found,) = ask(context, query, *columns)
        total = [so_far + int(str(more)) for so_far, more in zip(total, found, strict=True)]
    return tuple(total)


def _with_times(context: CheckContext, legacy: Mapping[str, Counted]) -> Iterator[pl.DataFrame]:
    """Yield new ids of people, and how many of the source's messages they have at each end."""
    for frame in people(context):
        for table, counted in legacy.items():
            part = frame.filter(pl.col("entity") == _MESSAGES[table])
            if part.is_empty():
                continue
            marks = part["legacy_id"].hash()
            yield part.select("id", *(counted[end].of(marks).alias(end) for end in _ENDS))


def _in_target(context: CheckContext, ids: pl.Series) -> Counted:
    """Count how many messages each id has at each end in the target."""
    counted = _by_end(ids)
    for end, frame in _held_rows(context):
        counted[end].add(frame["id"].hash(), frame["times"])
    return counted


def _held_rows(context: CheckContext) -> Iterator[tuple[str, pl.DataFrame]]:
    for end in _ENDS:
        query = sql.SQL("SELECT {0}::text, count(*) FROM {1} WHERE {0} IS NOT NULL GROUP BY 1").format(
            sql.Identifier(end), at(context, "messages")
        )
        for frame in stream(context, query, {"id": pl.String(), "times": pl.Int64()}):
            yield end, frame


def _without_person(
    context: CheckContext, table: str, fates: Fated, counted: Counted, outcome: Outcome
) -> None:
    """Record the legacy ids that belong to no migrated person, but have messages without a fate."""
    for end, times in sorted(counted.items(), key=lambda item: _ENDS[item[0]]):
        if times.stray.is_empty():
            continue
        strange = pl.col(end).hash().is_in(times.stray.unique().implode())
        frames = [
            frame.filter(strange).select(pl.col(end).alias("legacy_id"))
            for _, frame in _rows(context, table, fates)
        ]
        named = pl.concat([pl.DataFrame(schema={"legacy_id": pl.String}), *frames])
        for legacy_id, found in named.group_by("legacy_id").len().sort("legacy_id").rows():
            what = f"{found} rows {_ENDS[end]} by user {legacy_id}, who was not migrated, have no outcome"
            outcome.found(table, None, what)


def _compare_with(context: CheckContext, legacy: Mapping[str, Counted], outcome: Outcome) -> None:
    """Record who does not have as many messages in the target as in the source, with both numbers."""
    ids = _ascending(frame["id"].hash() for frame in people(context))
    ours, held = _by_end(ids), _in_target(context, ids)
    for frame in _with_times(context, legacy):
        for end, times in ours.items():
            times.add(frame["id"].hash(), frame[end])
    unlike = {end: ours[end].marks.filter(ours[end].times != held[end].times) for end in _ENDS}
    if sum(map(len, unlike.values())):
        names = _named(context, pl.concat(unlike.values()))
        for end, what in _ENDS.items():
            sides = names.with_columns(
                ours[end].of(names["mark"]).alias("ours"), held[end].of(names["mark"]).alias("held")
            )
            for id_, times, there in sides.filter(pl.col("ours") != pl.col("held")).drop("mark").rows():
                outcome.found("messages", id_, f"{there} {what}, of {times} in the source", end)
    if any(len(times.stray) for times in held.values()):
        for end, frame in _held_rows(context):
            for times in frame.filter(among(frame["id"].hash(), held[end].stray))["times"].sort():
                outcome.found("messages", None, f"{times} {_ENDS[end]} by no migrated person", end)


def _named(context: CheckContext, marks: pl.Series) -> pl.DataFrame:
    """Return the `id` and `mark` of the people of these marks, sorted by id."""
    named = [pl.DataFrame(schema={"id": pl.String, "mark": pl.UInt64})]
    for frame in people(context):
        some = frame.select("id", pl.col("id").hash().alias("mark"))
        named.append(some.filter(among(some["mark"], marks)))
    return pl.concat(named).unique("id").sort("id")


MESSAGE_COUNTS = Check(
    "message_counts",
    "Has every person sent and received as many messages as in the source?",
    _counts,
    apart=True,
)
