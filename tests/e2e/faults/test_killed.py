"""SIGKILL at every named point between two durable writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.pipeline.mapping import load_spec
from migrate.pipeline.order import make_stages
from migrate.runtime.config import Config
from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("SIGKILL at a named point")

#: One of each kind; the others are of the same kinds in other stages.
QUICK = ("messages:copied#2", "publish:uncommitted")
#: Points of other kinds, for the whole harness alone.
MORE = (
    "snapshot:uncommitted#30",
    "ahead:build#20",
    "state.json:written#9",
    "backup:drilled",
    "publish:build#12",
    "publish:committed",
)
_SNAPSHOT = ("uncommitted", "committed", "page", "compared", "stripped", "frozen", "renamed")
_PUBLISH = ("build", "built", "lock", "compare with the backup", "exchange", "exchanged",
            "commit", "uncommitted", "committed", "dropped")  # fmt: skip
#: Those of a publish that cannot exchange the tables, and moves the rows.
_MOVING = ("lock", "loosen", "delete", "strip", "insert", "insert#3", "rebuild", "rebuild#30", "uncommitted",
           "commit", "analyze", "analyze#3", "committed")  # fmt: skip
ENTITIES = load_spec(Config()).stages
STAGES = tuple(stage.name for stage in make_stages(Config(), load_spec(Config())))
OPENING = ("open:taken", "open:secret", "open:cleared", "open:begun")
FILES = (
    "plan.json",
    "state.json",
    "snapshot.json",
    "drill.json",
    "checks.json",
    "summary.json",
    "receipt.json",
    "report.html",
)
#: Every point of a run; a test holds the list against a run that reached them all.
POINTS = (
    *OPENING,
    *(f"{file}:{step}" for file in FILES for step in ("written", "renamed")),
    *(f"{stage}:{step}" for stage in STAGES for step in ("begin", "end", "recorded")),
    *(f"snapshot:{step}" for step in _SNAPSHOT),
    *(f"backup:{step}" for step in ("dumped", "drill", "drilled", "kept")),
    *(f"cleanup:{step}" for step in ("uncommitted", "committed")),
    "crosswalk:prepared",
    "crosswalk:complete",
    "crosswalk:renamed",
    *(f"{entity}:{step}" for entity in ENTITIES for step in ("copied", "batch", "finished")),
    "ahead:build",
    *(f"publish:{step}" for step in _PUBLISH),
)
#: Points that are reached again and again, killed at some of those times.
AGAIN = (
    *(f"state.json:written#{n}" for n in (2, 5, 9, 12, 17, 22, 26, 28)),
    *(f"state.json:renamed#{n}" for n in (3, 6, 10, 14, 20, 25, 27)),
    *(f"snapshot:uncommitted#{n}" for n in (5, 24, 31, 46)),
    *(f"snapshot:page#{n}" for n in (4, 11, 20)),
    *(f"{entity}:copied#2" for entity in ("users", "profiles", "messages")),
    *(f"{entity}:batch#2" for entity in ("users", "profiles", "messages")),
    *(f"ahead:build#{n}" for n in (3, 20, 35)),
    *(f"publish:build#{n}" for n in (3, 12, 25, 40, 60)),
)


def marked(points: tuple[str, ...]) -> list[object]:
    return [point if point in QUICK else pytest.param(point, marks=pytest.mark.slow) for point in points]


@pytest.mark.parametrize("point", marked(tuple(dict.fromkeys(QUICK + MORE + POINTS + AGAIN))))
def test_killed_at_a_point_the_same_command_finishes(
    scene: Scene, undisturbed: Held, untouched: dict[str, str], score: Score, point: str
) -> None:
    assert scene.kill_at(point), f"the run never came to {point}"
    score.tried()
    if not published(scene):
        score.compare(scene.live(), untouched)
    scene.run()
    score.compare(scene.held(), undisturbed)


@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=() if step == "rebuild#30" else pytest.mark.slow) for step in _MOVING]
)
def test_killed_while_rows_are_moved_the_same_command_finishes(
    scene: Scene, undisturbed: Held, score: Score, step: str
) -> None:
    scene.execute("CREATE VIEW people AS SELECT id FROM users")  # it forbids an exchange
    assert scene.kill_at(f"publish:{step}")
    score.tried()
    done = scene.run()
    assert "exchanged" not in done.err
    scene.execute("DROP VIEW people")
    score.compare(scene.held(), undisturbed)


def published(scene: Scene) -> bool:
    made = scene.ask("SELECT to_regclass('migrate_ledger.publication') IS NOT NULL")[0][0]
    return bool(made and scene.ask("SELECT 1 FROM migrate_ledger.publication"))


@pytest.mark.slow
def test_killed_again_and_again_on_the_way_it_still_finishes(
    scene: Scene, undisturbed: Held, score: Score
) -> None:
    for point in ("open:begun", "snapshot:page#5", "snapshot:frozen", "backup:dumped", "cleanup:committed",
                  "users:copied#2", "users:batch", "messages:copied", "verify:end", "publish:uncommitted",
                  "publish:dropped"):  # fmt: skip
        score.tried(scene.kill_at(point))
    scene.run()
    score.compare(scene.held(), undisturbed)


@pytest.mark.slow
def test_the_list_of_points_is_that_of_a_run(scene: Scene, tmp_path: Path) -> None:
    trace = tmp_path / "points"
    scene.run(MIGRATE_TRACE_TO=str(trace))
    reached = set(trace.read_text().splitlines())
    assert reached == set(POINTS)
