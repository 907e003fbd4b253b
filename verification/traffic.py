"""Has everybody sent and received as many messages as in the source? Counted on both sides.

Held are eight bytes and a number for each person and end, the hash of an id and how often it stands
there; texts are looked up again where the numbers differ, of those people only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl
from psycopg import sql

from verification.fates import Fated, among, fates_of
from verification.identity import has_people, people
from verification.report import Check, Outcome
from verification.rows import at, quoted, source_tables, stream
from verification.subject import Subject

#: source tables of messages, and the id space of their users
_MESSAGES: Final = {
    "messages": "users",
    "shows_messages": "users",
    "community_messages": "community_users",
}
#: the ends of a message, and what they are called
_ENDS: Final = {"sender_id": "sent", "receiver_id": "received"}
#: rows that are counted together
_GATHERED: Final = 200_000


class Times:
    """How often each of some texts was met, by their hashes: a number for each, and those of no other.

    `marks` are the hashes of the texts, ascending and each once. `stray` are hashes that are not
    among them, as often as they were found in some of the rows that are counted together.
    """

    def __init__(self, marks: pl.Series) -> None:
        self.marks = marks
        self.stray = pl.Series("mark", [], dtype=pl.UInt64)
        self._times = pl.repeat(0, len(marks), dtype=pl.Int32, eager=True)
        self._rows: list[pl.DataFrame] = []

    def add(self, marks: pl.Series, times: pl.Series | None = None) -> None:
        """Add texts by their hashes, each once where no times are given."""
        times = pl.repeat(1, len(marks), dtype=pl.Int32, eager=True) if times is None else times
        added = pl.DataFrame({"mark": marks, "times": times.cast(pl.Int32)})
        for rows in added.iter_slices(_GATHERED):
            self._rows.append(rows)
            if sum(frame.height for frame in self._rows) > _GATHERED:
                self._count()

    def of(self, marks: pl.Series) -> pl.Series:
        """Return how often the texts of these hashes, all of them known, were met."""
        return self.times.gather(self.marks.search_sorted(marks))

    @property
    def times(self) -> pl.Series:
        """How often each text was met, in the order of `marks`."""
        self._count()
        return self._times

    def _count(self) -> None:
        if not self._rows:
            return
        rows = _added_up(pl.concat(self._rows))
        self._rows = []
        ours = among(rows["mark"], self.marks)
        known, stray = rows.filter(ours), rows.filter(~ours)
        self.stray = pl.concat([self.stray, stray["mark"]])
        places = self.marks.search_sorted(known["mark"])
        self._times = self._times.scatter(places, self._times.gather(places) + known["times"])


def _added_up(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each `mark` once, with the sum of its `times`: sorted, which takes a fifth of a hash table."""
    ascending = rows.sort("mark").with_columns(pl.col("times").cum_sum().alias("so_far"))
    last = ascending.filter(pl.col("mark").ne_missing(pl.col("mark").shift(-1)))
    return last.select("mark", (pl.col("so_far") - pl.col("so_far").shift(1, fill_value=0)).alias("times"))


Counted = Mapping[str, Times]


def _by_end(marks: pl.Series) -> dict[str, Times]:
    return {end: Times(marks) for end in _ENDS}


def _counts(subject: Subject) -> Outcome:
    if lacking := subject.lacks("users", "messages"):
        return Outcome.not_applicable(lacking)
    if not has_people(subject):
        return Outcome.not_applicable("the crosswalk knows no people")
    outcome = Outcome()
    accounted = {account.source for account in subject.accounts}
    sources = [table for table in source_tables(subject) if table in _MESSAGES and table in accounted]
    fates = {table: Fated(fates_of(subject, table)) for table in sources}
    spaces = _spaces(subject)
    ids = _ascending([space["new"] for space in spaces.values()])
    with ThreadPoolExecutor(max_workers=1) as server:  # it counts while the snapshot is read
        theirs = server.submit(_held, subject, ids)
        legacy = {
            table: _legacy(subject, table, fates[table], spaces[_MESSAGES[table]]["legacy"], outcome)
            for table in sources
        }
    ours, held = _by_end(ids), theirs.result()
    for table, counted in legacy.items():
        space = spaces[_MESSAGES[table]]
        for end, times in counted.items():
            ours[end].add(space["new"], times.of(space["legacy"]))
        _by_nobody(subject, table, fates[table], counted, outcome)
    _hold_against(subject, ours, held, outcome)
    return outcome


