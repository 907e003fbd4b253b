"""A bad network between us and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.fault("network to the target")
SLOW = pytest.mark.slow
POINTS = ("open:taken", "backup:begin", "cleanup:uncommitted", "users:copied#2", "verify:begin",
          "publish:lock", "publish:build#12", "publish:exchange")  # fmt: skip


@pytest.fixture
def proxy(target: str) -> Iterator[Proxy]:
    with Proxy.before(target) as between:
        yield between


@pytest.fixture
def far(scene: Scene, proxy: Proxy) -> Scene:
    return scene.but(target=proxy.address(scene.target), extra={"MIGRATE_SILENCE_S": "4"})


@pytest.mark.parametrize("reset", [pytest.param(False, marks=SLOW), pytest.param(True, marks=SLOW)])
@pytest.mark.parametrize("point", POINTS)
def test_cut_off_the_same_command_finishes(
    far: Scene,
    proxy: Proxy,
    undisturbed: Held,
    untouched: dict[str, str],
    score: Score,
    point: str,
    reset: bool,
) -> None:
    with far.frozen_at(point) as run:
        (proxy.reset if reset else proxy.cut)()
        done = run.go_on()
    assert done.code == 3, f"{done.code}: {done.err}"
    assert "run the same command again" in done.err
    score.tried()
    score.compare(far.live(), untouched)
    far.run()
    score.compare(far.held(), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("size", [1, 900, 30_000])
@pytest.mark.parametrize("point", ["backup:begin", "users:batch", "publish:begin"])
def test_cut_in_the_middle_of_a_message_the_same_command_finishes(
    far: Scene, proxy: Proxy, undisturbed: Held, score: Score, point: str, size: int, direction: str
) -> None:
    with far.frozen_at(point) as run:
        proxy.cut_after(size, direction)  # type: ignore[arg-type]
        done = run.go_on()
    assert done.code in (0, 3), f"{done.code}: {done.err}"
    proxy.heal()
    score.tried()
    far.run()
    score.compare(far.held(), undisturbed)


@pytest.mark.parametrize(("direction", "published"), [("down", True), pytest.param("up", False, marks=SLOW)])
def test_cut_off_at_the_commit_the_ledger_knows_whether_it_went_through(
    far: Scene, proxy: Proxy, undisturbed: Held, untouched: dict[str, str], score: Score, direction: str,
    published: bool,
) -> None:  # fmt: skip
    with far.frozen_at("publish:commit") as run:
        proxy.cut_after(1, direction)  # type: ignore[arg-type]
        done = run.go_on()
    assert done.code == 3, f"{done.code}: {done.err}"
    score.tried()
    assert (far.live() == untouched) != published
    far.run()
    score.compare(far.held(), undisturbed)


@SLOW
@pytest.mark.parametrize("point", ["messages:begin", *POINTS])
def test_a_black_hole_ends_the_run_resumable(
    far: Scene, proxy: Proxy, undisturbed: Held, untouched: dict[str, str], score: Score, point: str
) -> None:
    with far.frozen_at(point) as run:
        proxy.black_hole()
        done = run.go_on()
    assert done.code == 3, f"{done.code}: {done.err}"
    assert "run the same command again" in done.err
    proxy.cut()
    proxy.heal()
    score.tried()
    score.compare(far.live(), untouched)
    far.run()
    score.compare(far.held(), undisturbed)


@pytest.mark.slow
def test_a_server_that_never_answered_is_not_waited_for(far: Scene, proxy: Proxy, score: Score) -> None:
    proxy.black_hole()
    done = far.but(target=f"{far.target}&connect_timeout=2").run(code=3)
    assert "cannot connect" in done.err
    score.tried()
