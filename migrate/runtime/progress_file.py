"""How far the stage at work is, for who watches from another terminal.

A file beside the state file, written at most once a second and never waited
for: it is worth nothing after the process, and no run rests on it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, Final

from migrate.runtime import files
from migrate.runtime.clock import now
from migrate.runtime.lockfile import NAME as LOCK
from migrate.runtime.progress import Reporter

NAME: Final = "progress.json"
_EVERY_SECONDS: Final = 1.0


class WatchedReporter:
    """A reporter that also tells the file; everything else goes to the one it stands before."""

    def __init__(self, inner: Reporter, work: Path) -> None:
        self._inner = inner
        self._path = work / NAME
        self._stage = ""
        self._rows = 0
        self._total: int | None = None
        self._began = self._told = time.monotonic()

    def begin(self, stage: str, total: int | None = None) -> None:
        """Say that a stage begins, of `total` rows where known."""
        self._stage, self._rows, self._total = stage, 0, total
        self._began = time.monotonic()
        self._tell()
        self._inner.begin(stage, total)

    def advance(self, rows: int) -> None:
        """Say that so many more rows are done."""
        self._rows += rows
        if time.monotonic() - self._told >= _EVERY_SECONDS:
            self._tell()
        self._inner.advance(rows)

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Say that a stage is done, in one line."""
        self._path.unlink(missing_ok=True)
        self._inner.end(stage, seconds, what)

    def note(self, text: str) -> None:
        """Say something that is worth a line."""
        self._inner.note(text)

    def detail(self, text: str) -> None:
        """Say something that only who asked for more wants to read."""
        self._inner.detail(text)

    def _tell(self) -> None:
        self._told = time.monotonic()
        facts = {
            "stage": self._stage,
            "rows": self._rows,
            "total": self._total,
            "rows_per_second": round(self._rows / max(self._told - self._began, 1e-3)),
            "at": now(),
        }
        part = self._path.with_suffix(".part")
        with contextlib.suppress(OSError):  # a full disk is told by who needs the room
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, files.FILE_MODE)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(facts, file)
            part.replace(self._path)


def read_progress(work: Path) -> dict[str, Any] | None:
    """Return what the process that holds the folder said last, None where it said nothing."""
    try:
        return dict(json.loads((work / NAME).read_bytes()))
    except (OSError, ValueError):
        return None


def at_work(work: Path) -> str | None:
    """Return who holds the work folder (process, host, since when), None where nobody does."""
    try:
        with (work / LOCK).open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "another process"
    except OSError:
        pass
    return None
