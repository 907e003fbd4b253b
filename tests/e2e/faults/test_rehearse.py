"""The operator's own proof: `migrate rehearse` dies at every point and ends as if nothing had happened."""

from __future__ import annotations

import json

import pytest

from tests.e2e.faults.harness import Scene
from tests.e2e.faults.score import Score
from tests.e2e.faults.test_killed import POINTS

pytestmark = [pytest.mark.fault("migrate rehearse"), pytest.mark.slow, pytest.mark.timeout(1800)]


def test_killed_at_every_point_it_leaves_the_same_content_and_a_receipt(
    scene: Scene, untouched: dict[str, str], score: Score
) -> None:
    scene.extra["MIGRATE__IDS__SECRET"] = ""  # a secret that is made up must be the same in both
    process = scene.start("rehearse", "--json")
    out, err = process.communicate(timeout=1700)
    assert process.returncode == 0, err
    shown = json.loads(out)
    kept = json.loads((scene.work / "rehearsal.json").read_text())
    assert shown == kept
    assert kept["identical"]
    assert {name for name in kept["killed"] if not name.startswith("postgres.json")} <= set(POINTS)
    assert len(kept["killed"]) > 60
    for _ in kept["killed"]:
        score.tried()
    score.compare(kept["undisturbed"], kept["disturbed"])
    score.compare(scene.live(), untouched)
    assert scene.ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'migrate%'") == []


def test_a_rehearsal_that_fails_says_why(scene: Scene, score: Score) -> None:
    scene.extra.update({f"MIGRATE__VERIFICATION__MAX_REJECT_{limit}": "0" for limit in ("SHARE", "ROWS")})
    done = scene.do("rehearse", code=1)
    assert "checks failed" in done.err
    assert "Traceback" not in done.err
    score.tried()
