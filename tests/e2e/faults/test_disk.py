"""A disk that is full, and a folder that cannot be written to."""

from __future__ import annotations

import contextlib
import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("full disk, read-only folder")
MEGABYTES = 24


def mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mount is not permitted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder))
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk to its last byte, and return the file to remove."""
    path = folder / "filler"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(b"\0" * 65536)
            except OSError as error:
                assert error.errno == errno.ENOSPC
                while True:
                    file.write(b"\0")
    return path


@pytest.mark.parametrize(
    "point",
    ["snapshot:page#5",
     *(pytest.param(point, marks=pytest.mark.slow)
       for point in ("backup:begin", "open:taken", "snapshot:compared", "snapshot:stripped", "backup:drilled",
                     "cleanup:committed", "users:begin", "verify:begin", "publish:begin",
                     "publish:uncommitted", "publish:recorded"))],
)  # fmt: skip
def test_a_full_disk_stops_the_run_and_room_lets_it_finish(
    scene: Scene, disk: Path, undisturbed: Held, untouched: dict[str, str], score: Score, point: str
) -> None:
    mine = scene.but(work=disk / "work")
    with mine.frozen_at(point) as run:
        filler = fill(disk)
        done = run.go_on()
    assert done.code in (1, 3), f"{done.code}: {done.err}"
    assert "Traceback" not in done.err
    assert "room" in done.err or "space" in done.err, done.err
    assert "next:" in done.err
    filler.unlink()
    score.tried()
    if not point.startswith("publish:"):  # then the rows are live, whatever the disk says
        score.compare(mine.live(), untouched)
    mine.run()
    score.compare(mine.held(), undisturbed)


@pytest.mark.parametrize(
    "command",
    ["run", *(pytest.param(name, marks=pytest.mark.slow) for name in ("verify", "rollback", "status"))],
)
def test_a_read_only_folder_is_said_to_be_one(
    scene: Scene, disk: Path, untouched: dict[str, str], score: Score, command: str
) -> None:
    mine = scene.but(work=disk / "work")
    assert mine.kill_at("messages:copied")
    mount("-o", "remount,ro", str(disk))
    done = mine.do(command, *(["--yes"] if command in ("run", "rollback") else []), code=None)
    assert done.code in ((0,) if command == "status" else (1, 2)), f"{done.code}: {done.err}"
    assert "Traceback" not in done.err
    assert command == "status" or str(disk) in done.err
    score.tried()
    score.compare(mine.live(), untouched)
    mount("-o", "remount,rw", str(disk))
    mine.run()
