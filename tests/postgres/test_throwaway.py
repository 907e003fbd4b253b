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
from migrate.postgres.connection import Connection
from migrate.postgres.embedded import THROWAWAY, EmbeddedServer
from migrate.source.sample.target import seed_target
from tests.tools.commands import migrate

_DIE = """
import os, signal, sys, threading
from pathlib import Path
from migrate.postgres import new_cluster, throwaway
when, kept = sys.argv[2:]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
run = new_cluster.run_program
def dying(*command, **options):
    if when == "before":
        die()
    if when == "slow":
        command = ("sh", "-c", f": {sys.argv[1]}; sleep 2; true")
    else:
        command = ("sh", "-c", 'sleep 0.6; exec "$@"', "sh", *command)
    threading.Timer(0.3, die).start()
    return run(*command, **options)
if when != "after":
    new_cluster.run_program = dying
if kept == "no":
    new_cluster.find_template, new_cluster.keep_template = lambda _: None, lambda *_: None
server = throwaway.start(Path(sys.argv[1]))
die()
"""


def _die(work: Path, when: str, kept: str = "yes") -> None:
    """Start a throwaway server in a process that is killed; `kept` says whether a kept cluster is copied."""
    work.mkdir()
    done = subprocess.run([sys.executable, "-c", _DIE, str(work), when, kept], check=False)
    assert done.returncode == -signal.SIGKILL


_SAMPLE = {"MIGRATE__SOURCE__URL": "sample", "MIGRATE__SAMPLE__SCALE": "0.1"}


def _home(work: Path) -> Path:
    return Path(json.loads((work / "drill.json").read_text())["data"]).parent


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _server_pid(work: Path) -> int:
    return int((_home(work) / "data/postmaster.pid").read_text().split("\n", 1)[0])


@pytest.mark.parametrize(("when", "kept"), [("before", "no"), ("amid", "no"), ("amid", "yes")])
def test_what_a_kill_leaves_of_a_new_cluster_is_removed_for_good(work: Path, when: str, kept: str) -> None:
    _die(work, when, kept)
    home = _home(work)
    assert home.exists()
    throwaway.remove_left(work)
    assert not (work / "drill.json").exists()
    time.sleep(0.7)  # a program that was still at work would make it anew
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


def test_a_program_that_outlives_the_kill_is_waited_for(work: Path) -> None:
    _die(work, "slow")
    assert _runs(f": {work}; sleep")
    throwaway.remove_left(work)
    assert not _runs(f": {work}; sleep")
    assert not (work / "drill.json").exists()


def test_a_server_that_a_kill_left_running_is_stopped_and_removed(work: Path) -> None:
    _die(work, "after")
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
    _die(work, "amid")
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


@pytest.mark.slow
def test_the_next_command_removes_the_server_of_a_drill_that_was_killed(
    work: Path, database: str, conn: Connection
) -> None:
    seed_target(conn)
    settings = {**_SAMPLE, "MIGRATE__TARGET__URL": database}
    migrate("run", "--work", str(work), "--yes", code=None, **settings, MIGRATE_KILL_AT="backup:drill")
    home, pid = _home(work), _server_pid(work)
    assert _alive(pid)
    migrate("rollback", "--work", str(work), "--yes", **settings)
    assert not _alive(pid)
    assert not home.exists()
    assert not (work / "drill.json").exists()


def test_the_next_command_drops_the_drills_database_in_an_embedded_target(work: Path) -> None:
    """The drill needs no server of its own there."""
    migrate("run", "--work", str(work), "--yes", code=None, **_SAMPLE, MIGRATE_KILL_AT="backup:drill")
    server = EmbeddedServer(work)
    with server, psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE restored_{'0a' * 8}")  # a kill during the test restore leaves one
        admin.execute("CREATE DATABASE restored_by_the_operator")
        migrate("rollback", "--work", str(work), "--yes", **_SAMPLE)
        named = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'restored%'").fetchall()
    assert named == [("restored_by_the_operator",)]
    assert not (work / "drill.json").exists()
