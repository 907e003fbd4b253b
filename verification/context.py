"""What is checked: the snapshot, the migrated rows, and the shape that these must have."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import polars as pl
import psycopg

Answer = TypeVar("Answer")
#: Yields a query over snapshot and crosswalk as frames, every column as text.
Read = Callable[[str], Iterator[pl.DataFrame]]


class QueryCache:
    """The answers to queries in one view, by the text of the query; a second caller waits for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Future[Any]] = {}

    def once(self, question: str, find: Callable[[], Answer]) -> Answer:
        """Return the answer, which the first caller finds; if `find` raises, all callers get the error."""
        with self._lock:
            known = self._known.get(question)
            future = known or self._known.setdefault(question, Future())
        if known is None:
            try:
                future.set_result(find())
            except BaseException as error:
                future.set_exception(error)
                raise
        answer: Answer = future.result()
        return answer


class Ids(Protocol):
    """Derives new ids from legacy ones."""

    def derive(self, entity: str, legacy_id: int | str) -> str:
        """Return the new id of one legacy id."""
        ...

    def expr(self, entity: str, *keys: pl.Expr) -> pl.Expr:
        """Return an expression of new ids; several keys are joined with `:`."""
        ...


@dataclass(frozen=True)
class IdRule:
    """What ids are derived from, for code that derives them again: see `migrate.pipeline.ids.Ids`."""

    secret: str = field(repr=False)
    tenant: str = ""
    shared: frozenset[str] = frozenset()
    written: str = "hex"


class RowAccounting(Protocol):
    """How the rows of one source table are accounted for.

    `sql` selects over snapshot and crosswalk one row for every row of `source`: `source_id`, `entity`, `key`,
    all text. A row without a fate is proven by the row of `target` whose `column` equals the id derived from
    (entity, key); if the entity is '' the key is unchanged. A key of several columns names the others in
    `more`, and `sql` returns `entity2`, `key2` for the first of them; a `column` of '' means that rows can
    only be counted. If a source table has several accounts, the first lists every row, a null key means that
    the account cannot prove the row, and every account that returns a key must prove it.
    """

    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def sql(self) -> str: ...  # noqa: D102
    @property
    def target(self) -> str: ...  # noqa: D102
    @property
    def column(self) -> str: ...  # noqa: D102
    @property
    def more(self) -> tuple[str, ...]: ...  # noqa: D102


