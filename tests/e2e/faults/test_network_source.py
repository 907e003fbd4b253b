"""A bad network between us and the legacy server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score
from tests.servers.libsql import LibsqlServer
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.fault("network to the source")
SLOW = pytest.mark.slow
QUICKLY = {
    "MIGRATE__SOURCE__READ_TIMEOUT": "2",
    "MIGRATE__SOURCE__CONNECT_TIMEOUT": "2",
    "MIGRATE__SOURCE__ATTEMPTS": "3",
    "MIGRATE__SOURCE__LONGEST_WAIT": "0.2",
}


@pytest.fixture
def proxy(source: LibsqlServer) -> Iterator[Proxy]:
    with Proxy.before(source.url) as between:
        yield between


@pytest.fixture
def far(scene: Scene, proxy: Proxy, source: LibsqlServer) -> Scene:
    return scene.but(source=proxy.address(source.url), extra=QUICKLY)


@pytest.mark.parametrize(
    ("size", "reset"),
    [(2_000, True), *(pytest.param(size, reset, marks=SLOW) for size in (1, 300, 20_000, 90_000)
                      for reset in (False, True))],
)  # fmt: skip
def test_cut_in_the_middle_of_an_answer_it_asks_again(
    far: Scene, proxy: Proxy, undisturbed: Held, score: Score, size: int, reset: bool
) -> None:
    with far.frozen_at("snapshot:page#4") as run:
        proxy.cut_after(size, "down", reset=reset)
        done = run.go_on()
    assert done.code == 0, done.err
    score.tried()
    score.compare(far.held(), undisturbed)


@pytest.mark.slow
def test_cut_again_and_again_it_still_gets_through(
    far: Scene, proxy: Proxy, undisturbed: Held, score: Score
) -> None:
    for here, there in pairwise(["snapshot:page#2", "snapshot:page#6", "snapshot:page#9"]):
        with far.frozen_at(here) as run:
            proxy.cut_after(700, "up", reset=here < there)
            run.wake()
            proxy.refuse()
            done = run.end()
        assert done.code == 3, done.err
        score.tried()
        proxy.heal()
    far.run()
    score.compare(far.held(), undisturbed)


@pytest.mark.parametrize(
    "point",
    [pytest.param(name, marks=SLOW) for name in ("snapshot:page#10", "snapshot:begin", "open:taken")],
)
def test_a_black_hole_ends_the_run_resumable(
    far: Scene, proxy: Proxy, undisturbed: Held, untouched: dict[str, str], score: Score, point: str
) -> None:
    with far.frozen_at(point) as run:
        proxy.black_hole()
        done = run.go_on()
    assert done.code == 3, f"{done.code}: {done.err}"
    assert "run the same command again" in done.err
    proxy.heal()
    score.tried()
    score.compare(far.live(), untouched)
    far.run()
    score.compare(far.held(), undisturbed)
