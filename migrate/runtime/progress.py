"""Reports of progress to the person or program that started the command: the interface, and JSON lines."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Protocol, Self

from migrate.runtime import announce
from migrate.runtime.json_lines import write_line
from migrate.runtime.next_command import complete

_EVERY_SECONDS: Final = 5.0


class Reporter(Protocol):
    """Receives the progress of a stage."""

    def begin(self, stage: str, total: int | None = None) -> None:
        """Report that a stage begins, with `total` rows if known."""
        ...

    def advance(self, rows: int) -> None:
        """Report that this many more rows are done."""
        ...

    def doing(self, what: str) -> None:
        """Report what the stage does now, until it does something else."""
        ...

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Report that a stage is done, in one line."""
        ...

    def note(self, text: str) -> None:
        """Report something that is worth a line."""
        ...

    def detail(self, text: str) -> None:
        """Report a detail, for a reader who asked for details."""
        ...


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
