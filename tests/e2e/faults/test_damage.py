"""Files of the work folder that are damaged after they were recorded."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("damaged state file, snapshot or dump")


def flip(path: Path, seed: int) -> bytes:
    """Flip one bit of a file, and return what it was."""
    before = path.read_bytes()
    after = bytearray(before)
    place = random.Random(seed).randrange(len(after))
    after[place] ^= 1 << random.Random(seed).randrange(8)
    overwrite(path, bytes(after))
    return before


def cut(path: Path, seed: int) -> bytes:
    """Cut a file short, and return what it was."""
    before = path.read_bytes()
    overwrite(path, before[: random.Random(seed).randrange(len(before))])
    return before


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


def dump_of(work: Path) -> Path:
    return next(work.glob("backups/*/target.dump"))


@pytest.mark.parametrize(
    "name",
    [
        "snapshot.db",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("dump", "manifest", "state.json")),
    ],
)
@pytest.mark.parametrize("damage", [flip, pytest.param(cut, marks=pytest.mark.slow)])
def test_a_damaged_file_stops_the_run_and_the_file_put_back_lets_it_finish(
    scene: Scene, undisturbed: Held, untouched: dict[str, str], score: Score, name: str, damage: object
) -> None:
    assert scene.kill_at("publish:begin")
    path = scene.work / name
    if name in ("dump", "manifest"):
        path = dump_of(scene.work) if name == "dump" else dump_of(scene.work).with_name("manifest.json")
    for seed in (1, 2) if name == "state.json" else (1,):
        before = damage(path, seed)  # type: ignore[operator]
        done = scene.run(code=1)
        assert path.name in done.err
        assert "next:" in done.err
        assert "Traceback" not in done.err
        overwrite(path, before)
        score.tried()
        score.compare(scene.live(), untouched)
    scene.run()
    score.compare(scene.held(), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["state.json", "snapshot.db"])
def test_a_damaged_file_that_no_copy_is_left_of_is_begun_anew(
    scene: Scene, undisturbed: Held, score: Score, name: str
) -> None:
    assert scene.kill_at("verify:begin")
    flip(scene.work / name, 3)
    assert "--fresh" in scene.run(code=1).err
    scene.do("run", "--yes", "--fresh")
    score.tried()
    score.compare(scene.live(), {k: undisturbed[k] for k in scene.live()})


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip, cut])
def test_a_rollback_refuses_a_damaged_backup(
    scene: Scene, untouched: dict[str, str], score: Score, damage: object
) -> None:
    scene.run()
    published = scene.live()
    before = damage(dump_of(scene.work), 4)  # type: ignore[operator]
    done = scene.rollback(code=1)
    assert "target.dump" in done.err
    score.tried()
    score.compare(scene.live(), published)
    overwrite(dump_of(scene.work), before)
    scene.rollback()
    score.compare(scene.live(), untouched)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "point"), [("snapshot.partial.db", "snapshot:page#20"), ("crosswalk.db", "messages:batch")]
)
@pytest.mark.parametrize("damage", [cut, "zero"])
def test_a_damaged_half_made_file_never_becomes_content(
    scene: Scene,
    undisturbed: Held,
    untouched: dict[str, str],
    score: Score,
    name: str,
    point: str,
    damage: object,
) -> None:
    assert scene.kill_at(point)
    path = scene.work / name
    if callable(damage):
        damage(path, 5)
    else:
        size = path.stat().st_size
        overwrite(path, b"\0" * size)
    done = scene.run(code=None)
    assert "Traceback" not in done.err, done.err
    score.tried()
    if done.code != 0:
        assert done.code == 1
        assert "next:" in done.err
        score.compare(scene.live(), untouched)
        scene.do("run", "--yes", "--fresh")
        score.compare(scene.live(), {k: undisturbed[k] for k in scene.live()})
    else:
        score.compare(scene.held(), undisturbed)


@pytest.mark.slow
def test_a_state_file_of_another_run_is_not_taken_for_this_one(
    scene: Scene, untouched: dict[str, str], score: Score
) -> None:
    assert scene.kill_at("messages:batch")
    path = scene.work / "state.json"
    document = json.loads(path.read_text())
    assert document["run_id"]
    path.unlink()
    done = scene.run(code=1)
    assert "state file is missing" in done.err
    score.tried()
    score.compare(scene.live(), untouched)
