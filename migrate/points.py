"""Named points between two durable writes, at which a run can be made to die.

A run that is killed must be finished by the same command typed again. To
prove it, the variable `MIGRATE_KILL_AT=NAME` or `NAME#3` makes the process
kill itself (SIGKILL) when it reaches the point for the first or the third
time. Without the variable a point costs a dictionary look-up.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Final

VARIABLE: Final = "MIGRATE_KILL_AT"
_reached: Counter[str] = Counter()


def reach(name: str) -> None:
    """Say that the process is at the point `name`; it dies here where the environment says so."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    _reached[name] += 1
    place, _, time = wanted.partition("#")
    if place == name and _reached[name] == int(time or 1):
        os.kill(os.getpid(), signal.SIGKILL)
