"""The interface for reporting progress to the person or program that started the command."""

from __future__ import annotations

from typing import Protocol


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
