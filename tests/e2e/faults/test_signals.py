"""Ctrl-C and SIGTERM: the first stops after the batch (exit code 3), a second one at once (130)."""

from __future__ import annotations

import os
import signal

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("SIGINT and SIGTERM")

SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("point", "number"),
    [
        ("messages:copied", signal.SIGINT),
        pytest.param("snapshot:page#10", signal.SIGTERM, marks=SLOW),
        pytest.param("snapshot:stripped", signal.SIGINT, marks=SLOW),
        pytest.param("backup:drill", signal.SIGTERM, marks=SLOW),
        pytest.param("backup:dumped", signal.SIGINT, marks=SLOW),
        pytest.param("crosswalk:prepared", signal.SIGINT, marks=SLOW),
        pytest.param("verify:begin", signal.SIGTERM, marks=SLOW),
    ],
)
def test_asked_to_stop_it_stops_resumable(
    scene: Scene,
    undisturbed: Held,
    untouched: dict[str, str],
    score: Score,
    point: str,
    number: signal.Signals,
) -> None:
    with scene.frozen_at(point) as run:
        os.kill(run.process.pid, number)
        done = run.go_on()
    assert done.code == 3, done.err
    assert "run the same command again" in done.err
    score.tried()
    score.compare(scene.live(), untouched)
    scene.run()
    score.compare(scene.held(), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["publish:lock", "publish:uncommitted", "publish:committed"])
def test_asked_to_stop_while_it_publishes_it_publishes(
    scene: Scene, undisturbed: Held, score: Score, point: str
) -> None:
    with scene.frozen_at(point) as run:
        os.kill(run.process.pid, signal.SIGINT)
        done = run.go_on()
    assert done.code in (0, 3), done.err
    score.tried()
    scene.run()
    score.compare(scene.held(), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["snapshot:page#10", "backup:drill", "messages:copied", "publish:exchange"])
def test_asked_twice_it_ends_at_once(
    scene: Scene, undisturbed: Held, untouched: dict[str, str], score: Score, point: str
) -> None:
    with scene.frozen_at(point) as run:
        os.kill(run.process.pid, signal.SIGINT)
        os.kill(run.process.pid, signal.SIGTERM)
        done = run.go_on()
    assert done.code == 130, done.err
    score.tried()
    score.compare(scene.live(), untouched)
    scene.run()
    score.compare(scene.held(), undisturbed)
