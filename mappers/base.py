"""The interface of a mapper: what it reads, what it writes, and one pure function between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import polars as pl

Cast = Literal["text", "integer", "real"]

#: One row per source row that was not migrated. `source_id` is the row's key as text; `detail` is what an
#: operator needs to find the cause, never personal data.
FATES: Mapping[str, pl.DataType] = {
    "source_table": pl.String(),
    "source_id": pl.String(),
    "fate": pl.String(),
    "reason": pl.String(),
    "detail": pl.String(),
}
#: One row per value that was changed during the migration.
WARNINGS: Mapping[str, pl.DataType] = {
    "source_table": pl.String(),
    "source_id": pl.String(),
    "column": pl.String(),
    "rule": pl.String(),
}
#: One row per legacy id that other systems may look up.
ID_MAP: Mapping[str, pl.DataType] = {
    "entity": pl.String(),
    "legacy_id": pl.String(),
    "new_id": pl.String(),
    "via": pl.String(),
}
#: One row per source column and per meta key: `key` is null for columns. `went_to` names target columns, or
#: `dropped:` and the rule; `filled` counts the cells that are neither NULL nor ''.
COLUMN_REPORT: Mapping[str, pl.DataType] = {
    "source_table": pl.String(),
    "column": pl.String(),
    "key": pl.String(),
    "went_to": pl.String(),
    "filled": pl.Int64(),
}


class Ids(Protocol):
    """Derives new ids; see `migrate.pipeline.ids.Ids`."""

    def derive(self, entity: str, legacy_id: int | str) -> str:
        """Return the new id of one legacy id."""
        ...

    def expr(self, entity: str, *keys: pl.Expr) -> pl.Expr:
        """Return an expression of new ids; several keys are joined with `:`."""
        ...


@dataclass(frozen=True)
class Query:
    """A query that reads the snapshot in batches, in the order of an integer key.

    `sql` selects from the snapshot (its tables by name) and the crosswalk (schema `x`), with `?1` for the key
    to start after and `?2` for the number of keys wanted. It returns rows ordered by `key`, all rows of a key
    together, of at most this number of keys; no row means that no key is left. `columns` names every column
    it returns and how it is read: `integer` as int64 (null if it is not one), `real` as float64 (null if the
    cell is not a float), `text` as text for every storage class (a float as SQLite prints it, a blob's bytes
    as UTF-8).

    `count` returns the number of keys, for the plan and the progress bar.
    """

    sql: str
    key: str
    columns: Mapping[str, Cast]
    count: str


@dataclass(frozen=True)
class MappedBatch:
    """The result of mapping one batch.

    `tables`: a frame for each target table, columns named as the target's. `fates`, `warnings`, `id_map`:
    frames shaped as `FATES`, `WARNINGS`, `ID_MAP`.
    """

    tables: Mapping[str, pl.DataFrame]
    fates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(FATES)))
    warnings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(WARNINGS)))
    id_map: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(ID_MAP)))


class Mapper(Protocol):
    """One step of a mapper stage."""

    #: unique in the run; the ledger stores the progress under it
    name: str
    reads: Query
    #: the target tables it fills
    writes: tuple[str, ...]

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return what `rows` (the columns of `reads`) become. Uses no clock, no randomness, no I/O."""
        ...


class SourceTables(dict[str, list[str]]):
    """The snapshot's tables and the names of their columns.

    `without_rowid` are those that have no rowid, `indexed` the (table, column) pairs by which a row is found
    without a full scan.
    """

    without_rowid: frozenset[str] = frozenset()
    indexed: frozenset[tuple[str, str]] = frozenset()


@runtime_checkable
class NeedsLookup(Protocol):
    """A mapper that keeps a small table in memory while it maps."""

    def with_lookup(self, workspace: Workspace, ids: Ids) -> Mapper:
        """Return the same mapper with its table read; only that one maps rows."""
        ...


@runtime_checkable
class Repeatable(Protocol):
    """A mapper of one source table, whose rows, outcomes and warnings depend on some source tables alone."""

    #: its source table; no other mapper gives outcomes or warnings of its rows
    source: str

    def depends_on(self) -> frozenset[str] | None:
        """Return the source tables that decide what the mapper gives, None if others add to it."""
        ...


def begin(mapper: Mapper, workspace: Workspace, ids: Ids) -> Mapper:
    """Return the mapper ready for its batches."""
    return mapper.with_lookup(workspace, ids) if isinstance(mapper, NeedsLookup) else mapper


