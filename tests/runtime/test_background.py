"""Work begun before its turn: taken once, done again where it failed, hurried where nobody wants it."""

from __future__ import annotations

import threading

import pytest

from migrate.runtime.background import BackgroundTasks


def test_what_was_begun_is_done_once_and_in_another_thread() -> None:
    background = BackgroundTasks()
    done: list[int] = []

    def work() -> int:
        done.append(threading.get_ident())
        return len(done)

    background.start("piece", work)
    background.start("piece", work)
    assert background.result("piece", work) == 1
    assert done[0] != threading.get_ident()
    background.start("piece", work)  # it had its turn
    background.close()
    assert len(done) == 1


def test_what_was_not_begun_is_done_where_it_is_wanted() -> None:
    assert BackgroundTasks().take("piece", threading.get_ident) == threading.get_ident()


def test_what_failed_beside_is_tried_again_and_its_error_raised() -> None:
    background = BackgroundTasks()
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise OSError("no room")

    background.start("piece", work)
    with pytest.raises(OSError, match="no room"):
        background.result("piece", work)
    assert len(tries) == 2


def test_what_nobody_takes_is_hurried_and_its_result_handed_over() -> None:
    background = BackgroundTasks()
    go, spared, hurried = threading.Event(), list[str](), list[int]()

    def hurry() -> None:
        hurried.append(1)
        if len(hurried) == 2:  # the first one comes between two steps
            go.set()

    background.start("piece", lambda: (go.wait() and "result") or "", cancel=hurry, dispose=spared.append)
    background.start("other", lambda: 1 / 0)
    background.close()
    assert (spared, len(hurried)) == (["result"], 2)
    background.close()
