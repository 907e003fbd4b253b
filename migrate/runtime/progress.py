"""How progress is reported to whoever started the command."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Where a stage says how far it is."""

    def begin(self, stage: str, total: int | None = None) -> None:
        """Say that a stage begins, of `total` rows where known."""
        ...

    def advance(self, rows: int) -> None:
        """Say that so many more rows are done."""
        ...

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Say that a stage is done, in one line."""
        ...

    def note(self, text: str) -> None:
        """Say something that is worth a line."""
        ...

    def detail(self, text: str) -> None:
        """Say something that only who asked for more wants to read."""
        ...
