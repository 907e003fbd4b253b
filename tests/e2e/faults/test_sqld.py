"""SIGKILL of the legacy server during the snapshot, and its restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score
from tests.servers.libsql import MakeServer

pytestmark = pytest.mark.fault("SIGKILL and restart of sqld")
IMPATIENT = {"MIGRATE__SOURCE__ATTEMPTS": "2", "MIGRATE__SOURCE__LONGEST_WAIT": "0.1"}


@pytest.mark.parametrize(
    "point",
    ["snapshot:page#10", *(pytest.param(f"snapshot:{name}", marks=pytest.mark.slow)
                           for name in ("begin", "page", "uncommitted#40", "page#20"))],
)  # fmt: skip
def test_the_server_dies_and_comes_back(
    scene: Scene, libsql: MakeServer, legacy: Path, undisturbed: Held, untouched: dict[str, str],
    score: Score, point: str,
) -> None:  # fmt: skip
    server = libsql(content=legacy)
    mine = scene.but(source=server.url)
    with mine.frozen_at(point, **IMPATIENT) as run:
        server.kill()
        done = run.go_on()
    assert done.code == 3, f"{done.code}: {done.err}"
    assert "run the same command again" in done.err
    server.start()
    score.tried()
    score.compare(mine.live(), untouched)
    mine.run()
    score.compare(mine.held(), undisturbed)


@pytest.mark.slow
def test_a_server_that_is_soon_back_is_not_even_noticed(
    scene: Scene, libsql: MakeServer, legacy: Path, undisturbed: Held, score: Score
) -> None:
    server = libsql(content=legacy)
    mine = scene.but(source=server.url)
    with mine.frozen_at("snapshot:page#10") as run:
        server.kill()
        server.start()
        done = run.go_on()
    assert done.code == 0, done.err
    score.tried()
    score.compare(mine.held(), undisturbed)
