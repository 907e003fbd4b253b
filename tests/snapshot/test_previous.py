"""Which tables of two snapshots are the same: every cell, with its storage class, byte for byte."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from migrate.snapshot.previous import same_tables

_TABLES = """
CREATE TABLE t (id INTEGER PRIMARY KEY, a, b TEXT COLLATE NOCASE);
CREATE TABLE bare (a, b);
CREATE TABLE pairs (a TEXT, b INTEGER, c, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE none (a);
INSERT INTO t VALUES (1, 1, 'Ann'), (2, x'00', NULL), (3, 'x', '');
INSERT INTO bare VALUES (1, 2), (1, 2);
INSERT INTO pairs VALUES ('a', 1, 0.5), ('b', 2, NULL);
"""
ALL = {"t", "bare", "pairs", "none"}


def snapshot(path: Path, change: str = "") -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_TABLES + change)
    return path


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("", set()),
        ("UPDATE t SET b = 'ann' WHERE id = 1;", {"t"}),
        ("UPDATE t SET a = 1.0 WHERE id = 1;", {"t"}),
        ("UPDATE t SET a = '1' WHERE id = 1;", {"t"}),
        ("UPDATE t SET b = NULL WHERE id = 3;", {"t"}),
        ("UPDATE t SET a = CAST(a AS TEXT) WHERE id = 2;", {"t"}),
        ("UPDATE t SET id = 4 WHERE id = 3;", {"t"}),
        ("DELETE FROM bare WHERE rowid = 2;", {"bare"}),
        ("INSERT INTO bare VALUES (1, 2);", {"bare"}),
        ("UPDATE pairs SET c = 1 WHERE a = 'b';", {"pairs"}),
        ("UPDATE pairs SET a = 'A' WHERE a = 'a';", {"pairs"}),
        ("INSERT INTO none VALUES (NULL);", {"none"}),
        ("ALTER TABLE none ADD COLUMN b;", {"none"}),
        ("CREATE TABLE more (a);", set()),
        ("DROP TABLE none;", {"none"}),
    ],
)
def test_only_equal_tables_are_the_same(tmp_path: Path, change: str, changed: set[str]) -> None:
    then, now = snapshot(tmp_path / "then.db"), snapshot(tmp_path / "now.db", change)
    assert same_tables(now, then) == ALL - changed
    assert same_tables(then, now) == ALL - changed


def test_a_folder_may_be_called_whatever_a_uri_reads_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "50%41 of it? #1"
    folder.mkdir()
    then, now = snapshot(folder / "then.db"), snapshot(folder / "now.db", "DELETE FROM bare;")
    assert same_tables(now, then) == ALL - {"bare"}


def test_a_wide_table_is_compared(tmp_path: Path) -> None:
    columns = ", ".join(f"c{n}" for n in range(500))
    script = f"CREATE TABLE wide ({columns}); INSERT INTO wide (c499) VALUES (1);"
    then = snapshot(tmp_path / "then.db", script)
    now = snapshot(tmp_path / "now.db", script + "UPDATE wide SET c499 = 2;")
    assert "wide" in same_tables(then, then)
    assert "wide" not in same_tables(now, then)
