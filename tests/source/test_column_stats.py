"""The first look at a table: what it finds is what is there."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime.settings.source import SourceSettings
from migrate.source.column_stats import scan_columns, stats_from_json, stats_to_json
from migrate.source.local_transport import LocalTransport
from migrate.source.model import ColumnStats, Table, TableStats
from migrate.source.paged_reader import TransportSource
from migrate.source.transport import QueryResult

_CLASSES = ("integer", "real", "text", "blob")


class _Looking:
    """A database that is looked at, and the statements that this took."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        transport = LocalTransport(self._connection, label="here", mark="", page_bytes=10**6)
        self.tables = TransportSource(transport, SourceSettings()).inspect().tables
        self.asked: list[str] = []

    def stats(self, table: Table) -> TableStats:
        return scan_columns(self._run, table)

    def close(self) -> None:
        self._connection.close()

    def _run(self, sql: str) -> QueryResult:
        self.asked.append(sql)
        return QueryResult(self._connection.execute(sql).fetchall(), 0)

    def counted(self, table: Table) -> TableStats:
        """Return the same as `stats`, cell by cell."""
        found = {}
        for column in table.stored:
            name = '"' + column.name.replace('"', '""') + '"'
            ask = (
                f"SELECT typeof({name}), length(CAST({name} AS BLOB)),"
                f" CASE typeof({name}) WHEN 'real' THEN {name} END FROM"
            )
            cells = self._connection.execute(f'{ask} "{table.name.replace(chr(34), chr(34) * 2)}"').fetchall()
            found[column.name] = _column_stats(cells)
        return TableStats(len(cells), found)


def _column_stats(cells: Sequence[tuple[str, int, float | None]]) -> ColumnStats:
    numbers = [sum(kind == one for kind, _, _ in cells) for one in _CLASSES]
    infinite = any(real is not None and math.isinf(real) for _, _, real in cells)
    longest = max((size for kind, size, _ in cells if kind in ("text", "blob")), default=0)
    return ColumnStats(*numbers, infinite=infinite, longest=longest)


def test_a_look_finds_the_classes_of_every_hard_value(hard_file: Path) -> None:
    with closing(_Looking(hard_file)) as database:
        for table in database.tables:
            stats, counted = database.stats(table), database.counted(table)
            assert stats == counted, table.name
            assert stats_from_json(stats_to_json(stats)) == stats


@pytest.mark.parametrize(
    ("rows", "scans"),
    [
        ([], 1),
        ([(1, 2, "x", "y"), (3, 4, "", "éé")], 1),
        ([(None, 2, None, "y"), (3, 4, "x", "y")], 1),
        ([(1, "two", "x", "y")], 2),
        ([(1, 2.5, "x", "y")], 2),
        ([(b"1", 2, b"xx", "y"), (1, 2, "x", b"yyy")], 2),
        ([(1, 2, "x", "y"), (9e999, 2, "x", "y")], 2),
    ],
)
def test_a_column_that_holds_more_than_its_own_class_is_scanned_again(
    tmp_path: Path, rows: list[tuple[object, ...]], scans: int
) -> None:
    path = tmp_path / "odd.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b INT NOT NULL, c TEXT, d VARCHAR(9) NOT NULL)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        connection.commit()
    with closing(_Looking(path)) as database:
        (table,) = database.tables
        assert database.stats(table) == database.counted(table)
        assert len(database.asked) == scans


def test_nulls_in_a_column_that_must_have_none_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, None), (None, "x"), (2, "yy")])
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a INTEGER NOT NULL, b TEXT NOT NULL)'"
        )
        connection.commit()
    with closing(_Looking(path)) as database:
        (table,) = database.tables
        assert all(column.not_null for column in table.columns)
        assert database.stats(table) == database.counted(table)


def test_a_table_of_a_rowid_alone_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), (7,)])
        connection.commit()
    with closing(_Looking(path)) as database:
        (table,) = database.tables
        assert database.stats(table) == TableStats(
            2, {"id": ColumnStats(2, 0, 0, 0, infinite=False, longest=0)}
        )


def test_more_columns_than_one_statement_takes_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "wide.db"
    names = [f"c{n}" for n in range(700)]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE t ({', '.join(f'{name} TEXT' for name in names)})")
        connection.execute(
            f"INSERT INTO t ({', '.join(names)}) VALUES ({', '.join('?' * 700)})",
            [str(n) for n in range(700)],
        )
        connection.commit()
    with closing(_Looking(path)) as database:
        (table,) = database.tables
        assert database.stats(table) == database.counted(table)
