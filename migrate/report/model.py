"""The facts of a report, as the page shows them and `--json` prints them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

#: Raised when a field changes its meaning or goes; not when one is added.
VERSION: Final = 1

Tone = Literal["good", "bad", "open"]


@dataclass(frozen=True)
class Verdict:
    """The answer to `how did it end?`, and the sentences that explain it."""

    tone: Tone
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One line about an end of the run; a digest or an id is `exact`, to be compared letter by letter."""

    name: str
    value: str
    exact: bool = False


@dataclass(frozen=True)
class SourceRows:
    """The rows of one source table; the four fates add up to `rows`."""

    table: str
    rows: int
    migrated: int
    merged: int
    rejected: int
    excluded: int


@dataclass(frozen=True)
class Named:
    """One of the first rows of a fate; `values` are its cells, where samples were asked for."""

    source_id: str
    became: str | None
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Reason:
    """Rows of one source table that share a fate and its reason; for migrated ones the proving column."""

    table: str
    fate: str
    reason: str
    rows: int
    first: tuple[Named, ...]


@dataclass(frozen=True)
class Entity:
    """Source tables whose rows became rows of the same target tables."""

    targets: tuple[str, ...]
    sources: tuple[SourceRows, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Flow:
    """So many rows from a source table to a target table, or to another fate (then `fate` names it)."""

    source: str
    to: str
    fate: str
    rows: int


@dataclass(frozen=True)
class TargetTable:
    """A live table: rows before and after, what publish did, and what its rows were made from.

    `made_from` are source tables; `by_row` tells whether a row stands for rows of them, rather than
    for some of their cells. `checksum` is None before publish.
    """

    table: str
    before: int | None
    rows: int
    fate: str
    made_from: tuple[str, ...]
    by_row: bool
    checksum: str | None


@dataclass(frozen=True)
class StageLine:
    """One stage: its rows where it counts any, its seconds over all attempts, its peak memory."""

    name: str
    status: str
    rows: int | None
    seconds: float
    peak_mb: int | None


@dataclass(frozen=True)
class ColumnLine:
    """Where one source column, or one key of a table of keys and values, went."""

    column: str
    key: str | None
    went_to: str
    dropped: bool
    filled: int


@dataclass(frozen=True)
class ByHand:
    """What is written anew by hand: the source's SQL, and what takes its place where that is known."""

    kind: str
    name: str
    sql: str
    instead: str
    lost: bool


@dataclass(frozen=True)
class Changed:
    """Values of one source column that were migrated otherwise than they stood; `lost` if left empty."""

    table: str
    column: str
    rule: str
    rows: int
    lost: bool


@dataclass(frozen=True)
class Count:
    """A name and how many rows it counts."""

    name: str
    rows: int


@dataclass(frozen=True)
class Rehearsal:
    """The receipt of `migrate rehearse`: how often it was killed, and whether the content was the same."""

    identical: bool
    at: str
    code: str
    points: int
    killed: int
    seconds: dict[str, float]
    tables: tuple[tuple[str, int, bool], ...]


@dataclass(frozen=True)
class Command:
    """A command line and what it is for."""

    purpose: str
    line: str


@dataclass(frozen=True)
class Document:
    """Everything that is known of a run when its report is made.

    `counted` tells whether the run came so far that its rows were counted, `samples` whether the
    first rows bring their values, which are data of people.
    """

    made: str
    run_id: str
    code: str
    dry: bool
    outcome: str
    begun: str
    finished: str | None
    verdict: Verdict
    source: tuple[Fact, ...]
    target: tuple[Fact, ...]
    ids: tuple[Fact, ...]
    counted: bool
    samples: bool
    entities: tuple[Entity, ...] = ()
    flows: tuple[Flow, ...] = ()
    left_out: tuple[tuple[str, str, int], ...] = ()
    targets: tuple[TargetTable, ...] = ()
    categories: tuple[Count, ...] = ()
    rejects: tuple[Count, ...] = ()
    warnings: tuple[Count, ...] = ()
    changed: tuple[Changed, ...] = ()
    stages: tuple[StageLine, ...] = ()
    columns: dict[str, tuple[ColumnLine, ...]] = field(default_factory=dict)
    checked: str | None = None
    checks: tuple[dict[str, Any], ...] = ()
    rehearsal: Rehearsal | None = None
    by_hand: tuple[ByHand, ...] = ()
    commands: tuple[Command, ...] = ()

    @property
    def totals(self) -> SourceRows:
        """All source rows of migrated tables together."""
        rows = [source for entity in self.entities for source in entity.sources]
        return SourceRows(
            "together",
            *(
                sum(getattr(one, name) for one in rows)
                for name in ("rows", "migrated", "merged", "rejected", "excluded")
            ),
        )

    def facts(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {"version": VERSION, **asdict(self), "totals": asdict(self.totals)}
