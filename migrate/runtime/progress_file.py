"""The progress of the current stage in a file, so that another terminal can show it.

The file is next to the state file and is written at most once a second, without waiting for the disk. It has
no value after the process has ended, and no run depends on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any, Final

from migrate.runtime import files, system
from migrate.runtime.clock import now
from migrate.runtime.lockfile import NAME as LOCK
from migrate.runtime.progress import Reporter

NAME: Final = "progress.json"
_EVERY_SECONDS: Final = 1.0


class WatchedReporter:
    """A reporter that also writes to the file, and passes everything on to another reporter."""

    def __init__(self, inner: Reporter, work: Path) -> None:
        self._inner = inner
        self._path = work / NAME
        self._stage = ""
        self._rows = 0
        self._total: int | None = None
        self._began = self._written_at = time.monotonic()

    def begin(self, stage: str, total: int | None = None) -> None:
        """Report that a stage begins, with `total` rows if known."""
        self._stage, self._rows, self._total = stage, 0, total
        self._began = time.monotonic()
        self._write()
        self._inner.begin(stage, total)

    def advance(self, rows: int) -> None:
        """Report that this many more rows are done."""
        self._rows += rows
        if time.monotonic() - self._written_at >= _EVERY_SECONDS:
            self._write()
        self._inner.advance(rows)

    def doing(self, what: str) -> None:
        """Report what the stage does now."""
        self._inner.doing(what)

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Report that a stage is done, in one line."""
        self._path.unlink(missing_ok=True)
        self._inner.end(stage, seconds, what)

    def note(self, text: str) -> None:
        """Report something that is worth a line."""
        self._inner.note(text)

    def detail(self, text: str) -> None:
        """Report a detail, for a reader who asked for details."""
        self._inner.detail(text)

    def _write(self) -> None:
        self._written_at = time.monotonic()
        facts = {
            "stage": self._stage,
            "rows": self._rows,
            "total": self._total,
            "rows_per_second": round(self._rows / max(self._written_at - self._began, 1e-3)),
            "at": now(),
        }
        part = self._path.with_suffix(".part")
        with contextlib.suppress(OSError):  # a full disk is reported by the code that needs the space
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, files.FILE_MODE)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(facts, file)
            part.replace(self._path)


def read_progress(work: Path) -> dict[str, Any] | None:
    """Return the last progress that the process holding the folder wrote, None if there is none."""
    try:
        return dict(json.loads((work / NAME).read_bytes()))
    except (OSError, ValueError):
        return None


def folder_holder(work: Path) -> str | None:
    """Return the holder of the work folder (process, host, since when), None if it is free."""
    try:
        with (work / LOCK).open(encoding="utf-8") as file:
            try:
                system.lock(file, shared=True)
            except BlockingIOError:
                return file.read().strip() or "another process"
    except OSError:
        pass
    return None
