"""A snapshot that was interrupted continues at its last row."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime import files
from migrate.runtime.errors import StateMismatch, Stopped
from migrate.source.model import Progress
from tests.servers.libsql import MakeServer
from tests.snapshot.snapshots import take
from tests.source import hard_values


def test_the_partial_snapshot_of_another_source_is_refused(file: Path, tmp_path: Path, work: Path) -> None:
    with pytest.raises(Stopped):
        take(str(file), work, should_stop=lambda: True)
    other = tmp_path / "other.db"
    other.write_bytes(file.read_bytes())
    with pytest.raises(StateMismatch, match=r"started from .*legacy\.db") as caught:
        take(str(other), work)
    assert "delete" in (caught.value.hint or "")


def test_a_damaged_partial_snapshot_is_refused(file: Path, work: Path) -> None:
    work.mkdir()
    (work / "snapshot.partial.db").write_bytes(b"no database, whatever it is called" * 100)
    with pytest.raises(StateMismatch, match="damaged"):
        take(str(file), work)


def test_a_resumed_table_is_not_read_from_its_start(libsql: MakeServer, file: Path, work: Path) -> None:
    server = libsql(content=file)
    seen: list[Progress] = []
    with pytest.raises(Stopped):
        take(server.url, work, on_progress=seen.append, should_stop=lambda: seen[-1].rows > 100)
    stopped_at = seen[-1].rows
    again: list[Progress] = []
    facts = take(server.url, work, on_progress=again.append)
    assert again[0].table == "a"
    assert again[0].rows > stopped_at
    assert again[0].rows_read > seen[-1].rows_read
    assert facts.rows_read < 3 * 3 * 1000  # look, pages, count: nothing was billed twice
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)


def test_rows_that_changed_between_two_runs_are_read_again(
    libsql: MakeServer, file: Path, work: Path
) -> None:
    server = libsql(content=file)
    with pytest.raises(Stopped):
        take(server.url, work, should_stop=_after("b", 500))
    server.execute("UPDATE a SET v = 'changed' WHERE id = 1")
    server.execute("CREATE TABLE d (x)")
    server.execute("DROP TABLE c")
    server.execute("ALTER TABLE b ADD COLUMN more TEXT DEFAULT 'x'")
    facts = take(server.url, work)
    assert [table.name for table in facts.tables] == ["a", "b", "d"]
    with closing(sqlite3.connect(work / "snapshot.db")) as copy:
        assert copy.execute("SELECT v FROM a WHERE id = 1").fetchone() == ("changed",)
        assert copy.execute("SELECT count(*) FROM b WHERE more = 'x'").fetchone() == (1000,)


def _after(table: str, rows: int) -> Callable[[], bool]:
    """Return a `should_stop` that holds after some pages; a page has 2 rows at first, then 4 times more."""
    pages = {"a": 0, "b": 8, "c": 14}[table]
    calls = iter(range(10_000))
    return lambda: next(calls) >= pages


# Reports every page it has committed.
_SCRIPT = """
import sys
from pathlib import Path
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source
settings = SourceSettings(first_page_rows=2, page_bytes=65536)
source = open_source(sys.argv[1], settings=settings)
take_snapshot(source, Path(sys.argv[2]), settings, lambda _: print("page", flush=True))
"""


def _run_and_kill(url: str, work: Path, pages: int) -> bool:
    """Start a snapshot and kill it after some pages; return whether it ended before."""
    process = subprocess.Popen([sys.executable, "-c", _SCRIPT, url, str(work)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as output:
        for _ in range(pages):
            if not output.readline():
                break
        process.kill()
        output.read()
    return process.wait() == 0


@pytest.mark.parametrize("way", ["http", "ws"])
def test_killed_again_and_again_it_ends_as_if_undisturbed(
    libsql: MakeServer, file: Path, work: Path, way: str
) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executemany("INSERT INTO b (v) VALUES (?)", [("x" * 100,)] * 5000)
        connection.commit()
    server = libsql(content=file)
    url = {"http": server.url, "ws": server.ws_url}[way]
    kills = 0
    while not _run_and_kill(url, work, pages=3 + 2 * kills) and kills < 20:
        kills += 1
        if (work / "snapshot.db").exists():
            break
    assert kills >= 2
    take(url, work)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)


def test_a_file_killed_between_its_tables_ends_as_if_undisturbed(file: Path, work: Path) -> None:
    for pages in (1, 1):
        assert not _run_and_kill(str(file), work, pages)
    take(str(file), work)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)


def test_a_table_of_a_file_is_taken_whole_or_not_at_all(file: Path, work: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source
from migrate.snapshot import bulk_copy, take
def die(*given, copy=bulk_copy.copy_rows):
    copy(*given)
    if given[1].name == "b": os.kill(os.getpid(), signal.SIGKILL)
bulk_copy.copy_rows = die
take_snapshot(open_source(sys.argv[1]), Path(sys.argv[2]), SourceSettings())
"""
    done = subprocess.run([sys.executable, "-c", script, str(file), str(work)], check=False)
    assert done.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(work / "snapshot.partial.db")) as partial:
        assert [partial.execute(f"SELECT count(*) FROM {name}").fetchone() for name in "abc"] == [
            (1000,), (0,), (0,)
        ]  # fmt: skip
    seen: list[Progress] = []
    take(str(file), work, on_progress=seen.append)
    assert [one.table for one in seen] == ["b", "c"]
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)


@pytest.mark.parametrize("call", ["strip", "fsync", "chmod", "rename"])
def test_killed_while_freezing_it_ends_frozen(file: Path, work: Path, call: str) -> None:
    script = f"""
import os, signal, sys
from pathlib import Path
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source
from migrate.runtime import files
from migrate.snapshot import take
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
def dying_strip(partial, strip=take.PartialSnapshot.strip): strip(partial); die()
if {call!r} == "strip": take.PartialSnapshot.strip = dying_strip
if {call!r} == "fsync": take.os.fsync = lambda _, n=[0]: n.append(0) or (len(n) > 3 and die())
if {call!r} == "chmod":
    Path.chmod = lambda path, mode, do=Path.chmod: die() if mode == 0o400 else do(path, mode)
if {call!r} == "rename": Path.rename = die
take_snapshot(open_source(sys.argv[1]), Path(sys.argv[2]), SourceSettings())
"""
    done = subprocess.run([sys.executable, "-c", script, str(file), str(work)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (work / "snapshot.db").exists()
    facts = take(str(file), work)
    assert facts.rows == 3000
    assert facts.sha256 == files.digest_file(work / "snapshot.db")
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)
