"""Watching a run from elsewhere: the status that is shown again, and the metrics that are collected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from migrate.cli.status import read_status, show
from migrate.pipeline.state import State
from tests.tools.commands import ROOT, environment, migrate, start

SMALL = {"MIGRATE__SAMPLE__SCALE": "0.02", "MIGRATE__IDS__SECRET": "an id secret of the tests"}


@pytest.mark.slow
def test_a_watcher_sees_the_process_at_work_and_ends_with_it(work: Path) -> None:
    frozen = start("run", "--work", str(work), "--yes", **SMALL, MIGRATE_FREEZE_AT="messages:batch")
    watcher = None
    try:
        limit = time.monotonic() + 120
        facts: dict[str, Any] = {"stages": {}, "progress": None}
        while time.monotonic() < limit and not ("messages" in facts["stages"] and facts["progress"]):
            time.sleep(0.3)
            facts = migrate("status", "--work", str(work), "--json").json()
        assert facts["progress"] is not None
        assert f"process {frozen.pid} " in facts["process"]
        assert facts["stages"]["messages"]["status"] == "running"
        assert "Running: " in migrate("status", "--work", str(work)).out
        watcher = start("status", "--work", str(work), "--watch", "--json")
        assert watcher.stdout is not None
        assert json.loads(watcher.stdout.readline())["process"]
        for _ in range(2):  # the terminal is closed: the shell and the kernel both say so
            os.kill(frozen.pid, signal.SIGHUP)
        os.kill(frozen.pid, signal.SIGCONT)
        _, said = frozen.communicate(timeout=60)
    finally:
        frozen.kill()
    assert frozen.returncode == 3, said
    assert watcher is not None
    out, _ = watcher.communicate(timeout=60)
    last = json.loads(out.splitlines()[-1])
    assert (last["process"], last["outcome"]) == (None, "open")
    assert "unning" not in migrate("status", "--work", str(work)).out


def test_a_stage_whose_process_was_killed_is_stopped(work: Path) -> None:
    work.mkdir()
    State.begin(work, run_id="r", code="1", binding={}, id_secret="").start("messages")
    facts = read_status(work)
    assert facts["stages"]["messages"]["status"] == "running"  # as it was written
    console = Console(width=100)
    with console.capture() as shown:
        console.print(show(facts))
    assert "stopped" in shown.get()
    assert "running" not in shown.get()


def test_every_stage_leaves_its_metrics(work: Path, tmp_path: Path) -> None:
    path = tmp_path / "migrate.prom"
    migrate("run", "--work", str(work), "--yes", **SMALL, MIGRATE__METRICS__TEXTFILE=str(path))
    text = path.read_text()
    assert 'migrate_outcome{outcome="published"} 1.0' in text
    assert 'migrate_stage_done{stage="publish"} 1.0' in text
    facts = json.loads((work / "summary.json").read_text())
    assert f'migrate_rows{{stage="users",table="users"}} {float(facts["filled"]["users"])}' in text
    with Path("/dev/full").open("wb") as full:  # what it has done does not depend on the words that say so
        again = subprocess.run(
            [sys.executable, "-m", "migrate", "run", "--work", str(work), "--yes"],
            cwd=ROOT, env=environment(**SMALL), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert again.returncode == 1
    assert "the output cannot be written: No space left on device\nnext:  the rows are live" in again.stderr


@pytest.mark.slow
def test_metrics_that_cannot_be_written_stop_no_run(work: Path, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "migrate.prom"
    done = migrate("run", "--work", str(work), "--yes", **SMALL, MIGRATE__METRICS__TEXTFILE=str(path))
    assert "the run continues" in done.err
