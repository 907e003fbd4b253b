"""Ctrl-C, SIGTERM and a closed terminal: the first stops after the current batch, a second Ctrl-C at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, Final

from adbc_driver_manager import dbapi

from migrate.runtime.json_lines import line, wants_json_lines
from migrate.runtime.system import HANG_UP

_NOTICE: Final = "Finishing the current batch. Press Ctrl-C again to stop immediately."


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield the event that the first SIGINT, SIGTERM or SIGHUP sets; the next raises KeyboardInterrupt.

    Shell and kernel both send SIGHUP if a terminal is closed, so a second one is none; if it is ignored
    (`nohup`), it stays so.
    """
    stopping = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            if number == HANG_UP:
                return
            raise KeyboardInterrupt
        stopping.set()
        with contextlib.suppress(OSError):  # no terminal any more
            os.write(2, line("note", text=_NOTICE) if wants_json_lines() else f"\n{_NOTICE}\n".encode())

    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    _keep_from_driver()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if HANG_UP is not None and signal.getsignal(HANG_UP) is not signal.SIG_IGN:
        numbers.append(HANG_UP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield stopping
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _keep_from_driver() -> None:
    """Keep the ADBC driver from replacing the handler of SIGINT.

    The driver installs its own handler around every statement, to cancel the statement. Its SQLite part
    cannot cancel: a Ctrl-C at that time would end the run with an error (NOT_IMPLEMENTED) instead of stopping
    it after the batch.
    """
    if hasattr(dbapi, "_blocking_call"):
        vars(dbapi)["_blocking_call"] = _undisturbed


def _undisturbed(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], _cancel: object
) -> Any:
    return function(*args, **kwargs)
