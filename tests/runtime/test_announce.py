"""Nothing is silent: what a command does is shown while it does it, in a terminal and in a pipe."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from migrate.runtime import announce, console
from migrate.runtime.console import ConsoleReporter
from migrate.source.server_errors import Transient, announce_retry


def waited(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("_PLAIN_FIRST_SECONDS", "_PLAIN_EVERY_SECONDS", "_LOOK_SECONDS"):
        monkeypatch.setattr(console, name, 0.02)
    file = io.StringIO()
    with ConsoleReporter(Console(file=file, width=100, force_terminal=terminal)) as reporter:
        announce.doing("connecting to the target")
        time.sleep(0.2)
        reporter.begin("backup")
        announce.doing("restoring the dump as a test")
        time.sleep(0.2)
        reporter.advance(12)
        time.sleep(0.2)
        reporter.end("backup", 0.4, "12 rows saved")
    return file.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_a_wait_is_named_while_it_lasts(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    said = waited(terminal, monkeypatch)
    for part in ("connecting to the target", "backup", "restoring the dump as a test", "12 rows, ", "done"):
        assert part in said
    announce.doing("nobody listens")


def test_a_retry_names_its_number_and_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    failed: Any = SimpleNamespace(exception=lambda: Transient("connection refused"))
    announce_retry("old.example", 8)(SimpleNamespace(outcome=failed, attempt_number=3, upcoming_sleep=1.44))  # type: ignore[arg-type]
    assert (
        capsys.readouterr().err
        == "note: old.example: try 3 of 8 failed: connection refused; next try in 1.4 s\n"
    )