class HiddenIds(Protocol):
    """Ids inside the cells of a column.

    `path` is a jsonpath into documents; without it the cells are lists, separated by `separator`, or arrays
    if that is ''. Each id is a key of `to_table`, in `to_column`; the old keys of the migrated rows of
    `source` must not be there any more.
    """

    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def column(self) -> str: ...  # noqa: D102
    @property
    def path(self) -> str | None: ...  # noqa: D102
    @property
    def separator(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def to_table(self) -> str: ...  # noqa: D102
    @property
    def to_column(self) -> str: ...  # noqa: D102


class Cells(Protocol):
    """How the filled cells of one source table are counted.

    `sql` selects one row for every row of `source`: `source_id`, and `c0`, `c1`, …, null if the cell is;
    `columns` are their names in the source and in `target`.
    """

    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def sql(self) -> str: ...  # noqa: D102
    @property
    def target(self) -> str: ...  # noqa: D102
    @property
    def columns(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102


class Column(Protocol):
    """A column as the live schema has it.

    `type` is PostgreSQL's format_type, such as `timestamp(3) without time zone`; `max_length` in characters,
    of varchar(n) and char(n); `precision` and `scale` of numeric(p,s); `default` and `identity` are true if
    PostgreSQL fills the column when no value is given.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def not_null(self) -> bool: ...  # noqa: D102
    @property
    def enum(self) -> tuple[str, ...] | None: ...  # noqa: D102
    @property
    def max_length(self) -> int | None: ...  # noqa: D102
    @property
    def precision(self) -> int | None: ...  # noqa: D102
    @property
    def scale(self) -> int | None: ...  # noqa: D102
    @property
    def generated(self) -> bool: ...  # noqa: D102
    @property
    def default(self) -> str | None: ...  # noqa: D102
    @property
    def identity(self) -> str | None: ...  # noqa: D102


class Key(Protocol):
    """A primary key, unique constraint or unique index.

    `columns` are names; `expressions` and `predicate` are the SQL texts of an index over expressions or over
    a part of the rows, as pg_get_indexdef and pg_get_expr return them.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def columns(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def expressions(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def predicate(self) -> str | None: ...  # noqa: D102
    @property
    def nulls_distinct(self) -> bool: ...  # noqa: D102


class ForeignKey(Protocol):
    """A foreign key of a filled table; columns pair up in order."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def columns(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def ref_table(self) -> str: ...  # noqa: D102
    @property
    def ref_columns(self) -> tuple[str, ...]: ...  # noqa: D102


class Table(Protocol):
    """A table as the live schema has it; `keys` holds the primary key too."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def columns(self) -> tuple[Column, ...]: ...  # noqa: D102
    @property
    def primary_key(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def keys(self) -> tuple[Key, ...]: ...  # noqa: D102

    def column(self, name: str) -> Column | None:
        """Return the column of that name, None if there is none."""
        ...


class Lineage(Protocol):
    """The targets of source columns, as the report shows them.

    `went_to` names target columns (`table.column`, joined with `, `) or `dropped:` and the rule, by (source
    table, column). `written` are the target columns, (table, column), for which the report names the source.
    `deciding` are source columns that are read only to decide about rows or to name them.
    """

    @property
    def went_to(self) -> Mapping[tuple[str, str], str]: ...  # noqa: D102
    @property
    def written(self) -> frozenset[tuple[str, str]]: ...  # noqa: D102
    @property
    def deciding(self) -> frozenset[tuple[str, str]]: ...  # noqa: D102


@dataclass(frozen=True)
class MapperColumns:
    """What one mapper reads and writes.

    `sql` is its query over snapshot and crosswalk, with two parameters; `writes` are the columns of the
    rows that it makes, by target table.
    """

    name: str
    sql: str
    writes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Limits:
    """How many rows of a source table may be rejected.

    A share (0 to 1), by default and by table; `max_reject_rows` rejected rows are never too many.
    Rows rejected for one of the `by_rule` reasons do not count: a rule of the mapping leaves them out.
    """

    max_reject_share: float = 1.0
    by_table: Mapping[str, float] = field(default_factory=dict)
    max_reject_rows: int = 0
    by_rule: Collection[str] = frozenset()


@dataclass(frozen=True)
class UrlSettings:
    """How image URLs are requested over HTTP: concurrent requests, seconds to wait, redirects followed."""

    concurrency: int = 16
    timeout: float = 10.0
    redirects: int = 5


@dataclass(frozen=True)
class CheckContext:
    """Everything the checks may look at; all of it is only read.

    snapshot     the frozen source, the crosswalk attached as schema `x`
    read         yields a query over snapshot and crosswalk as frames, batch by batch
    target       a connection in autocommit mode; the checks share one read-only transaction of it
    schema       where the migrated tables are: the staging schema, or the live one
    live_schema  where tables are that the migration leaves as they were
    ledger       the schema of the ledger (`fate`)
    id_map       schema and table of the map of ids
    tables       the filled tables, shaped as the live ones
    hidden       where ids are inside documents and lists
    emptied      live tables that publish empties without filling them
    shared       target tables a row of which proves many source rows (a profile: its meta rows)
    derived      target tables that hold rows other than those that the accounts prove (the other
                 direction of a connection), or only such (services)
    mapped       target tables whose legacy ids are all in the map of ids
    identities   entities of which every legacy id is in the map, with target table and column
    cells        tables whose filled cells can be counted on both sides
    lineage      where source columns go, as the report says it
    mappers      what every mapper reads and writes
    legacy_keys  target tables whose keys are the source's own, not derived
    remap        maps again what becomes of some target tables: yields (table, frame) as the mappers
                 give them, perhaps of others of the same mapper too
    second_connection opens a second connection to the target, None if there is none: the checks
                 that query only the target then run parallel to those that read the snapshot
    again        opens `snapshot` and `read` once more, in the thread that calls it: then some of the
                 checks that read the snapshot run parallel to the others, too
    proven       returns the keys that the server has checked against every row since the last was written:
                 (`unique` or `foreign`, table, name of the index or constraint); it may wait for them
    remap_fates  maps again, and yields the outcomes as the mappers give them
    id_rule      what ids are derived from; without it no id is derived by other code
    summed       whether the rows are those of the run's batches, so that the sums in the ledger are theirs
    deep         whether what the sums prove is derived and compared again
    answers      what was asked already, by the text of the question: once while the view is the same
    """

    snapshot: sqlite3.Connection
    read: Read
    target: psycopg.Connection[Any]
    schema: str
    live_schema: str
    ledger: str
    run_id: str
    id_map: tuple[str, str]
    ids: Ids
    accounts: Sequence[RowAccounting]
    left_out: Mapping[str, str]
    tables: Mapping[str, Table]
    foreign_keys: Sequence[ForeignKey] = ()
    hidden: Sequence[HiddenIds] = ()
    emptied: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    derived: frozenset[str] = frozenset()
    legacy_keys: frozenset[str] = frozenset()
    mapped: frozenset[str] = frozenset({"users", "studios"})
    identities: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    cells: Sequence[Cells] = ()
    lineage: Lineage | None = None
    mappers: Sequence[MapperColumns] = ()
    limits: Limits = Limits()
    urls: UrlSettings = UrlSettings()
    remap: Callable[[Sequence[str]], Iterator[tuple[str, pl.DataFrame]]] | None = None
    remap_fates: Callable[[], Iterator[pl.DataFrame]] | None = None
    id_rule: IdRule | None = None
    summed: bool = False
    deep: bool = False
    second_connection: Callable[[], AbstractContextManager[psycopg.Connection[Any] | None]] | None = None
    again: Callable[[], AbstractContextManager[tuple[sqlite3.Connection, Read]]] | None = None
    proven: Callable[[], frozenset[tuple[str, str, str]]] = frozenset
    query_cache: QueryCache = field(default_factory=QueryCache, compare=False, repr=False)

    def note_missing(self, *tables: str) -> str:
        """Return a note that names the tables among `tables` that are not filled; '' if all are."""
        missing = [table for table in tables if table not in self.tables]
        return f"no table {', '.join(missing)}" if missing else ""
