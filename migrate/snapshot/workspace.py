"""The local database of a run: the frozen snapshot, and the crosswalk that is built from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import polars as pl
from adbc_driver_manager import Error as DriverError
from adbc_driver_sqlite import dbapi

from mappers.base import Cast, Query, SourceTables
from migrate.runtime.errors import StateMismatch
from migrate.snapshot.arrow_stream import StreamError, chunks
from migrate.snapshot.failing_rows import failing_rows
from migrate.snapshot.source_reads import SourceReads
from migrate.snapshot.text_decoding import decode_text

#: Keys of one batch if the caller gives no other number.
BATCH_KEYS: Final = 20_000
#: Rows of one chunk of a query that is streamed.
STREAM_ROWS: Final = 25_000
#: The column that names, for a row, the columns whose bytes were not UTF-8.
INVALID: Final = "invalid_utf8"
#: Below every key: the smallest integer of 64 bits is a key like any other.
_FIRST: Final = -1e19
#: Rows for which the driver allocates memory in advance, for every column.
DRIVER_ROWS: Final = 16_384
#: Data is read in order and only once; the system's page cache is enough.
_LITTLE: Final = ("PRAGMA main.cache_size=-512", "PRAGMA x.cache_size=-512")
#: Bytes of a page of the crosswalk: building it takes nine tenths of the time of pages of 4 KB.
_PAGE_BYTES: Final = 16_384
#: Size of the cache while a crosswalk is being built.
_MAKING_CACHE_KB: Final = 8_192
#: A value of the type that each cast gives.
_SHOWN: Final[Mapping[Cast, str]] = {"integer": "0", "real": "0.0", "text": "x''"}
_TYPES: Final[Mapping[Cast, Any]] = {"integer": pl.Int64, "real": pl.Float64, "text": pl.Binary}

#: The first columns of each index over all rows, and the keys that are the rowid.
_INDEXED: Final = """
SELECT m.name, x.name FROM main.sqlite_schema m JOIN pragma_index_list(m.name) l
JOIN pragma_index_xinfo(l.name) x
WHERE m.type = 'table' AND NOT l.partial AND x.seqno = 0 AND x.name IS NOT NULL
UNION SELECT m.name, c.name FROM main.sqlite_schema m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND c.pk = 1
AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) l WHERE l.origin = 'pk')
"""


class Workspace:
    """Implements `mappers.base.Workspace` over two SQLite files.

    The snapshot is opened read-only. The crosswalk (schema `x`) is ours and can be built again at any time,
    so writes do not wait for the disk. SQL runs in the standard library's driver; frames are read and written
    by the ADBC driver, whole columns at a time.
    """

    source_reads: SourceReads | None = None

    def __init__(self, snapshot: Path, crosswalk: Path, *, batch_keys: int = BATCH_KEYS) -> None:
        """Open both files to write the crosswalk, which is created (mode 0600) if it is missing.

        No other process or thread may have it open (see `migrate.snapshot.crosswalk_file`). Raises
        StateMismatch if one of the files is not an SQLite database.
        """
        crosswalk.touch(mode=0o600, exist_ok=True)
        self._open(
            snapshot,
            crosswalk,
            batch_keys,
            database_uri(crosswalk, "mode=rw"),
            database_uri(crosswalk, "mode=ro"),
        )
        # The driver may crash if a connection is left to the garbage collector.
        with ExitStack() as failing, self._faults():
            failing.callback(self.close)
            self.source_reads = SourceReads(self._sql)
            self.execute(f"PRAGMA x.page_size={_PAGE_BYTES}")
            self.execute(f"PRAGMA x.cache_size=-{_MAKING_CACHE_KB}")
            self.execute("PRAGMA x.journal_mode=WAL")
            self.execute("PRAGMA x.synchronous=OFF")
            # Neither library sees what the other still reads: a log that only grows is safe for both.
            self.execute("PRAGMA x.wal_autocheckpoint=0")
            self._writer: Any = _connect(database_uri(crosswalk, "mode=rw"))
            self._opened.callback(self._writer.close)
            for setting in ("synchronous=OFF", "wal_autocheckpoint=0"):
                with closing(self._writer.cursor()) as cursor:
                    cursor.execute(f"PRAGMA {setting}")
            failing.pop_all()

    @classmethod
    def open_readonly(cls, snapshot: Path, crosswalk: Path, *, batch_keys: int = BATCH_KEYS) -> Self:
        """Open a complete crosswalk, for any number of readers.

        Raises StateMismatch if one of the files is not an SQLite database.
        """
        workspace = cls.__new__(cls)
        workspace._open(snapshot, crosswalk, batch_keys, unchanging(crosswalk), unchanging(crosswalk))
        return workspace

    @classmethod
    def snapshot_only(cls, snapshot: Path) -> Self:
        """Open a snapshot without a crosswalk, for queries on the snapshot's tables only.

        Raises StateMismatch if it is not an SQLite database.
        """
        workspace = cls.__new__(cls)
        workspace._open(snapshot, snapshot.with_name("crosswalk.db"), BATCH_KEYS, ":memory:", ":memory:")
        return workspace

    def _open(self, snapshot: Path, crosswalk: Path, batch_keys: int, executed: str, read: str) -> None:
        self._snapshot, self._crosswalk, self._batch_keys = snapshot, crosswalk, batch_keys
        with ExitStack() as opened, self._faults():
            self._sql = _open_sql(snapshot, executed)
            opened.callback(self._sql.close)
            self._reader = _connect(database_uri(snapshot, "mode=ro"))
            opened.callback(self._reader.close)
            for statement in (f"ATTACH DATABASE {_quoted(read)} AS x", *_LITTLE):
                with closing(self._reader.cursor()) as cursor:
                    cursor.execute(statement)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; the files stay."""
        self._opened.close()

    def interrupt(self) -> None:
        """Interrupt the statement that another thread runs; it raises StateMismatch there."""
        with suppress(sqlite3.ProgrammingError):
            self._sql.interrupt()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Translate the errors of SQLite and its drivers: they name tables and columns, never values."""
        try:
            yield
        except (sqlite3.Error, DriverError, StreamError, pl.exceptions.ComputeError) as error:
            raise StateMismatch(
                f"{self._snapshot.name} and {self._crosswalk.name} cannot be worked with: "
                + str(error).partition("\n")[0],  # the driver repeats the query
                hint=f"free disk space, then delete {self._crosswalk} and run again",
            ) from error

    def tables(self) -> SourceTables:
        """Return the snapshot's tables with the names of their columns, in the order of their creation."""
        rows = self._sql.execute(
            "SELECT m.name, c.name FROM main.sqlite_schema m JOIN pragma_table_xinfo(m.name) c"
            " WHERE m.type = 'table' AND c.hidden <> 1 AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            " ORDER BY m.rowid, c.cid"
        ).fetchall()
        found = SourceTables()
        for table, column in rows:
            found.setdefault(table, []).append(column)
        bare = self._sql.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr = 1")
        found.without_rowid = frozenset(name for (name,) in bare)
        found.indexed = frozenset(self._sql.execute(_INDEXED))
        return found

    def execute(self, sql: str, parameters: Sequence[object] = (), *, compares_rows: bool = False) -> int:
        """Run one statement completely; return the number of rows it changed (0 for a query).

        With `compares_rows` it only compares whole rows: their columns do not count as read.
        """
        reads = self.source_reads if compares_rows else None
        with (
            reads.paused() if reads else nullcontext(),
            self._faults(),
            closing(self._sql.execute(sql, tuple(parameters))) as cursor,
        ):
            cursor.fetchone()
            return max(cursor.rowcount, 0)

    def scalar(self, sql: str, parameters: Sequence[object] = ()) -> object:
        """Return the first column of the first row, None if there is no row."""
        with self._faults(), closing(self._sql.execute(sql, tuple(parameters))) as cursor:
            row = cursor.fetchone()
        return None if row is None else row[0]

    def count(self, query: Query) -> int:
        """Return the number of keys that the query returns."""
        found = self.scalar(query.count)
        return found if isinstance(found, int) else 0

    def failing(self, value: str, number: str, rows: str) -> Iterator[int]:
        """Yield the `number` of each of the `rows` on which SQLite cannot compute `value`, ascending."""
        with self._faults():
            yield from failing_rows(self._sql, value, number, rows)

    def read(
        self, query: Query, *, after: int | None = None, batch_keys: int | None = None
    ) -> Generator[pl.DataFrame, None, None]:
        """Yield the query's rows in batches of at most `batch_keys` keys, starting with the first after
        `after`.

        Text that is not UTF-8 is decoded as Windows-1252; such a frame has one more column, `invalid_utf8`,
        with the names of the row's columns that were decoded so.
        """
        size = batch_keys or self._batch_keys
        sql = _typed(query)
        if self.source_reads:
            self.source_reads.explain(sql)
        last: float = _FIRST if after is None else after
        while True:
            page = self._page(sql, (last, size))
            if page.is_empty():
                return
            rows = _decoded(page, query.columns)
            yield rows
            last = int(rows[query.key].max())  # type: ignore[arg-type]

    def _page(self, sql: str, parameters: tuple[float, int]) -> pl.DataFrame:
        with self._faults(), closing(self._reader.cursor()) as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(DRIVER_ROWS)})
            cursor.execute(sql, parameters)
            frame = pl.DataFrame(cursor.fetch_arrow())
        return frame.slice(1)

    def stream(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yield all rows of a query, every column as text, in chunks of `STREAM_ROWS`.

        Bytes that are not UTF-8 are decoded as in `read`.
        """
        with self._faults(), closing(self._sql.execute(f"SELECT * FROM ({sql}) LIMIT 0")) as probe:  # noqa: S608
            names = [item[0] for item in probe.description]
        texts: dict[str, Cast] = dict.fromkeys(names, "text")
        columns = ", ".join(_cast(name, "text") for name in names)
        with self._faults(), closing(self._reader.cursor()) as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(STREAM_ROWS)})
            typed = ", ".join(f"{_SHOWN['text']} AS {_named(name)}" for name in names)
            cursor.execute(f"SELECT {typed} UNION ALL SELECT {columns} FROM ({sql})")  # noqa: S608
            handle, first = cursor.fetch_arrow(), 1
            try:
                for frame in chunks(handle):
                    yield _decoded(frame.slice(first), texts).drop(INVALID, strict=False)
                    first = 0
            finally:  # before its statement, also if the reader stops early
                handle.release()

    def write(self, table: str, rows: pl.DataFrame) -> None:
        """Append a frame of integers and text to the table `x.<table>`, which is created if it is missing.

        Only while the crosswalk is being built.
        """
        with self._faults(), closing(self._writer.cursor()) as cursor:
            cursor.adbc_ingest(table, rows, mode="create_append")


def open_sql(snapshot: Path, crosswalk: Path) -> sqlite3.Connection:
    """Return a connection with the snapshot as its main schema and the complete crosswalk as `x`."""
    return _open_sql(snapshot, unchanging(crosswalk))


def unchanging(path: Path) -> str:
    """Return the URI of a file that is not written any more, so that it is read without locks."""
    return database_uri(path, "immutable=1")


def _open_sql(snapshot: Path, attached: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database_uri(snapshot, "mode=ro"), uri=True, isolation_level=None)
    try:
        connection.execute("ATTACH DATABASE ? AS x", (attached,))
        for setting in _LITTLE:
            connection.execute(setting)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(uri: str) -> Any:
    return dbapi.connect(uri, autocommit=True)


def database_uri(path: Path, how: str) -> str:
    """Return the URI by which SQLite opens a file, whatever its path is, in the mode `how`."""
    return f"{path.absolute().as_uri()}?{how}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _typed(query: Query) -> str:
    """Return the query with each column cast, so that the driver sees one type of value in it."""
    columns = ", ".join(_cast(name, cast) for name, cast in query.columns.items())
    # The driver takes a column's type from its first rows, which may all be null. So our own first row gives
    # the types, and is dropped again.
    shown = ", ".join(f"{_SHOWN[cast]} AS {_named(name)}" for name, cast in query.columns.items())
    # Identifiers and SQL are the mappers' own constants, values are bound.
    return f"SELECT {shown} UNION ALL SELECT {columns} FROM ({query.sql})"  # noqa: S608


def _cast(name: str, cast: Cast) -> str:
    column = _named(name)
    if cast == "text":
        return f"CAST(CAST({column} AS TEXT) AS BLOB) AS {column}"
    if cast == "real":
        return f"CASE typeof({column}) WHEN 'real' THEN {column} END AS {column}"
    return (
        f"CASE WHEN typeof({column}) = 'integer' THEN {column}"
        f" WHEN typeof({column}) = 'real' AND {column} = CAST({column} AS INTEGER)"
        f" THEN CAST({column} AS INTEGER)"
        f" WHEN CAST(CAST({column} AS INTEGER) AS TEXT) = CAST({column} AS TEXT)"
        f" THEN CAST({column} AS INTEGER) END AS {column}"
    )


def _decoded(page: pl.DataFrame, columns: Mapping[str, Cast]) -> pl.DataFrame:
    """Return the page with its text columns as text."""
    rows = page.with_columns(pl.col(name).cast(_TYPES[cast]) for name, cast in columns.items())
    broken = []
    for name, cast in columns.items():
        if cast == "text":
            try:
                rows = rows.with_columns(pl.col(name).cast(pl.String))
            except pl.exceptions.ComputeError:
                text, invalid = decode_text(rows[name])
                rows = rows.with_columns(text)
                broken.append(pl.when(invalid).then(pl.lit(name)))
    if not broken:
        return rows
    names = pl.concat_str(broken, separator=",", ignore_nulls=True)
    return rows.with_columns(pl.when(names != "").then(names).alias(INVALID))
