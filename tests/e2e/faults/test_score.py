"""The table of faults: printed once, and without full marks if a test failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.commands import ROOT, environment

_CONFTEST = """
from tests.e2e.faults.conftest import pytest_configure, pytest_runtest_makereport, score
from tests.e2e.faults.score import pytest_terminal_summary
"""
_TESTS = """
import pytest

@pytest.mark.fault("lived through")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_good(score, n):
    score.tried()
    score.compare(n, n)

@pytest.mark.fault("lost a row")
@pytest.mark.parametrize("n", [1, 2])
def test_bad(score, n):
    score.tried()
    score.compare(n, 1)

@pytest.mark.fault("not reached")
@pytest.mark.parametrize("reached", [True, False])
def test_not_reached(score, reached):
    score.tried(reached)

@pytest.mark.fault("not made")
def test_not_made(score):
    pass

@pytest.fixture
def broken(score):
    raise OSError("no server")

@pytest.mark.fault("never begun")
def test_never_begun(score, broken):
    score.tried()
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_fault_that_was_not_survived_has_no_full_marks(tmp_path: Path, workers: str) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_faults.py").write_text(_TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", workers, "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=tmp_path, env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "fault tries survived content identical" in lines
    assert "lived through 3 3 3/3" in lines
    assert "lost a row 2 1 1/2" in lines
    assert "not reached 2 1 -" in lines
    assert "not made 1 0 -" in lines
    assert "never begun 1 0 -" in lines
