"""Peaks of memory are measured anew for each stage, and the allocators keep little memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")


_PEAK = """
from migrate.runtime.system import forget_peak, peak_megabytes
forget_peak()
before = peak_megabytes()
big = bytearray(b"x" * (64 << 20))
held = peak_megabytes()
del big
forget_peak()
print(held - before, peak_megabytes() - before)
"""


def test_a_peak_that_is_over_is_forgotten() -> None:
    # A process of its own: one that was larger before has memory to spare.
    done = subprocess.run([sys.executable, "-c", _PEAK], capture_output=True, text=True, check=True)
    grown, left = map(int, done.stdout.split())
    assert grown >= 60
    assert left < 40


_ASK = """
import os
from migrate.runtime.memory import configure_allocators
configure_allocators()
print(os.environ["POLARS_MAX_THREADS"])
"""


@pytest.mark.parametrize(("given", "expected"), [({}, "2"), ({"POLARS_MAX_THREADS": "7"}, "7")])
def test_what_the_operator_has_set_stays(given: dict[str, str], expected: str) -> None:
    others = {name: value for name, value in os.environ.items() if name != "POLARS_MAX_THREADS"}
    command = [sys.executable, "-c", _ASK]
    done = subprocess.run(command, env=others | given, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
