"""The progress of a run as JSON lines on standard error, for a program that collects them."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from migrate.runtime import announce
from migrate.runtime.next_command import complete

#: The variable that asks for lines, also set by the option `--log-format`.
VARIABLE: Final = "MIGRATE_LOG_FORMAT"
VERSION: Final = 1
_EVERY_SECONDS: Final = 5.0


def wants_json_lines() -> bool:
    """Return whether progress and errors are written as JSON lines."""
    return os.environ.get(VARIABLE) == "json"


def line(event: str, **facts: Any) -> bytes:
    """Return one line: `version`, `at` (UTC), `event` and the fields, without control characters in texts."""
    from migrate.runtime.console import terminal_safe
    from migrate.runtime.redaction import redact_value

    shown = {
        key: terminal_safe(value) if isinstance(value, str) else value
        for key, value in ((key, redact_value(value)) for key, value in facts.items())
    }
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"version": VERSION, "at": at, "event": event, **shown}).encode() + b"\n"


def write_line(event: str, **facts: Any) -> None:
    """Write one line to standard error."""
    sys.stderr.write(line(event, **facts).decode())
    sys.stderr.flush()


def write_note(text: str) -> None:
    """Write a note to standard error, as a line or as text."""
    from migrate.runtime.console import terminal_safe
    from migrate.runtime.redaction import redact

    text = complete(text)
    if wants_json_lines():
        write_line("note", text=text)
    else:
        sys.stderr.write(f"note: {terminal_safe(redact(text))}\n")
        sys.stderr.flush()


class LineReporter:
    """Reports as lines: `begin`, `doing`, `progress` every few seconds, `end`, `note` and `detail`."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._stage = ""
        self._rows = 0
        self._total: int | None = None
        self._reported_at = time.monotonic()

    def __enter__(self) -> Self:
        announce.listen(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        announce.leave(self)

    def begin(self, stage: str, total: int | None = None) -> None:
        """Report that a stage begins, with `total` rows if known."""
        self._stage, self._rows, self._total = stage, 0, total
        self._reported_at = time.monotonic()
        write_line("begin", stage=stage, total=total)

    def advance(self, rows: int) -> None:
        """Report every few seconds how many rows are done."""
        self._rows += rows
        if time.monotonic() - self._reported_at >= _EVERY_SECONDS:
            self._reported_at = time.monotonic()
            write_line("progress", stage=self._stage, rows=self._rows, total=self._total)

    def doing(self, what: str) -> None:
        """Report what the stage does now."""
        write_line("doing", stage=self._stage, what=what)

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Report that a stage is done."""
        write_line("end", stage=stage, seconds=round(seconds, 3), what=what)

    def note(self, text: str) -> None:
        """Report something that is worth a line."""
        write_line("note", text=complete(text))

    def detail(self, text: str) -> None:
        """Report a detail, for a reader who asked for details."""
        if self._verbose:
            write_line("detail", text=text)
