"""A second `migrate run` at the same time, with the same work folder and from another one; ten at once."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.faults.harness import PATIENCE, Held, Scene, state_of, wait_until
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("several runs at once")


@pytest.mark.parametrize("same_folder", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_second_run_says_who_holds_it(
    scene: Scene, undisturbed: Held, score: Score, tmp_path: Path, same_folder: bool
) -> None:
    other = scene if same_folder else scene.but(work=tmp_path / "another machine")
    with scene.frozen_at("messages:copied") as run:
        refused = other.run(code=1)
        assert f"process {run.process.pid}" in refused.err
        assert "next:" in refused.err
        if not same_folder:
            assert other.rollback(code=None).code in (1, 2)  # nothing of its own to give up
        done = run.go_on()
    assert done.code == 0, done.err
    score.tried()
    score.compare(scene.held(), undisturbed)


@pytest.mark.slow
def test_a_second_run_that_meets_a_publish_waits_for_its_tables_a_while_only(
    scene: Scene, undisturbed: Held, score: Score, tmp_path: Path
) -> None:
    other = scene.but(work=tmp_path / "another machine")
    with scene.frozen_at("publish:uncommitted") as run:
        refused = other.run(code=3, MIGRATE__TARGET__LOCK_TIMEOUT_MS="300")
        assert "the live tables are locked by session" in refused.err
        assert f"migrate: process {run.process.pid} on " in refused.err
        assert "run the same command again" in refused.err
        done = run.go_on()
    assert done.code == 0, done.err
    score.tried()
    score.compare(scene.held(), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("same_folder", [True, False])
def test_of_ten_at_once_one_wins_and_the_others_name_it(
    scene: Scene, undisturbed: Held, score: Score, tmp_path: Path, same_folder: bool
) -> None:
    scenes = [scene if same_folder else scene.but(work=tmp_path / f"machine-{n}") for n in range(10)]
    # The one that gets the target stands still until all others have knocked.
    processes = [one.start("run", "--yes", MIGRATE_FREEZE_AT="snapshot:begin") for one in scenes]
    try:
        wait_until(lambda: sum(map(ended, processes)) == 9, "nine have ended")
        [winner] = [process for process in processes if not ended(process)]
        wait_until(lambda: state_of(winner) == "T", "the winner stands")
        for process in processes:
            if process is not winner:
                _out, err = process.communicate()
                assert process.returncode == 1, f"{process.returncode}: {err}"
                assert f"process {winner.pid}" in err
                score.tried()
        os.kill(winner.pid, signal.SIGCONT)
        _out, err = winner.communicate(timeout=PATIENCE)
        assert winner.returncode == 0, err
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
    score.compare(scene.held(), undisturbed)


def ended(process: subprocess.Popen[str]) -> bool:
    return process.poll() is not None