class Workspace(Protocol):
    """The local database for queries about whole tables.

    The snapshot is attached read-only: its tables are found by their names without a schema. The tables of
    the crosswalk, which we create, are in schema `x`.
    """

    def tables(self) -> Mapping[str, Sequence[str]]:
        """Return the snapshot's tables and the names of their columns."""
        ...

    def execute(self, sql: str, parameters: Sequence[object] = (), *, compares_rows: bool = False) -> int:
        """Run one statement; return the number of rows it changed.

        With `compares_rows` it only compares whole rows: their columns do not count as read.
        """
        ...

    def scalar(self, sql: str, parameters: Sequence[object] = ()) -> object:
        """Return the first column of the first row, None if there is no row."""
        ...

    def failing(self, value: str, number: str, rows: str) -> Iterator[int]:
        """Yield the `number` of each of the `rows` on which SQLite cannot compute `value`, ascending."""
        ...

    def read(
        self, query: Query, *, after: int | None = None, batch_keys: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the query's rows in batches of at most `batch_keys` keys, starting with the first after
        `after`.
        """
        ...

    def write(self, table: str, rows: pl.DataFrame) -> None:
        """Append a frame to the table `x.<table>`, which is created if it is missing."""
        ...


@dataclass(frozen=True)
class MapperStage:
    """A stage of the pipeline that runs mappers one after the other."""

    name: str
    mappers: tuple[Mapper, ...]


@dataclass(frozen=True)
class RowAccounting:
    """How the rows of one source table are accounted for.

    `sql` selects, over snapshot and crosswalk, one row for every row of the source table: `source_id` (text,
    as the fates name it), `entity` and `key` (text). A row without a fate must be proven by a row of the
    target table `target` whose `column` equals the id derived from (entity, key). If `entity` is '' the key
    is unchanged, and `column` as text equals it.

    A key of several columns names the others in `more`; `sql` returns `entity2` and `key2` for the first of
    them, and so on. A `column` of '' means that the rows of `target` can only be counted.
    """

    source: str
    sql: str
    target: str
    column: str = "id"
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """The targets of source columns, as the report shows them.

    `went_to` names target columns (`table.column`, joined with `, `) or `dropped:` and the rule, by (source
    table, column). `written` are the target columns, (table, column), for which the report names the source,
    a rule or a constant. `deciding` are source columns that are read to decide about rows, although maybe no
    target column is made from them.
    """

    went_to: Mapping[tuple[str, str], str]
    written: frozenset[tuple[str, str]]
    deciding: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class HiddenIds:
    """Ids inside the cells of a target column, so that a check can look for them.

    `path` is a jsonpath into documents; without it the cells are lists, separated by `separator`, or arrays
    if that is ''. The ids are those of `to_table`, column `to_column`; `source` is the source table whose old
    keys must not be there any more.
    """

    table: str
    column: str
    path: str | None
    separator: str
    source: str
    to_table: str
    to_column: str


@dataclass(frozen=True)
class Cells:
    """How the filled cells of one source table are counted.

    `sql` selects one row for every row of the source table: `source_id`, and `c0`, `c1`, …, null if the cell
    is. `columns` are their names in the source and in `target`.
    """

    source: str
    sql: str
    target: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Breakdown:
    """Values of a key that the summary counts: in a target table with columns `key` and `value`.

    `label` names what is counted, `title` is the heading of its chart.
    """

    label: str
    title: str
    table: str
    key: str


@dataclass(frozen=True)
class MappingSpec:
    """What a mapping says without a source: the same for every source that it takes."""

    #: names of the mapper stages, in order
    stages: tuple[str, ...]
    #: the target tables that it fills
    tables_filled: tuple[str, ...]
    #: entities whose ids are derived, as `migrate ids` takes them
    entities: tuple[str, ...]
    #: what `[ids] map` may name, and the entities that are then in the id map
    id_map: Mapping[str, tuple[str, ...]]
    #: names of the checks that this mapping has in addition to the general ones
    checks: tuple[str, ...]
    #: target tables in which one row proves many source rows
    shared: tuple[str, ...] = ()
    #: target tables that hold rows other than those that the accounts prove one to one
    derived: tuple[str, ...] = ()
    #: target tables whose keys are the source's own, not derived
    legacy_keys: tuple[str, ...] = ()
    #: what a source of the mapping is called; '' if it takes any source
    kind: str = ""
    #: source tables of which at least one must be there; none: any source is taken
    one_of: tuple[str, ...] = ()
    #: the target table that keeps the values for which there is no column; '' if there is none
    metadata: str = ""


class BoundMapping(Protocol):
    """A mapping bound to the tables of a source and the columns of a target: the studio's, or a file's."""

    #: the mapper stages, in the order of the spec
    stages: tuple[MapperStage, ...]
    #: one or more for every migrated source table
    accounts: tuple[RowAccounting, ...]
    #: the tables whose filled cells can be counted on both sides
    cells: tuple[Cells, ...]
    #: source tables left out, and the name of the rule for it
    left_out: Mapping[str, str]
    #: source tables of which only some rows are migrated, and the condition for it
    chosen: Mapping[str, str]
    #: source tables that neither a mapper nor a rule knows
    unknown: tuple[str, ...]
    #: where ids are inside documents and lists
    hidden: tuple[HiddenIds, ...]
    #: what the summary counts by value, None for nothing
    breakdown: Breakdown | None

    def prepare(self, workspace: Workspace) -> None:
        """Build the crosswalk again: everything that needs whole tables at once."""
        ...

    def counted(self, workspace: Workspace) -> list[tuple[str, str, str, int]]:
        """Return (source table, column, rule, values) of what the mappers change without a warning."""
        ...

    def lineage(self) -> Lineage:
        """Return the target of every source column."""
        ...

    def column_report(self, workspace: Workspace) -> pl.DataFrame:
        """Return a frame shaped as `COLUMN_REPORT`: the target of every source column."""
        ...
