"""Background tasks: work that starts early and runs in its own thread while the main thread goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
#: Seconds between two calls of `cancel`.
_CANCEL_EVERY_S: Final = 0.5


@dataclass(frozen=True)
class _Task:
    future: Future[Any]
    pool: ThreadPoolExecutor
    cancel: Callable[[], None]
    dispose: Callable[[Any], None]


class BackgroundTasks:
    """The background tasks of a run, by name.

    A task must be safe to kill at any time: it leaves nothing half done that a killed process may not leave.
    """

    def __init__(self) -> None:
        self._started: set[str] = set()
        self._tasks: dict[str, _Task] = {}

    def start(
        self,
        name: str,
        work: Callable[[], Result],
        *,
        cancel: Callable[[], None] = lambda: None,
        dispose: Callable[[Result], None] = lambda _result: None,
    ) -> None:
        """Start `work` in the background; a second call with the same name does nothing.

        If its result is never taken, `close` calls `cancel` to end it early and `dispose` with its result.
        """
        if name not in self._started:
            self._started.add(name)
            pool = ThreadPoolExecutor(1, thread_name_prefix=name)
            self._tasks[name] = _Task(pool.submit(work), pool, cancel, dispose)

    def result(self, name: str, work: Callable[[], Result]) -> Result:
        """Return the result of the task of that name; waits for it.

        If the task was never started or has failed, `work` is done here instead.
        """
        task = self._tasks.get(name)
        if task is None:
            return work()
        failed = task.future.exception() is not None  # if interrupted here, `close` cleans up
        del self._tasks[name]
        task.pool.shutdown()
        if failed:
            return work()
        result: Result = task.future.result()
        return result

    def close(self) -> None:
        """Cancel the tasks whose results were not taken and wait for them; their errors are ignored."""
        while self._tasks:
            _, task = self._tasks.popitem()
            with task.pool, contextlib.suppress(Exception):
                task.cancel()
                while wait(
                    [task.future], _CANCEL_EVERY_S
                ).not_done:  # a cancel between two statements has no effect, so try again
                    task.cancel()
                task.dispose(task.future.result())
