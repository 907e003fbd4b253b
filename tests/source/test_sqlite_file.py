"""Reading an SQLite file without a trace."""

from __future__ import annotations

import gzip
import lzma
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime.errors import MigrateError, SourceError, Stopped, UsageError
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.model import Table
from migrate.source.open import open_source


def _companions(path: Path) -> dict[str, bytes]:
    """Return the companion files of a database, shared memory aside, which every reader may touch."""
    return {one.name: one.read_bytes() for one in path.parent.iterdir() if not one.name.endswith("-shm")}


def _rows(url: str) -> list[tuple[object, ...]]:
    with closing(open_source(url)) as source:
        table: Table = source.inspect().table("t")
        return [row for page in source.pages(table, source.stats(table)) for row in page.rows]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "legacy"
    folder.mkdir()
    path = folder / "my legacy %41?.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        connection.execute("INSERT INTO t VALUES (1, 'in the file')")
        connection.commit()
    return path


def test_rows_in_the_wal_are_read_while_a_writer_is_at_work(file: Path) -> None:
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("INSERT INTO t VALUES (2, 'in the WAL')")
        writer.commit()
        writer.execute("INSERT INTO t VALUES (3, 'not committed')")
        before = _companions(file)
        assert _rows(str(file)) == [(1, "in the file"), (2, "in the WAL")]
        assert _companions(file) == before


def test_a_wal_left_by_a_killed_writer_is_read(file: Path, tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("INSERT INTO t VALUES (2, 'in the WAL')")
        writer.commit()
        for end in ("", "-wal"):
            shutil.copy(f"{file}{end}", left / f"db{end}")
    before = _companions(left / "db")
    assert _rows(str(left / "db")) == [(1, "in the file"), (2, "in the WAL")]
    assert _companions(left / "db") == before
    assert sorted(one.name for one in left.iterdir()) == ["db", "db-wal"]


def test_an_interrupted_transaction_is_rolled_back_in_the_copy_only(tmp_path: Path) -> None:
    path, left = tmp_path / "db", tmp_path / "left.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        connection.execute("INSERT INTO t VALUES (1, 'kept')")
        connection.commit()
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("UPDATE t SET v = 'lost'")
        connection.executemany("INSERT INTO t (v) VALUES (?)", [("x" * 2000,)] * 200)
        shutil.copy(path, left)
        shutil.copy(f"{path}-journal", f"{left}-journal")
    before = left.read_bytes()
    assert _rows(str(left)) == [(1, "kept")]
    assert left.read_bytes() == before


def test_nothing_is_left_next_to_a_file_nor_among_temporary_files(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert _rows(f"file:{file.parent}/my%20legacy%20%2541%3F.db") == [(1, "in the file")]
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_read_only_file_is_read(file: Path) -> None:
    file.chmod(0o400)
    assert _rows(str(file)) == [(1, "in the file")]


def test_a_copy_taken_amid_writes_is_whole(file: Path, work: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO t (v) SELECT 'a' UNION ALL SELECT 'b'")
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with closing(open_source(str(file))) as source:
            facts = take_snapshot(source, work, SourceSettings())
    finally:
        stop.set()
        writer.join()
    assert facts.rows % 2 == 1  # the first row, and pairs


def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    with closing(open_source(str(path))) as source:
        assert source.inspect().tables == ()


def test_equal_content_has_an_equal_mark(file: Path) -> None:
    marks = []
    for value in ("in the file", "other", "other"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("UPDATE t SET v = ? WHERE v <> ?", (value, value))
            connection.commit()
        with closing(open_source(str(file))) as source:
            marks.append(source.mark())
    assert marks[0] != marks[1]
    assert marks[1] == marks[2]


@pytest.mark.parametrize(
    ("content", "kind"),
    [(None, UsageError), (b"no database at all", SourceError), (b"SQLite format 3\0" * 9, SourceError)],
)
def test_what_is_no_database_is_refused(
    tmp_path: Path, content: bytes | None, kind: type[MigrateError]
) -> None:
    path = tmp_path / "x.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind) as caught:
        _rows(str(path))
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_file_in_utf16_is_read(tmp_path: Path, work: Path) -> None:
    path = tmp_path / "wide.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")
        connection.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v) WITHOUT ROWID")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [("é", "😀"), ("a", "b"), ("z", 1)])
        connection.commit()
    assert sorted(_rows(str(path))) == [("a", "b"), ("z", 1), ("é", "😀")]
    # SQLite does not attach a file of another encoding: this one is paged.
    with closing(open_source(str(path))) as source:
        assert take_snapshot(source, work, SourceSettings()).rows == 3
    with closing(sqlite3.connect(work / "snapshot.db")) as copy:
        assert copy.execute("SELECT * FROM t ORDER BY k").fetchall() == [("a", "b"), ("z", 1), ("é", "😀")]


def test_a_big_table_is_left_in_the_middle_when_asked_to_stop(tmp_path: Path, work: Path) -> None:
    path = tmp_path / "big.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000)"
            " INSERT INTO t SELECT i, 'x' FROM n"
        )
        connection.commit()
    with closing(open_source(str(path))) as source:
        with pytest.raises(Stopped):
            take_snapshot(source, work, SourceSettings(), should_stop=lambda: True)
        with closing(sqlite3.connect(work / "snapshot.partial.db")) as partial:
            assert partial.execute("SELECT count(*) FROM t").fetchone() == (0,)
        assert take_snapshot(source, work, SourceSettings()).rows == 200_000


def test_pages_of_a_file_stay_small_where_cells_are_big(tmp_path: Path) -> None:
    path = tmp_path / "big.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        connection.executemany("INSERT INTO t (v) VALUES (?)", [("x" * 100_000,)] * 2000)
        connection.commit()
    with closing(open_source(str(path), settings=SourceSettings(page_bytes=1024 * 1024))) as source:
        pages = [len(page.rows) for page in source.pages(source.inspect().table("t"), None)]
    assert sum(pages) == 2000
    assert max(pages) <= 500


@pytest.mark.parametrize("kind", ["gzip", "xz"])
def test_a_compressed_file_is_refused_as_such(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "legacy.db"
    path.write_bytes({"gzip": gzip.compress, "xz": lzma.compress}[kind](b"SQLite format 3\x00"))
    with pytest.raises(SourceError, match=rf"is compressed \({kind}\)"):
        open_source(str(path))
