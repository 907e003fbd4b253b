"""The snapshot while it is incomplete: rows and the record of the progress, committed together."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from migrate.runtime import files
from migrate.runtime.errors import SourceError, StateMismatch
from migrate.runtime.failpoints import hit
from migrate.snapshot import bulk_copy
from migrate.snapshot.manifest import PARTIAL_NAME
from migrate.snapshot.sqlite_writer import create_table, insertion, is_of_rows
from migrate.source import server_errors
from migrate.source import sql as statements
from migrate.source.column_stats import stats_from_json, stats_to_json
from migrate.source.local_transport import LocalTransport, tolerant_text
from migrate.source.model import Catalogue, Page, Row, Table, TableStats, Usage
from migrate.source.sql import quote

META = quote("migrate:meta")
TABLES = quote("migrate:tables")
_SCHEMA = (
    f"CREATE TABLE IF NOT EXISTS {META} (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    f"CREATE TABLE IF NOT EXISTS {TABLES} (name TEXT PRIMARY KEY, sql TEXT NOT NULL, rows INTEGER NOT NULL,"
    " mark TEXT, look TEXT, started INTEGER NOT NULL, done INTEGER NOT NULL) WITHOUT ROWID",
)
# Nothing else reads the copy yet. A commit must survive the end of this process; after a power cut the file
# must be valid, but may be some pages shorter.
_PRAGMAS = (
    # Larger than SQLite's default of 4 KB: this saves a third of the time of writing tables.
    "PRAGMA page_size = 16384",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 4096",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA ignore_check_constraints = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cache_size = -16384",
)


@dataclass(frozen=True)
class Record:
    """How far a table has been copied, and the source's mark at its first page."""

    rows: int
    mark: str | None
    stats: TableStats | None
    started: bool
    done: bool


