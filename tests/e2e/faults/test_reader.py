"""A reader that polls the live tables during the whole run: all old or all new, and for how long it waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.faults.harness import Held, Scene
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("reader during the whole run")

#: In one statement, and therefore of one moment: every row of several tables, and how they hang together.
LOOK = """
SELECT (SELECT md5(string_agg(u::text, '|' ORDER BY id)) FROM users u),
       (SELECT md5(string_agg(m::text, '|' ORDER BY id)) FROM messages m),
       (SELECT count(*) FROM sessions),
       (SELECT count(*) FROM messages m WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = m.sender_id))
"""
#: The same, a statement a table, in one transaction with one view of the database.
LOOKS = (
    "SELECT md5(string_agg(u::text, '|' ORDER BY id)) FROM users u",
    "SELECT md5(string_agg(m::text, '|' ORDER BY id)) FROM messages m",
    "SELECT count(*) FROM sessions",
)


class Reader:
    """Polls in a thread, and keeps what it saw and how long it waited."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self.seen: list[tuple[object, ...]] = []
        self.longest = 0.0

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _poll(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            while not self._stop.is_set():
                began = time.monotonic()
                row = connection.execute(LOOK.encode()).fetchone()
                assert row is not None
                assert row[3] == 0
                self._saw(row[:3], began)
                began = time.monotonic()
                with connection.transaction():
                    parts = [connection.execute(query.encode()).fetchone() for query in LOOKS]
                self._saw(tuple(part[0] for part in parts if part), began)
                time.sleep(0.002)

    def _saw(self, what: tuple[object, ...], began: float) -> None:
        self.longest = max(self.longest, time.monotonic() - began)
        if not self.seen or self.seen[-1] != what:
            self.seen.append(what)


@pytest.fixture
def reader(scene: Scene) -> Iterator[Reader]:
    with Reader(scene.behind) as polling:
        yield polling


def test_a_reader_sees_all_old_then_all_new_and_waits_for_moments_only(
    scene: Scene, reader: Reader, undisturbed: Held, score: Score
) -> None:
    scene.kill_at("publish:uncommitted")
    assert "tables swapped; reads blocked" in scene.run().out
    time.sleep(0.1)
    score.tried()
    assert len(reader.seen) == 2, f"{len(reader.seen)} contents were seen, not the old and the new"
    score.note(f"longest wait {reader.longest:.2f} s")
    assert reader.longest < 30
    score.compare(scene.held(), undisturbed)


@pytest.mark.slow
def test_a_reader_sees_a_rollback_whole_too(scene: Scene, reader: Reader, score: Score) -> None:
    scene.run()
    scene.kill_at("rollback:uncommitted", "rollback")
    scene.rollback()
    time.sleep(0.1)
    score.tried()
    assert len(reader.seen) == 3
    score.note(f"longest wait {reader.longest:.2f} s")
    score.compare(reader.seen[0], reader.seen[2])
