"""Watching a run from elsewhere: the status that is shown again, and the metrics that are collected."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.tools.commands import migrate, start

SMALL = {"MIGRATE__SAMPLE__SCALE": "0.02", "MIGRATE__IDS__SECRET": "an id secret of the tests"}


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
    finally:
        frozen.kill()
        frozen.communicate()
    assert watcher is not None
    out, _ = watcher.communicate(timeout=60)
    last = json.loads(out.splitlines()[-1])
    assert (last["process"], last["outcome"]) == (None, "open")
    shown = migrate("status", "--work", str(work)).out
    assert "stopped" in shown
    assert "running" not in shown


def test_every_stage_leaves_its_metrics(work: Path, tmp_path: Path) -> None:
    path = tmp_path / "migrate.prom"
    migrate("run", "--work", str(work), "--yes", **SMALL, MIGRATE__METRICS__TEXTFILE=str(path))
    text = path.read_text()
    assert 'migrate_outcome{outcome="published"} 1.0' in text
    assert 'migrate_stage_done{stage="publish"} 1.0' in text
    facts = json.loads((work / "summary.json").read_text())
    assert f'migrate_rows{{stage="users",table="users"}} {float(facts["filled"]["users"])}' in text


@pytest.mark.slow
def test_metrics_that_cannot_be_written_stop_no_run(work: Path, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "migrate.prom"
    done = migrate("run", "--work", str(work), "--yes", **SMALL, MIGRATE__METRICS__TEXTFILE=str(path))
    assert "the run continues" in done.err
