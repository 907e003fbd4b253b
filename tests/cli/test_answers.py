"""What an operator answers while a command runs: no, and Ctrl-C twice."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from migrate.source.sample.target import seed_target
from tests.tools.commands import ROOT, content, environment, start

SMALL = {"MIGRATE__SAMPLE__SCALE": "0.05", "MIGRATE__IDS__SECRET": "an id secret of the tests"}


def test_no_is_no(work: Path, database: str) -> None:
    with psycopg.connect(database) as connection:
        seed_target(connection)
    before = content(database)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "migrate", "run", "--work", str(work)],
        cwd=ROOT, env=environment(**SMALL, MIGRATE__TARGET__URL=database),
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.write(ours, b"n\n")
    _out, err = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 2
    assert "Replace the rows of" in err
    assert "nothing was changed" in err
    assert content(database) == before


def test_interrupted_twice_it_says_how_to_go_on(work: Path) -> None:
    process = start("run", "--work", str(work), "--yes", **SMALL)
    while process.poll() is None and not (work / "state.json").exists():
        time.sleep(0.01)
    for _ in range(2):
        os.kill(process.pid, signal.SIGINT)
        time.sleep(0.05)
    _out, err = process.communicate(timeout=120)
    assert process.returncode in (3, 130), err
    assert "run the same command again to continue" in err
