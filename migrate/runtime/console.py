"""The progress of a run for a person: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from migrate.runtime.next_command import complete

_PLAIN_EVERY_SECONDS = 5.0
_PLAIN_WIDTH = 160


def make_console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal; without a terminal, wide enough for any table."""
    console = Console(highlight=False, stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PLAIN_WIDTH
    return console


def terminal_safe(text: object) -> str:
    """Return the text with control characters replaced by `?`, so that it cannot control a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in str(text))


class ConsoleReporter:
    """Reports to standard error. A context manager, because the live bar must be removed at the end."""

    def __init__(self, console: Console | None = None, *, verbose: bool = False) -> None:
        self.console = console or make_console(stderr=True)
        self._verbose = verbose
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._stage = ""
        self._rows = 0
        self._total: int | None = None
        self._began = self._reported_at = time.monotonic()

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description:<12}"),
                BarColumn(bar_width=32),
                TextColumn("{task.completed:>12,.0f} rows"),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(compact=True),
                console=self.console,
                transient=True,
            )
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def begin(self, stage: str, total: int | None = None) -> None:
        """Show the bar of a stage."""
        self._stage, self._rows, self._total = stage, 0, total
        self._began = self._reported_at = time.monotonic()
        if self._progress is not None:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(stage, total=total, rate="")

    def advance(self, rows: int) -> None:
        """Move the bar; without a terminal, print a line every few seconds."""
        self._rows += rows
        now = time.monotonic()
        rate = f"{self._rows / max(now - self._began, 1e-3):>9,.0f}/s"
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=rows, rate=rate)
        elif now - self._reported_at >= _PLAIN_EVERY_SECONDS:
            self._reported_at = now
            of = f" of {self._total:,}" if self._total else ""
            self.console.print(f"{self._stage:<12} {self._rows:,}{of} rows, {rate.strip()}", soft_wrap=True)

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Remove the bar and print what the stage did."""
        if self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self.console.print(
            f"[green]done[/] {stage:<12} {seconds:>7.2f} s  {escape(terminal_safe(what))}", soft_wrap=True
        )

    def note(self, text: str) -> None:
        """Print one line."""
        self.console.print(escape(terminal_safe(complete(text))), soft_wrap=True)

    def detail(self, text: str) -> None:
        """Print one line if details were asked for."""
        if self._verbose:
            self.note(text)
