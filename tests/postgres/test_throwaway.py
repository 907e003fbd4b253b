"""The throwaway server is gone afterwards, also if the process that made it was killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from migrate.postgres import throwaway
from migrate.postgres.embedded import THROWAWAY, EmbeddedServer
from tests.tools.commands import migrate

_DIE = """
import os, signal, subprocess, sys
from pathlib import Path
from migrate.postgres import throwaway
from migrate.postgres.embedded import EmbeddedServer
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
run = EmbeddedServer._run
def dying(self, *command, **options):
    if not command[0].endswith("initdb"):
        return run(self, *command, **options)
    if sys.argv[2] == "before":
        die()
    if sys.argv[2] == "slow":
        command = ("sh", "-c", f": {self.folder}; sleep 2; true")
    import threading
    threading.Timer(0.3, die).start()
    return run(self, *command, **options)
if sys.argv[2] != "after":
    EmbeddedServer._run = dying
server = throwaway.start(Path(sys.argv[1]))
die()
"""


def _home(work: Path) -> Path:
    return Path(json.loads((work / "drill.json").read_text())["data"]).parent


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _server_pid(work: Path) -> int:
    return int((_home(work) / "data/postmaster.pid").read_text().split("\n", 1)[0])


@pytest.mark.parametrize("when", ["before", "amid"])
def test_what_a_kill_during_initdb_leaves_is_removed_for_good(work: Path, when: str) -> None:
    work.mkdir()
    done = subprocess.run([sys.executable, "-c", _DIE, str(work), when], check=False)
    assert done.returncode == -signal.SIGKILL
    home = _home(work)
    assert home.exists()
    throwaway.remove_left(work)
    assert not (work / "drill.json").exists()
    time.sleep(0.5)  # an initdb that was still at work would make it anew
    assert not home.exists()


def _runs(words: str) -> bool:
    """Return true if the command line of a process has these words."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words.encode() in path.read_bytes():
                return True
        except (FileNotFoundError, ProcessLookupError):
            continue
    return False


def test_an_initdb_that_outlives_the_kill_is_waited_for(work: Path) -> None:
    work.mkdir()
    subprocess.run([sys.executable, "-c", _DIE, str(work), "slow"], check=False)
    assert _runs(f": {work}; sleep")
    throwaway.remove_left(work)
    assert not _runs(f": {work}; sleep")
    assert not (work / "drill.json").exists()


def test_a_server_that_a_kill_left_running_is_stopped_and_removed(work: Path) -> None:
    work.mkdir()
    done = subprocess.run([sys.executable, "-c", _DIE, str(work), "after"], check=False)
    assert done.returncode == -signal.SIGKILL
    home, pid = _home(work), _server_pid(work)
    assert _alive(pid)
    throwaway.remove_left(work)
    assert not _alive(pid)
    assert not home.exists()
    assert not (work / "drill.json").exists()


def test_a_server_in_use_is_left_alone(work: Path) -> None:
    with throwaway.running(work) as url:
        throwaway.remove_left(work)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not (work / "drill.json").exists()


def test_a_cluster_that_is_half_made_does_not_exist_and_is_made_again(work: Path) -> None:
    work.mkdir()
    subprocess.run([sys.executable, "-c", _DIE, str(work), "amid"], check=False)
    left = _home(work)
    server = EmbeddedServer(work, "drill", THROWAWAY)
    assert not server.exists
    with server:
        assert server.exists
        assert _home(work) == left or not left.exists()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    server.destroy()
    assert not (work / "drill.json").exists()


def test_the_next_command_removes_the_server_of_a_drill_that_was_killed(work: Path) -> None:
    settings = {"MIGRATE__SOURCE__URL": "sample", "MIGRATE__SAMPLE__SCALE": "0.1"}
    migrate("run", "--work", str(work), "--yes", code=None, **settings, MIGRATE_KILL_AT="backup:drill")
    home, pid = _home(work), _server_pid(work)
    assert _alive(pid)
    migrate("rollback", "--work", str(work), "--yes", **settings)
    assert not _alive(pid)
    assert not home.exists()
    assert not (work / "drill.json").exists()
