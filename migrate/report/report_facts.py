"""The facts of a report, as the page shows them and `--json` prints them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from migrate.introspect.profile.attention import Attention

#: Raised when a field changes its meaning or is removed; not when one is added.
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
    """One line about source or target; a digest or an id is `exact`, to be compared letter by letter."""

    name: str
    value: str
    exact: bool = False


@dataclass(frozen=True)
class SourceRows:
    """The rows of one source table; the four outcomes add up to `rows`."""

    table: str
    rows: int
    migrated: int
    merged: int
    rejected: int
    excluded: int


@dataclass(frozen=True)
class Named:
    """One of the first rows of an outcome; `values` are its cells, if samples were asked for."""

    source_id: str
    became: str | None
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Reason:
    """Rows of one source table that share an outcome and its reason; for migrated ones the proving column."""

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
    """How many rows go from a source table to a target table, or to another outcome (then `fate` names
    it).
    """

    source: str
    to: str
    fate: str
    rows: int


@dataclass(frozen=True)
class TargetTable:
    """A live table: rows before and after, what publish did, and the source of its rows.

    `made_from` are source tables; `by_row` is true if a row comes from rows of them, false if only from some
    of their cells. `checksum` is None before publish.
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
    """One stage: its rows if it counts any, its seconds over all attempts, its peak memory."""

    name: str
    status: str
    rows: int | None
    seconds: float
    peak_mb: int | None


@dataclass(frozen=True)
class ColumnLine:
    """The target of one source column, or of one key of a table of keys and values."""

    column: str
    key: str | None
    went_to: str
    dropped: bool
    filled: int


@dataclass(frozen=True)
class ManualWork:
    """What must be written again by hand: the source's SQL, and what replaces it if that is known."""

    kind: str
    name: str
    sql: str
    instead: str
    lost: bool


@dataclass(frozen=True)
class Changed:
    """Values of one source column that were changed during the migration; `lost` if left empty."""

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
    """The result of `migrate rehearse`: how often it was killed, and whether the content was the same."""

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
    """Everything that is known about a run when its report is made.

    `counted` is true if the run got far enough that its rows were counted, `samples` if the first rows
    include their values, which are personal data.
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
    attention: tuple[Attention, ...] = ()
    entities: tuple[Entity, ...] = ()
    flows: tuple[Flow, ...] = ()
    left_out: tuple[tuple[str, str, int], ...] = ()
    targets: tuple[TargetTable, ...] = ()
    breakdown: str = ""
    categories: tuple[Count, ...] = ()
    rejects: tuple[Count, ...] = ()
    warnings: tuple[Count, ...] = ()
    changed: tuple[Changed, ...] = ()
    stages: tuple[StageLine, ...] = ()
    columns: dict[str, tuple[ColumnLine, ...]] = field(default_factory=dict)
    checked: str | None = None
    checks: tuple[dict[str, Any], ...] = ()
    rehearsal: Rehearsal | None = None
    by_hand: tuple[ManualWork, ...] = ()
    commands: tuple[Command, ...] = ()

    @property
    def totals(self) -> SourceRows:
        """Return the number of all source rows of migrated tables."""
        rows = [source for entity in self.entities for source in entity.sources]
        return SourceRows(
            "together",
            *(
                sum(getattr(one, name) for one in rows)
                for name in ("rows", "migrated", "merged", "rejected", "excluded")
            ),
        )

    @property
    def left_out_rows(self) -> int:
        """Return the number of rows of source tables that are not migrated."""
        return sum(rows for _, _, rows in self.left_out)

    @property
    def source_rows(self) -> int:
        """Return the number of all rows of the source, those of left-out tables included."""
        return self.totals.rows + self.left_out_rows

    def facts(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {
            "version": VERSION,
            **asdict(self),
            "totals": asdict(self.totals),
            "source_rows": self.source_rows,
            "left_out_rows": self.left_out_rows,
        }