def _spaces(subject: Subject) -> dict[str, pl.DataFrame]:
    """Return the hashes of everybody's `legacy` and `new` ids, by the space of the legacy ones."""
    empty = pl.DataFrame(schema={"legacy": pl.UInt64, "new": pl.UInt64})
    spaces = {entity: empty.clone() for entity in _MESSAGES.values()}
    marks = (pl.col("legacy_id").hash().alias("legacy"), pl.col("id").hash().alias("new"))
    for frame in people(subject):
        for (entity,), part in frame.partition_by("entity", as_dict=True).items():
            spaces.setdefault(str(entity), empty.clone()).extend(part.select(marks))
    return spaces


def _ascending(marks: Sequence[pl.Series]) -> pl.Series:
    return pl.concat(marks).unique().sort()


def _rows(subject: Subject, table: str, fates: Fated) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the number of rows read, and both ends as texts of those without a fate."""
    query = (
        "SELECT CAST(id AS TEXT) AS source_id, CAST(from_user AS TEXT) AS sender_id, "  # noqa: S608  quoted
        f"CAST(to_user AS TEXT) AS receiver_id FROM main.{quoted(table)}"
    )
    for frame in subject.read(query):
        yield frame.height, frame.join(fates.of(frame["source_id"]), on="source_id", how="anti")


def _legacy(subject: Subject, table: str, fates: Fated, known: pl.Series, outcome: Outcome) -> Counted:
    """Count how many of the table's messages without a fate each legacy id sent and received."""
    counted = _by_end(_ascending([known]))
    for rows, frame in _rows(subject, table, fates):
        outcome.looked_at += rows
        for end, times in counted.items():
            times.add(frame[end].hash())
    return counted


def _held(subject: Subject, ids: pl.Series) -> Counted:
    """Count how many messages each id has at each end in the target."""
    counted = _by_end(ids)
    for end, frame in _held_rows(subject):
        counted[end].add(frame["id"].hash(), frame["times"])
    return counted


def _held_rows(subject: Subject) -> Iterator[tuple[str, pl.DataFrame]]:
    for end in _ENDS:
        query = sql.SQL("SELECT {0}::text, count(*) FROM {1} WHERE {0} IS NOT NULL GROUP BY 1").format(
            sql.Identifier(end), at(subject, "messages")
        )
        for frame in stream(subject, query, {"id": pl.String(), "times": pl.Int64()}):
            yield end, frame


def _by_nobody(subject: Subject, table: str, fates: Fated, counted: Counted, outcome: Outcome) -> None:
    """Record the legacy ids that are no migrated person's, and yet have messages without a fate."""
    for end, times in sorted(counted.items(), key=lambda item: _ENDS[item[0]]):
        if times.stray.is_empty():
            continue
        strange = pl.col(end).hash().is_in(times.stray.unique().implode())
        frames = [
            frame.filter(strange).select(pl.col(end).alias("legacy_id"))
            for _, frame in _rows(subject, table, fates)
        ]
        named = pl.concat([pl.DataFrame(schema={"legacy_id": pl.String}), *frames])
        for legacy_id, found in named.group_by("legacy_id").len().sort("legacy_id").rows():
            what = f"{found} rows {_ENDS[end]} by user {legacy_id}, who is no migrated person, have no fate"
            outcome.found(table, None, what)


def _hold_against(subject: Subject, ours: Counted, held: Counted, outcome: Outcome) -> None:
    """Record who does not have as many messages in the target as in the source, and both numbers."""
    unlike = {end: ours[end].marks.filter(ours[end].times != held[end].times) for end in _ENDS}
    if sum(map(len, unlike.values())):
        names = _named(subject, pl.concat(unlike.values()))
        for end, what in _ENDS.items():
            sides = names.with_columns(
                ours[end].of(names["mark"]).alias("ours"), held[end].of(names["mark"]).alias("held")
            )
            for id_, times, there in sides.filter(pl.col("ours") != pl.col("held")).drop("mark").rows():
                outcome.found("messages", id_, f"{there} {what}, of {times} in the source", end)
    if any(len(times.stray) for times in held.values()):
        for end, frame in _held_rows(subject):
            for times in frame.filter(among(frame["id"].hash(), held[end].stray))["times"].sort():
                outcome.found("messages", None, f"{times} {_ENDS[end]} by no migrated person", end)


def _named(subject: Subject, marks: pl.Series) -> pl.DataFrame:
    """Return the `id` and `mark` of the people of these marks, sorted by id."""
    named = [pl.DataFrame(schema={"id": pl.String, "mark": pl.UInt64})]
    for frame in people(subject):
        some = frame.select("id", pl.col("id").hash().alias("mark"))
        named.append(some.filter(among(some["mark"], marks)))
    return pl.concat(named).unique("id").sort("id")


MESSAGE_COUNTS = Check(
    "message_counts",
    "Has everybody sent and received as many messages as in the source?",
    _counts,
    apart=True,
)
