"""The progress of a run for a person: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from migrate.runtime import announce
from migrate.runtime.next_command import complete
from migrate.runtime.redaction import terminal_safe

_PLAIN_FIRST_SECONDS = 2.0
_PLAIN_EVERY_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_PLAIN_WIDTH = 160


def make_console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal; without a terminal, wide enough for any table."""
    console = Console(highlight=False, stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PLAIN_WIDTH
    return console


def make_silent_console() -> Console:
    """Return a console that prints nothing."""
    return Console(quiet=True, force_terminal=False)


class ConsoleReporter:
    """Reports to standard error. A context manager: it shows what is being done until it is closed.

    On a terminal a line is always there, with a bar, rows and time. Elsewhere nothing is silent for long:
    after two seconds, and then every five, a line names the stage and what it does.
    """

    def __init__(self, console: Console | None = None, *, verbose: bool = False) -> None:
        self.console = console or make_console(stderr=True)
        self._verbose = verbose
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._stage = self._what = ""
        self._rows = 0
        self._total: int | None = None
        self._began = time.monotonic()
        self._due = self._began + _PLAIN_FIRST_SECONDS
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description:<12}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[says]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(compact=True),
                console=self.console,
                transient=True,
            )
            self._progress.start()
        else:
            threading.Thread(target=self._speak, daemon=True).start()
        announce.listen(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        announce.leave(self)
        self._closed.set()
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def begin(self, stage: str, total: int | None = None) -> None:
        """Show the bar of a stage."""
        self._stage, self._what, self._rows, self._total = stage, "", 0, total
        self._began = time.monotonic()
        self._due = self._began + _PLAIN_FIRST_SECONDS
        self._show_bar()

    def advance(self, rows: int) -> None:
        """Move the bar."""
        self._rows += rows
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=rows, says=self._says())

    def doing(self, what: str) -> None:
        """Show what the stage does now."""
        self._what = what
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, says=self._says())
        else:
            self._show_bar()

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Remove the bar and print what the stage did."""
        if self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._stage = self._what = ""
        self._due = time.monotonic() + _PLAIN_FIRST_SECONDS
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

    def _show_bar(self) -> None:
        if self._progress is None:
            return
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(
            escape(terminal_safe(self._stage)), total=self._total, says=self._says()
        )

    def _says(self) -> str:
        parts = [escape(terminal_safe(self._what))] if self._what else []
        if self._rows:
            rate = self._rows / max(time.monotonic() - self._began, 1e-3)
            of = f" of {self._total:,}" if self._total else ""
            parts.append(f"{self._rows:,}{of} rows, {rate:,.0f}/s")
        return ", ".join(parts)

    def _speak(self) -> None:
        """Print a line whenever one is due, until the reporter is closed."""
        while not self._closed.wait(_LOOK_SECONDS):
            now = time.monotonic()
            if now >= self._due and (self._stage or self._what):
                self._due = now + _PLAIN_EVERY_SECONDS
                says = self._says() or "working"
                self.console.print(
                    f"{self._stage:<12} {says}, {now - self._began:.0f} s".lstrip(), soft_wrap=True
                )