class PartialSnapshot:
    """`snapshot.partial.db` of a work folder, open for writing."""

    def __init__(self, path: Path, connection: sqlite3.Connection, identity: str) -> None:
        self.path = path
        self._connection = connection
        self._identity = identity

    @classmethod
    def open(cls, folder: Path, identity: str) -> Self:
        """Open the partial snapshot of a folder, or start one.

        Raises StateMismatch if it is of another source or damaged.
        """
        path = folder / PARTIAL_NAME
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, files.FILE_MODE))
        connection = sqlite3.connect(path, isolation_level=None)
        connection.text_factory = tolerant_text
        partial = cls(path, connection, identity)
        try:
            partial._begin()
        except sqlite3.OperationalError as error:
            connection.close()
            raise partial._unwritable(error) from error
        except sqlite3.DatabaseError as error:
            connection.close()
            raise StateMismatch(
                f"the partial snapshot {path} is damaged: {error}",
                hint=f"delete {path} and run the same command again: the snapshot starts again",
            ) from error
        except BaseException:
            connection.close()
            raise
        return partial

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()

    def _begin(self) -> None:
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)
        for sql in _SCHEMA:
            self._connection.execute(sql)
        known = self.note("identity")
        if known is None:
            self.set_note("identity", self._identity)
        elif known != self._identity:
            raise StateMismatch(
                f"the partial snapshot {self.path} was started from {known}, not from {self._identity}",
                hint=f"delete {self.path} to start again, or give the database that it was started from",
            )

    # ---- the record ------------------------------------------------------------

    def note(self, key: str) -> str | None:
        """Return a stored text, None if there is none."""
        row = self._connection.execute(f"SELECT value FROM {META} WHERE key = ?", (key,)).fetchone()  # noqa: S608
        return None if row is None else str(row[0])

    def set_note(self, key: str, value: str) -> None:
        """Store a text."""
        self._connection.execute(f"INSERT OR REPLACE INTO {META} VALUES (?, ?)", (key, value))  # noqa: S608

    def usage(self) -> Usage:
        """Return the cost of copying so far, including earlier runs."""
        return Usage(**json.loads(self.note("usage") or "{}"))

    def record(self, table: Table) -> Record:
        """Return how far a table has been copied."""
        row = self._connection.execute(
            f"SELECT rows, mark, look, started, done FROM {TABLES} WHERE name = ?",  # noqa: S608
            (table.name,),
        ).fetchone()
        rows, mark, stats, started, done = row
        return Record(rows, mark, stats_from_json(stats), bool(started), bool(done))

    def adopt(self, catalogue: Catalogue) -> None:
        """Create the tables of the catalogue, empty; drop those that the source dropped or altered."""
        known = dict(self._connection.execute(f"SELECT name, sql FROM {TABLES}").fetchall())  # noqa: S608
        wanted = {table.name: table for table in catalogue.tables}
        for name, sql in known.items():
            if name not in wanted or wanted[name].sql != sql:
                self._together(lambda name=name: self._drop(name))  # type: ignore[misc]
                known = {k: v for k, v in known.items() if k != name}
        for table in catalogue.tables:
            if table.name not in known:
                self._together(lambda table=table: self._make(table), table)  # type: ignore[misc, arg-type]

    def reset(self, table: Table) -> None:
        """Empty a table, to read it again from the start."""

        def change() -> None:
            self._drop(table.name)
            self._make(table)

        self._together(change, table)

    def keep_classes(self, table: Table, columns: Collection[str]) -> bool:
        """Empty a table, to read it again with these columns untyped; False if they are so already.

        Values that libSQL's ALTER COLUMN left as they are would become others in a column of the new type.
        """
        if not self._leave_untyped(table, columns):
            return False
        self.reset(table)
        return True

    def _leave_untyped(self, table: Table, columns: Collection[str]) -> bool:
        untyped = self._untyped(table).union(columns)
        if untyped == self._untyped(table) or len(table.stored) < len(table.columns):
            return False
        self.set_note(f"untyped:{table.name}", json.dumps(sorted(untyped)))
        return True

    def _untyped(self, table: Table) -> frozenset[str]:
        return frozenset(json.loads(self.note(f"untyped:{table.name}") or "[]"))

    def _drop(self, name: str) -> None:
        self._connection.execute(f"DROP TABLE IF EXISTS {quote(name)}")
        self._connection.execute(f"DELETE FROM {TABLES} WHERE name = ?", (name,))  # noqa: S608

    def _make(self, table: Table) -> bool:
        """Make an empty table; return whether it is by its own DDL."""
        own = create_table(self._connection, table, self._untyped(table))
        asked = self._connection.execute(
            "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table.name,)
        )
        defined = {row[0] for row in asked}
        if defined != {column.name for column in table.stored}:
            raise self._wrong(table, "the columns that it lists are not those of the table's definition")
        self._connection.execute(
            f"INSERT INTO {TABLES} VALUES (?, ?, 0, NULL, NULL, 0, 0)",  # noqa: S608
            (table.name, table.sql),
        )
        return own

    # ---- rows ------------------------------------------------------------------

    def start(self, table: Table, mark: str | None, stats: TableStats | None, usage: Usage) -> None:
        """Record that the reading of a table begins at this mark, with the statistics of the first scan."""

        def change() -> None:
            self._update(table, "mark = ?, look = ?, started = 1", mark, stats_to_json(stats))
            self.set_note("usage", json.dumps(vars(usage)))

        self._together(change)

    def append(self, table: Table, page: Page, usage: Usage) -> None:
        """Add a page of rows and record it, in one transaction."""

        def change() -> None:
            if page.rows:
                sql, rows = insertion(table, page)
                self._connection.executemany(sql, rows)
            self._update(table, "rows = rows + ?, done = ?", len(page.rows), int(not page.more))
            self.set_note("usage", json.dumps(vars(usage)))

        self._together(change, table)

    def copy_table(
        self, table: Table, copy: Path, mark: str | None, usage: Usage, should_stop: Callable[[], bool]
    ) -> int | None:
        """Copy all rows of a table from the source's private copy, in one transaction; return their number.

        Returns None if SQLite cannot do this: then the rows must be appended. `usage` grows by the bytes
        read.
        """

        rows = 0

        def change() -> None:
            nonlocal rows
            before = self._bytes()
            self._drop(table.name)
            # Only a table of the same shape, without named columns, is copied as it is stored.
            if not self._make(table) or table.bare_rowid:
                altered = bulk_copy.altered_columns(self._connection, table)
                if self._leave_untyped(table, altered):
                    self._drop(table.name)
                    self._make(table)
            rows = bulk_copy.copy_rows(self._connection, table, should_stop)
            self._update(table, "rows = ?, mark = ?, started = 1, done = 1", rows, mark)
            usage.bytes += max(self._bytes() - before, 0)
            self.set_note("usage", json.dumps(vars(usage)))

        if not bulk_copy.attach(self._connection, copy):
            return None
        try:
            self._together(change, table)
        except SourceError:
            # Reading its rows one by one gives a better error message.
            return None
        finally:
            bulk_copy.detach(self._connection)
        return rows

    def _bytes(self) -> int:
        ask = "SELECT (page_count - freelist_count) * page_size FROM"
        pragmas = "pragma_page_count, pragma_freelist_count, pragma_page_size"
        return int(self._connection.execute(f"{ask} {pragmas}").fetchone()[0])

    def last_key(self, table: Table) -> Row | None:
        """Return the key of the last row copied: the rows themselves say where to resume."""
        if not table.order:
            return None
        names = ", ".join(quote(name) for name in table.key)
        order = statements.order_by(table, reverse=True)
        found: Row | None = self._connection.execute(
            f"SELECT {names} FROM {quote(table.name)} ORDER BY {order} LIMIT 1"  # noqa: S608
        ).fetchone()
        return found

    def transport(self, page_bytes: int) -> LocalTransport:
        """Return a second connection, for reading what was copied."""
        reading = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        return LocalTransport(reading, label=str(self.path), mark="", page_bytes=page_bytes)

    def _update(self, table: Table, change: str, *values: object) -> None:
        cursor = self._connection.execute(
            f"UPDATE {TABLES} SET {change} WHERE name = ?",  # noqa: S608
            (*values, table.name),
        )
        if cursor.rowcount != 1:
            raise StateMismatch(
                f"the partial snapshot {self.path} has no record of table {table.name}",
                hint=f"delete {self.path} and run the same command again",
            )

    def _together(self, change: Callable[[], None], table: Table | None = None) -> None:
        """Run `change` in one transaction; what it fails at is `table`'s rows, or the disk."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            change()
            hit("snapshot:uncommitted")
            self._connection.execute("COMMIT")
            hit("snapshot:committed")
        except sqlite3.Error as error:
            self._roll_back()
            if table is None or not is_of_rows(error):
                raise self._unwritable(error) from error
            raise self._wrong(table, f"its rows break the table's own definition: {error}") from error
        except (OverflowError, UnicodeError) as error:
            self._roll_back()
            raise self._wrong(table, "a value that SQLite cannot hold") from error
        except BaseException:
            self._roll_back()
            raise

    def _wrong(self, table: Table | None, how: str) -> SourceError:
        place = "" if table is None else f"table {table.name}: "
        return server_errors.wrong_answer(self._identity, place, how)

    def _unwritable(self, error: sqlite3.Error) -> SourceError:
        return SourceError(
            f"the partial snapshot {self.path} cannot be written: {error}",
            hint="free disk space, then run the same command again: it continues",
        )

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    # ---- the end ---------------------------------------------------------------

    def strip(self) -> None:
        """Remove the record, so that only the source's tables are left, and close the file."""

        def change() -> None:
            for table in (TABLES, META):
                self._connection.execute(f"DROP TABLE {table}")

        self._together(change)
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()
