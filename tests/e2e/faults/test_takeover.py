"""A frozen process whose run was taken over by another machine's, and that wakes up afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("frozen process, run taken over")

#: What a network that forgets the frozen machine does: its session ends, and with it the lock.
END_ITS_SESSION = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "point",
    ["messages:copied", *(pytest.param(point, marks=SLOW)
                          for point in ("cleanup:uncommitted", "users:batch", "verify:end", "publish:begin",
                                        "publish:exchange", "publish:uncommitted"))],
)  # fmt: skip
def test_woken_up_it_commits_nothing(
    scene: Scene, undisturbed: Held, score: Score, tmp_path: Path, point: str
) -> None:
    other = scene.but(work=tmp_path / "another machine")
    with scene.frozen_at(point) as run:
        scene.ask(END_ITS_SESSION)
        other.run()
        done = run.go_on()
    assert done.code == 3, f"{done.code}: {done.err}"
    score.tried()
    score.compare(other.live(), {name: undisturbed[name] for name in other.live()})
    again = scene.run(code=1)  # it takes neither another run's staging nor its publication for its own
    assert "--fresh" in again.err or "changed after the backup" in again.err
    score.compare(other.live(), {name: undisturbed[name] for name in other.live()})


@SLOW
@pytest.mark.parametrize("point", ["publish:begin", "messages:end"])
def test_a_run_never_publishes_what_another_one_has_staged(
    scene: Scene, untouched: dict[str, str], undisturbed: Held, score: Score, tmp_path: Path, point: str
) -> None:
    other = scene.but(work=tmp_path / "another machine")
    assert scene.kill_at(point)
    assert other.kill_at("users:end")  # the staging now holds the users of the other run and nothing else
    done = scene.run(code=1)
    assert "--fresh" in done.err
    score.tried()
    score.compare(scene.live(), untouched)
    scene.do("run", "--yes", "--fresh")
    score.compare(scene.live(), {name: undisturbed[name] for name in scene.live()})


@pytest.mark.slow
@pytest.mark.parametrize("point", ["messages:copied", "verify:begin"])
def test_frozen_but_not_taken_over_it_goes_on(
    scene: Scene, undisturbed: Held, score: Score, point: str
) -> None:
    with scene.frozen_at(point, MIGRATE_SILENCE_S="1") as run:
        other = scene.but(work=scene.work.with_name("another machine"))
        assert f"process {run.process.pid}" in other.run(code=1).err
        done = run.go_on()
    assert done.code == 0, done.err
    score.tried()
    score.compare(scene.held(), undisturbed)
