"""One private copy of a source file serves plan and snapshot."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from migrate.source import private_copy
from migrate.source.open import open_source
from tests.source import hard_values


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that private copies are made in; no copy of another test is kept."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    private_copy.remove_returned()
    yield folder
    private_copy.remove_returned()


@pytest.fixture(params=["file", "dump"])
def source(request: pytest.FixtureRequest, hard_file: Path, tmp_path: Path) -> Path:
    """A source that is a file, of which the clock has gone on since it was written."""
    path = tmp_path / "legacy.db"
    path.write_bytes(hard_file.read_bytes())
    if request.param == "dump":
        path = hard_values.write_dump(hard_file, tmp_path / "legacy.sql")
    return path


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file count as settled as soon as it is written."""
    monkeypatch.setattr(private_copy, "_TICK_NS", 0)
    time.sleep(0.02)


def _copied(url: Path) -> tuple[Path, str | None]:
    """Open a source; return which file of ours it is read from, and its mark."""
    with closing(open_source(str(url))) as opened:
        assert opened.copy is not None
        with closing(sqlite3.connect(opened.copy)) as connection:
            assert connection.execute("SELECT count(*) FROM ints").fetchone()[0] >= 6
        return opened.copy, opened.mark()


@pytest.mark.usefixtures("settled")
def test_a_copy_is_used_again_while_the_file_stands_still(source: Path, temporary: Path) -> None:
    first = _copied(source)
    assert _copied(source) == first
    assert len(list(temporary.iterdir())) == 1
    private_copy.remove_returned()
    assert not list(temporary.iterdir())


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("how", ["written", "replaced", "written and set back"])
def test_a_file_that_was_written_to_is_copied_again(source: Path, temporary: Path, how: str) -> None:
    first, mark = _copied(source)
    times, content = source.stat(), source.read_bytes()
    time.sleep(0.02)
    if how == "replaced":
        source.unlink()
    if source.suffix == ".sql":
        source.write_bytes(content.replace(b"semi;", b"demi;"))
    else:
        source.write_bytes(content)
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("UPDATE texts SET v = 'X' WHERE id = 14")
            connection.commit()
    if how == "written and set back":
        os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    again, other = _copied(source)
    assert again != first
    assert other != mark
    assert len(list(temporary.iterdir())) == 1


@pytest.mark.usefixtures("settled", "temporary")
def test_rows_in_a_wal_that_came_meanwhile_are_read(hard_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "legacy.db"
    path.write_bytes(hard_file.read_bytes())
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        for number in range(100, 103):
            writer.execute("INSERT INTO ints (id) VALUES (?)", (number,))
            writer.commit()
            time.sleep(0.02)
            with closing(open_source(str(path))) as source:
                assert source.count(source.inspect().table("ints")) == 6 + number - 99


def test_a_file_that_was_written_to_a_moment_ago_is_copied_again(source: Path, temporary: Path) -> None:
    first, mark = _copied(source)
    again, same = _copied(source)
    assert again != first
    assert same == mark
    assert not list(temporary.iterdir())


def test_no_copy_outlives_the_process(source: Path, temporary: Path) -> None:
    script = """
import sys
from contextlib import closing
from migrate.source import private_copy
from migrate.source.open import open_source
private_copy._TICK_NS = 0
with closing(open_source(sys.argv[1])) as source:
    pass
assert private_copy._returned
"""
    time.sleep(0.02)
    environment = {**os.environ, "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", script, str(source)], check=True, env=environment)
    assert not list(temporary.iterdir())


def test_a_copy_that_a_killed_process_left_is_removed_and_one_in_use_is_not(
    source: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
import os, signal, sys
from migrate.source.open import open_source
open_source(sys.argv[1])
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", script, str(source)], check=False, env=environment)
    (left,) = temporary.iterdir()
    private_copy.sweep()
    assert left.exists(), "it may just be in the making"
    monkeypatch.setattr(private_copy, "_JUST_NOW_S", 0.0)
    with closing(open_source(str(source))):
        private_copy.sweep()
        (used,) = temporary.iterdir()
        assert used != left
