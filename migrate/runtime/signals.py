"""Ctrl-C and SIGTERM: the first stops after the current batch, the second at once."""

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

_NOTICE: Final = "Finishing the current batch. Press Ctrl-C again to stop immediately."


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield the event that the first SIGINT or SIGTERM sets; the second one raises KeyboardInterrupt."""
    stopping = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        os.write(2, line("note", text=_NOTICE) if wants_json_lines() else f"\n{_NOTICE}\n".encode())

    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    _keep_from_driver()
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
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
