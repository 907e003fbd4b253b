"""Background tasks: run once, run again if they failed, cancelled if their result is never taken."""

from __future__ import annotations

import threading

import pytest

from migrate.runtime.background import BackgroundTasks


def test_a_started_task_runs_once_and_in_another_thread() -> None:
    background = BackgroundTasks()
    done: list[int] = []

    def work() -> int:
        done.append(threading.get_ident())
        return len(done)

    background.start("task", work)
    background.start("task", work)
    assert background.result("task", work) == 1
    assert done[0] != threading.get_ident()
    background.start("task", work)  # its result was taken already
    background.close()
    assert len(done) == 1


def test_a_task_that_was_not_started_runs_in_the_calling_thread() -> None:
    assert BackgroundTasks().result("task", threading.get_ident) == threading.get_ident()


def test_a_failed_task_is_tried_again_and_its_error_raised() -> None:
    background = BackgroundTasks()
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise OSError("no room")

    background.start("task", work)
    with pytest.raises(OSError, match="no room"):
        background.result("task", work)
    assert len(tries) == 2


def test_a_result_that_is_never_taken_is_disposed_of() -> None:
    background = BackgroundTasks()
    go, disposed, cancels = threading.Event(), list[str](), list[int]()

    def cancel() -> None:
        cancels.append(1)
        if len(cancels) == 2:  # the first call comes between two steps
            go.set()

    background.start("task", lambda: (go.wait() and "result") or "", cancel=cancel, dispose=disposed.append)
    background.start("other", lambda: 1 / 0)
    background.close()
    assert (disposed, len(cancels)) == (["result"], 2)
    background.close()
