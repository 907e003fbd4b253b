"""Background tasks: done once, done again if they failed, cancelled if their result is not asked for."""

from __future__ import annotations

import threading

import pytest

from migrate.runtime.background import BackgroundTasks, Cancellation


def test_a_task_runs_once_and_in_another_thread() -> None:
    background = BackgroundTasks()
    done: list[int] = []

    def work(_cancellation: Cancellation) -> int:
        done.append(threading.get_ident())
        return len(done)

    assert not background.has_started("task")
    background.start("task", work)
    assert background.has_started("task")
    assert background.result("task", lambda: 0) == 1
    assert done[0] != threading.get_ident()
    background.start("task", work)  # its result was asked for
    background.close()
    assert len(done) == 1


def test_a_task_that_was_not_started_is_done_by_its_user() -> None:
    assert BackgroundTasks().result("task", threading.get_ident) == threading.get_ident()


def test_a_task_that_failed_is_done_again_and_its_error_raised() -> None:
    background = BackgroundTasks()
    tries: list[int] = []

    def work(*_cancellation: Cancellation) -> None:
        tries.append(1)
        raise OSError("no room")

    background.start("task", work)
    with pytest.raises(OSError, match="no room"):
        background.result("task", work)
    assert len(tries) == 2


def test_more_work_of_a_task_runs_after_what_has_begun_and_instead_of_what_waits() -> None:
    background = BackgroundTasks()
    begun, go, done = threading.Event(), threading.Event(), list[str]()

    def first(_cancellation: Cancellation) -> str:
        begun.set()
        go.wait()
        done.append("first")
        return "first"

    background.start("task", first)
    begun.wait()
    for name in ("second", "third"):
        background.start("task", lambda _cancellation, name=name: done.append(name) or name)
    go.set()
    assert background.result("task", lambda: "") == "third"
    assert done == ["first", "third"]


def test_a_task_whose_result_is_not_asked_for_is_interrupted_and_its_result_disposed_of() -> None:
    background = BackgroundTasks()
    go, disposed, interrupted = threading.Event(), list[str](), list[int]()

    def interrupt() -> None:
        interrupted.append(1)
        if len(interrupted) == 2:  # the first one comes between two steps
            go.set()

    def work(cancellation: Cancellation) -> str:
        with cancellation.interrupting(interrupt):
            go.wait()
        return "result" if cancellation.requested() else ""

    background.start("task", work, dispose=disposed.append)
    background.start("other", lambda _cancellation: 1 / 0)
    background.close()
    assert (disposed, len(interrupted)) == (["result"], 2)
    background.close()


def test_work_that_waits_when_the_task_is_cancelled_never_begins() -> None:
    background = BackgroundTasks()
    begun, done = threading.Event(), list[str]()

    def first(cancellation: Cancellation) -> None:
        stop = threading.Event()
        with cancellation.interrupting(stop.set):
            begun.set()
            stop.wait()

    background.start("task", first)
    begun.wait()
    background.start("task", lambda _cancellation: done.append("second"))
    background.close()
    assert done == []
