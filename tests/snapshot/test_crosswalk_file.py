"""The crosswalk's file: complete or not there, and read by many at once."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from migrate.runtime.errors import StateMismatch
from migrate.snapshot import crosswalk_file
from migrate.snapshot.workspace import Workspace, open_sql
from tests.mappers.studio.runner import legacy_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A work folder whose name is nothing for an URI, with a snapshot."""
    folder = tmp_path / "work %41?#"
    folder.mkdir()
    legacy_file(
        folder / "snapshot.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2);"
    )
    return folder


def make(folder: Path, mark: str, number: int = 1) -> Path:
    path = folder / "crosswalk.db"
    with crosswalk_file.build(folder / "snapshot.db", path, mark) as workspace:
        workspace.write("kept", pl.DataFrame({"id": [number] * 50_000}))
        workspace.execute("INSERT INTO x.kept SELECT id FROM t")
    return path


def test_it_has_its_name_when_it_is_complete_and_nothing_else_is_left(folder: Path) -> None:
    path = make(folder, "first")
    assert sorted(one.name for one in folder.iterdir()) == ["crosswalk.db", "snapshot.db"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert crosswalk_file.fits(path, "first")
    assert not crosswalk_file.fits(path, "second")
    with Workspace.open_readonly(folder / "snapshot.db", path) as workspace:
        assert workspace.scalar("SELECT count(*) FROM x.kept") == 50_002
        with pytest.raises(StateMismatch, match="readonly"):
            workspace.execute("DELETE FROM x.kept")


def test_one_that_could_not_be_finished_leaves_the_one_before(folder: Path) -> None:
    path = make(folder, "first")
    with (
        pytest.raises(ZeroDivisionError),
        crosswalk_file.build(folder / "snapshot.db", path, "second") as workspace,
    ):
        workspace.execute("CREATE TABLE x.half (id)")
        1 / 0  # noqa: B018
    assert crosswalk_file.fits(path, "first")
    make(folder, "third", number=3)
    assert crosswalk_file.fits(path, "third")
    with closing(open_sql(folder / "snapshot.db", path)) as connection:
        assert connection.execute("SELECT max(id) FROM x.kept").fetchone() == (3,)
        with pytest.raises(sqlite3.OperationalError, match="half"):
            connection.execute("SELECT * FROM x.half")


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"SQLite format 3\0" * 400])
def test_what_is_no_crosswalk_does_not_fit(folder: Path, content: bytes) -> None:
    (folder / "crosswalk.db").write_bytes(content)
    assert not crosswalk_file.fits(folder / "crosswalk.db", "first")
    assert crosswalk_file.fits(make(folder, "first"), "first")


def test_many_read_it_at_once_through_both_libraries(folder: Path) -> None:
    path = make(folder, "first")

    def stats(_number: int) -> int:
        with Workspace.open_readonly(folder / "snapshot.db", path) as workspace:
            streamed = sum(rows.height for rows in workspace.stream("SELECT id FROM x.kept"))
            return streamed + int(str(workspace.scalar("SELECT count(*) FROM x.kept")))

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(stats, range(60))) == {100_004}


def test_what_is_written_while_a_stream_is_read_does_not_reach_into_it(folder: Path) -> None:
    with crosswalk_file.build(folder / "snapshot.db", folder / "crosswalk.db", "first") as workspace:
        workspace.write("many", pl.DataFrame({"id": range(300_000)}))
        stream = workspace.stream("SELECT id FROM x.many ORDER BY rowid")
        found = [next(stream)]
        for _ in range(5):  # more than SQLite lets a log grow by itself
            workspace.execute("UPDATE x.many SET id = -1 - abs(id)")
        found.extend(stream)
        assert pl.concat(found)["id"].cast(pl.Int64).to_list() == list(range(300_000))


def test_all_of_it_is_removed(folder: Path) -> None:
    make(folder, "first")
    (folder / "crosswalk.partial.db-wal").touch()
    crosswalk_file.remove(folder)
    assert [one.name for one in folder.iterdir()] == ["snapshot.db"]
