"""The way back: killed midway and repeated, taken back itself, and after the application has written."""

from __future__ import annotations

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("rollback killed, repeated, rolled back")

POINTS = (
    "open:taken", "backup:dumped", "backup:drilled", "backup:kept", "rollback:cleared", "rollback:copied",
    "rollback:staged", "rollback:build#9", "rollback:exchanged", "rollback:committed", "rollback:dropped",
    "state.json:written", "state.json:renamed",
)  # fmt: skip
#: Killed here, the rows are back already.
COMMITTED = ("rollback:committed", "rollback:dropped", "state.json:written", "state.json:renamed")
STAGING = "SELECT 1 FROM pg_namespace WHERE nspname = 'migrate_staging'"
IDS = "SELECT entity, legacy_id, new_id, via FROM migrate_ledger.id_map ORDER BY 1, 2"


@pytest.mark.parametrize(
    "point", ["rollback:uncommitted", *(pytest.param(point, marks=pytest.mark.slow) for point in POINTS)]
)
def test_a_rollback_killed_midway_and_repeated_brings_the_old_rows_back(
    scene: Scene, untouched: dict[str, str], undisturbed: Held, score: Score, point: str
) -> None:
    scene.run()
    assert scene.kill_at(point, "rollback")
    score.tried()
    committed = point in COMMITTED
    score.compare(scene.live(), untouched if committed else {k: undisturbed[k] for k in scene.live()})
    said = scene.rollback().out
    assert ("Already rolled back" in said) == committed
    score.compare(scene.live(), untouched)
    assert scene.ask(STAGING) == []
    assert scene.ask(IDS) == []
    scene.run()
    score.compare(scene.live(), {k: undisturbed[k] for k in scene.live()})


@pytest.mark.slow
def test_a_rollback_is_undone_and_rolled_back_again_each_killed_and_repeated(
    scene: Scene, untouched: dict[str, str], undisturbed: Held, score: Score
) -> None:
    new = {name: undisturbed[name] for name in untouched}
    scene.run()
    ids = scene.ask(IDS)
    for point in ("rollback:staged", "rollback:committed", "state.json:renamed"):
        for words, expected, map_of_ids in (([], untouched, []), (["--undo"], new, ids)):
            score.tried(scene.kill_at(point, "rollback", *words))
            scene.rollback(*words)
            scene.rollback(*words)  # out of doubt
            score.compare(scene.live(), expected)
            assert scene.ask(IDS) == map_of_ids


@pytest.mark.slow
@pytest.mark.parametrize("point", ["rollback:undone", "state.json:renamed"])
def test_giving_up_killed_and_repeated_takes_no_earlier_run_back(
    scene: Scene, untouched: dict[str, str], undisturbed: Held, score: Score, point: str
) -> None:
    new = {name: undisturbed[name] for name in untouched}
    scene.run()
    scene.do("run", "--yes", "--fresh", code=None, MIGRATE_KILL_AT="users:batch")
    score.tried(scene.kill_at(point, "rollback"))
    scene.rollback()
    assert "already discarded" in scene.rollback().out
    score.compare(scene.live(), new)
    scene.rollback("--published")
    score.compare(scene.live(), untouched)
    assert "Already rolled back" in scene.rollback("--published").out
    score.compare(scene.live(), untouched)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["rollback:undone", "rollback:dropped", "open:taken"])
@pytest.mark.parametrize("point", ["snapshot:page#4", "publish:uncommitted"])
def test_giving_up_killed_midway_and_repeated_leaves_nothing_in_the_way(
    scene: Scene, untouched: dict[str, str], undisturbed: Held, score: Score, point: str, command: str
) -> None:
    assert scene.kill_at(point)
    scene.kill_at(command, "rollback")
    scene.rollback(code=None)
    score.tried()
    score.compare(scene.live(), untouched)
    assert scene.ask(STAGING) == []
    scene.run()
    score.compare(scene.live(), {k: undisturbed[k] for k in scene.live()})


@pytest.mark.slow
def test_rows_written_since_are_counted_named_and_kept_in_a_backup(
    scene: Scene, untouched: dict[str, str], score: Score
) -> None:
    scene.run()
    scene.execute("UPDATE users SET display_name = 'changed by the application'")
    scene.execute("DELETE FROM reviews")
    written = scene.live()
    refused = scene.rollback(code=1)
    assert "users: " in refused.err
    assert "reviews: 1 row deleted" in refused.err
    assert "--discard-changes" in refused.err
    score.tried()
    score.compare(scene.live(), written)
    assert (
        scene.do("rollback", "--yes", "--discard-changes", code=None, MIGRATE_KILL_AT="rollback:staged").code
        < 0
    )
    scene.rollback("--discard-changes")
    score.compare(scene.live(), untouched)
    scene.rollback("--undo")
    score.compare(scene.live(), written)
