"""A clock that is set back, or wrong, or of another zone: no mapped value depends on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("clock set back or forward")
YEAR = 365 * 24 * 3600


@pytest.fixture(scope="session")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables under which a process sees a clock moved by SHIFT_SECONDS."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler here to move the clock with")
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def test_the_clock_is_moved(shifted: dict[str, str], score: Score) -> None:
    words = [sys.executable, "-c", "import datetime; print(datetime.datetime.now().year)"]
    done = subprocess.run(
        words, env={**shifted, "SHIFT_SECONDS": str(-20 * YEAR)}, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 2020
    score.tried()


@pytest.mark.parametrize(
    ("point", "years", "zone"),
    [
        pytest.param("messages:copied", -12, "Pacific/Kiritimati", marks=pytest.mark.slow),
        pytest.param("snapshot:page#5", -3, "America/St_Johns", marks=pytest.mark.slow),
        pytest.param("cleanup:end", 9, "Asia/Kathmandu", marks=pytest.mark.slow),
        pytest.param("publish:begin", -12, "America/New_York", marks=pytest.mark.slow),
    ],
)
def test_set_back_in_the_middle_of_a_run_nothing_changes(
    scene: Scene, shifted: dict[str, str], undisturbed: Held, score: Score, point: str, years: int, zone: str
) -> None:
    assert scene.kill_at(point)
    score.tried()
    scene.run(TZ=zone, SHIFT_SECONDS=str(years * YEAR), **shifted)
    score.compare(scene.held(), undisturbed)
