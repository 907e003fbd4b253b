"""SIGKILL at random moments, drawn over the whole length of a run; the seed is in the test's name."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable

import pytest

from migrate.postgres.embedded import EmbeddedServer
from tests.e2e.faults.conftest import make_database
from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score
from tests.servers.libsql import LibsqlServer

pytestmark = pytest.mark.fault("SIGKILL at a random moment")

SERIES = 42
KILLS = 5


def kill_after(scene: Scene, seconds: float) -> bool:
    """Start a run and kill it after a time; return whether it still ran."""
    process = scene.start("run", "--yes")
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    _out, err = process.communicate()
    assert process.returncode in (0, -9), err
    return process.returncode == -9


def disturb(
    make: Callable[[], Scene], seed: int, kills: int, longest: float, score: Score, same: Held
) -> None:
    """Kill runs after up to `longest` seconds, so many times; each is finished, and its content compared."""
    chance = random.Random(seed)
    made = 0
    while made < kills:
        scene = make()
        while made < kills and kill_after(scene, chance.uniform(0.1, longest)):
            made += 1
            score.tried()
        scene.run()
        score.compare(scene.held(), same)


def test_killed_three_times_at_random_it_finishes(
    make_scene: Callable[[], Scene], undisturbed: Held, score: Score
) -> None:
    disturb(make_scene, 0, 3, 3.0, score, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, SERIES + 1))
def test_killed_at_random_moments_it_finishes(
    make_scene: Callable[[], Scene], undisturbed: Held, length: float, score: Score, seed: int
) -> None:
    disturb(make_scene, seed, KILLS, length, score, undisturbed)


@pytest.fixture(scope="module")
def length(
    tmp_path_factory: pytest.TempPathFactory, source: LibsqlServer, postgres: EmbeddedServer, application: str
) -> float:
    """How long a whole run takes on this machine, in seconds."""
    url = make_database(postgres, "measured", application)
    scene = Scene(tmp_path_factory.mktemp("measured") / "work", source.url, url, url)
    began = time.monotonic()
    scene.run()
    return time.monotonic() - began
