"""A slow and a narrow network to both servers at once: it only takes longer."""

from __future__ import annotations

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score
from tests.servers.libsql import LibsqlServer
from tests.servers.proxy import Proxy

pytestmark = [pytest.mark.fault("slow network to both"), pytest.mark.slow]


def far(scene: Scene, source: Proxy, target: Proxy) -> Scene:
    return scene.but(source=source.address(scene.source), target=target.address(scene.target))


def test_with_answers_that_take_long_it_only_takes_longer(
    scene: Scene, source: LibsqlServer, undisturbed: Held, score: Score
) -> None:
    with Proxy.before(source.url) as near, Proxy.before(scene.target) as behind:
        near.delay, behind.delay = 0.02, 0.005
        far(scene, near, behind).run()
    score.tried()
    score.compare(scene.held(), undisturbed)


def test_over_a_narrow_line_it_only_takes_longer(
    scene: Scene, source: LibsqlServer, undisturbed: Held, score: Score
) -> None:
    with Proxy.before(source.url) as near, Proxy.before(scene.target) as behind:
        near.bytes_per_second, behind.bytes_per_second = 150_000, 500_000
        far(scene, near, behind).run()
    score.tried()
    score.compare(scene.held(), undisturbed)
