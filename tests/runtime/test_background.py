"""Work begun before its turn: taken once, done again where it failed, hurried where nobody wants it."""

from __future__ import annotations

import threading

import pytest

from migrate.runtime.background import Beside


def test_what_was_begun_is_done_once_and_in_another_thread() -> None:
    beside = Beside()
    done: list[int] = []

    def work() -> int:
        done.append(threading.get_ident())
        return len(done)

    beside.begin("piece", work)
    beside.begin("piece", work)
    assert beside.take("piece", work) == 1
    assert done[0] != threading.get_ident()
    beside.begin("piece", work)  # it had its turn
    beside.close()
    assert len(done) == 1


def test_what_was_not_begun_is_done_where_it_is_wanted() -> None:
    assert Beside().take("piece", threading.get_ident) == threading.get_ident()


def test_what_failed_beside_is_tried_again_and_its_error_raised() -> None:
    beside = Beside()
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise OSError("no room")

    beside.begin("piece", work)
    with pytest.raises(OSError, match="no room"):
        beside.take("piece", work)
    assert len(tries) == 2


def test_what_nobody_takes_is_hurried_and_its_result_handed_over() -> None:
    beside = Beside()
    go, spared, hurried = threading.Event(), list[str](), list[int]()

    def hurry() -> None:
        hurried.append(1)
        if len(hurried) == 2:  # the first one comes between two steps
            go.set()

    beside.begin("piece", lambda: (go.wait() and "result") or "", hurry=hurry, spare=spared.append)
    beside.begin("other", lambda: 1 / 0)
    beside.close()
    assert (spared, len(hurried)) == (["result"], 2)
    beside.close()
