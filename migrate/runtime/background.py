"""Background tasks: work that starts before its turn, each task in its own thread.

A task must be safe to kill at any time: it leaves nothing half done that a killed process may not leave.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
#: Seconds between two interruptions of a task that is cancelled: between two statements one has no effect.
_AGAIN_S: Final = 0.5


class Cancellation:
    """Says to a task's thread that its result is not needed any more."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []

    def requested(self) -> bool:
        """Return whether the task should end early."""
        return self._requested.is_set()

    @contextlib.contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Have `interrupt` called by another thread if the task is cancelled inside the block."""
        with self._lock:
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)

    def request(self) -> None:
        """Ask the task to end, and interrupt what it waits for."""
        self._requested.set()
        with self._lock:
            for interrupt in self._interrupts:
                with contextlib.suppress(Exception):
                    interrupt()


#: What a task does in its thread.
Work = Callable[[Cancellation], Result]


@dataclass
class _Task:
    pool: ThreadPoolExecutor
    dispose: Callable[[Any], None]
    cancellation: Cancellation = field(default_factory=Cancellation)
    future: Future[Any] = field(default_factory=Future)


class BackgroundTasks:
    """The tasks that were started, by name, until their results are asked for."""

    def __init__(self) -> None:
        self._started: set[str] = set()
        self._tasks: dict[str, _Task] = {}

    def has_started(self, name: str) -> bool:
        """Return whether a task of that name was started, whatever happened to it."""
        return name in self._started

    def start(
        self, name: str, work: Work[Result], *, dispose: Callable[[Result], None] = lambda _result: None
    ) -> None:
        """Start `work`; `dispose` gets its result if it is not asked for.

        Work for a task that still runs starts after it, in the place of what
        waits there. A task whose result was asked for is not started again.
        """
        if name in self._started and name not in self._tasks:
            return
        if name not in self._tasks:
            self._started.add(name)
            self._tasks[name] = _Task(ThreadPoolExecutor(1, thread_name_prefix=name), dispose)
        task = self._tasks[name]
        task.future.cancel()  # work that has started goes on
        task.future = task.pool.submit(_run, work, task.cancellation)

    def result(self, name: str, otherwise: Callable[[], Result]) -> Result:
        """Return what the task's last work returned; call `otherwise` if there is none, or if it failed."""
        task = self._tasks.get(name)
        if task is None:
            return otherwise()
        failed = task.future.exception() is not None  # if interrupted here, `close` cleans up
        self._tasks.pop(name, None)
        task.pool.shutdown()
        if failed:
            return otherwise()
        result: Result = task.future.result()
        return result

    def close(self) -> None:
        """Cancel the tasks whose results were not asked for, and wait for their ends; errors are ignored."""
        while self._tasks:
            _, task = self._tasks.popitem()
            with task.pool, contextlib.suppress(Exception):
                task.cancellation.request()
                while wait([task.future], _AGAIN_S).not_done:
                    task.cancellation.request()
                task.dispose(task.future.result())


def _run(work: Work[Result], cancellation: Cancellation) -> Result:
    if cancellation.requested():
        raise CancelledError
    return work(cancellation)
