"""Output that is lost ends a command with a sentence, or is no error; progress that is lost stops nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from tests.tools.commands import ROOT, environment

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")


def put(out: IO[bytes] | int, err: IO[bytes] | int = subprocess.PIPE, **extra: str) -> tuple[int, str]:
    """Print the reference of the configuration there; return the exit code and what was said of it."""
    done = subprocess.run(
        [sys.executable, "-m", "migrate", "config", "--reference"],
        cwd=ROOT, env=environment(**extra), stdout=out, stderr=err, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, (done.stderr or b"").decode()


@needs_full
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_device_is_named(unbuffered: str) -> None:
    with FULL.open("wb") as full:
        code, said = put(full, PYTHONUNBUFFERED=unbuffered)
    assert (code, said) == (1, "error: the output cannot be written: No space left on device\n")


def test_a_reader_that_has_ended_is_no_error_to_talk_about() -> None:
    reader = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE)
    assert reader.stdin is not None
    reader.wait(60)
    assert put(reader.stdin) == (1, "")
    reader.stdin.close()


@needs_full
def test_progress_that_is_lost_stops_nothing() -> None:
    with FULL.open("wb") as full:
        code, _ = put(subprocess.PIPE, full)
        assert code == 0
        assert put(full, full)[0] == 1
