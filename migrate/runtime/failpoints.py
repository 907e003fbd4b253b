"""Named points between two durable writes, at which a test can kill or freeze a run.

A killed run must finish when the same command is typed again. To prove it, `MIGRATE_KILL_AT=NAME` or `NAME#3`
makes the process kill itself (SIGKILL) when it reaches the point for the first or the third time.
`MIGRATE_FREEZE_AT` makes it stop (SIGSTOP) there, until the process that watches it continues it.
`MIGRATE_TRACE_TO=FILE` writes the name of every point that is reached to a file. Without these variables a
point costs three dictionary look-ups.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Final

from migrate.runtime import system

VARIABLE: Final = "MIGRATE_KILL_AT"
FREEZE: Final = "MIGRATE_FREEZE_AT"
TRACE: Final = "MIGRATE_TRACE_TO"
_SIGNALS: Final = {VARIABLE: system.KILL, FREEZE: system.FREEZE}
_reached: Counter[str] = Counter()


def hit(name: str) -> None:
    """Report that the process is at the point `name`; it dies or stops here if the environment says so."""
    wanted = {variable: os.environ[variable] for variable in _SIGNALS if os.environ.get(variable)}
    trace = os.environ.get(TRACE)
    if trace:
        with Path(trace).open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
    if not wanted:
        return
    _reached[name] += 1
    for variable, point in wanted.items():
        place, _, time = point.partition("#")
        if place == name and _reached[name] == int(time or 1):
            os.kill(os.getpid(), _SIGNALS[variable])
