"""I1 with concurrent sessions: readers, lock holders, writers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest

from migrate.postgres.connection import Connection
from migrate.postgres.table_checksum import measure_all
from migrate.runtime.errors import LiveChanged, TargetUnavailable
from migrate.staging.ledger import Ledger
from tests.postgres.studio_target import MANAGED, RUN, Plan, counts


class Clock:
    """Progress with times: when each thing was first done; starts `begins` when the locks are asked for."""

    def __init__(self, begins: Sequence[threading.Thread] = ()) -> None:
        self._at: dict[str, float] = {}
        self._begins = begins
        self._locking = threading.Event()

    def __call__(self, doing: str, _what: str) -> None:
        self._at.setdefault(doing, time.monotonic())
        if doing == "lock" and not self._locking.is_set():
            for thread in self._begins:
                thread.start()
            self._locking.set()

    def since(self, doing: str) -> float:
        return time.monotonic() - self._at[doing]

    def wait_for(self, doing: str) -> None:
        assert doing == "lock"
        assert self._locking.wait(30)


@pytest.fixture
def reader(opened: Callable[[], Connection]) -> Iterator[list[tuple[int, int]]]:
    """Polls two tables in one statement, as an application would, and keeps what it saw."""
    conn, seen, stop = opened(), [], threading.Event()

    def poll() -> None:
        while not stop.is_set():
            seen.append(counts(conn))
            time.sleep(0.001)

    thread = threading.Thread(target=poll)
    thread.start()
    yield seen
    stop.set()
    thread.join(10)


def test_a_reader_sees_all_old_or_all_new(ready: Connection, go: Plan, reader: list[tuple[int, int]]) -> None:
    before = len(reader)
    go(before_commit=lambda _conn: time.sleep(0.2))
    deadline, after = time.monotonic() + 10, len(reader)
    while len(reader) < after + 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert before < after
    assert set(reader) == {(3, 3), (50, 50)}
    assert reader == sorted(reader)


def test_a_reader_whose_snapshot_is_older_still_sees_the_old_rows_where_they_are_moved(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    other = opened()
    ready.execute("CREATE VIEW people AS SELECT id FROM users")
    other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with other.transaction():
        other.execute("SELECT 1 FROM pg_class")  # takes the snapshot, locks none of our tables
        go()
        assert counts(other) == (3, 3)
    assert counts(other) == (50, 50)


def test_publish_waits_no_longer_than_lock_timeout_and_says_who_is_in_the_way(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    app, late = opened(), opened()
    app.execute("SET application_name = 'the shop'")
    waits: list[float] = []
    clock = Clock()

    def read() -> None:
        clock.wait_for("lock")
        time.sleep(0.3)  # publish is waiting by now: this queues behind it
        began = time.monotonic()
        late.execute("SELECT count(*) FROM messages")
        waits.append(time.monotonic() - began)

    with app.transaction():
        app.execute("SELECT count(*) FROM messages")
        thread = threading.Thread(target=read)
        thread.start()
        with pytest.raises(TargetUnavailable, match=r"within 500 ms in 1 attempts; held by .*the shop"):
            go(lock_timeout_ms=500, attempts=1, on_progress=clock)
        took = clock.since("lock")
        thread.join(10)
    assert took < 2
    assert waits[0] < 1.5
    assert counts(ready) == (3, 3)


def test_publish_tries_again_until_the_lock_is_free(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    app, tries = opened(), []
    app.execute("BEGIN")
    app.execute("SELECT count(*) FROM messages")

    def progress(doing: str, _what: str) -> None:
        if doing == "lock":
            tries.append(doing)
            if len(tries) == 3:
                app.execute("COMMIT")

    publication = go(lock_timeout_ms=100, on_progress=progress)
    assert publication.attempts == 3
    assert counts(ready) == (50, 50)


def test_many_tables_together_wait_no_longer_than_one(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    # lock_timeout alone would count anew for every table
    holders = []
    for table, hold in (("accounts", 0.35), ("messages", 0.7), ("users", 30.0)):
        app = opened()
        app.execute("BEGIN")
        app.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
        holders.append(threading.Timer(hold, app.execute, args=["COMMIT"]))
    clock = Clock(begins=holders)
    with pytest.raises(TargetUnavailable):
        go(lock_timeout_ms=500, attempts=1, on_progress=clock)
    assert clock.since("lock") < 1
    for release in holders:
        release.cancel()
        release.join(10)


def test_rows_committed_while_publish_waits_for_the_lock_are_seen(
    ready: Connection, go: Plan, opened: Callable[[], Connection], database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'".encode())
    app = opened()
    app.execute("BEGIN")
    app.execute(
        "INSERT INTO messages (id, sender_id, receiver_id, content) VALUES ('x', 'old1', 'old2', 'hi')"
    )
    commit = threading.Timer(0.3, app.execute, args=["COMMIT"])
    go.conn = opened()  # of a database whose default would not see it
    go.ledger = Ledger(go.conn)
    ready.execute("SELECT pg_advisory_unlock_all()")
    go.ledger.take(RUN, "again")
    expected = measure_all(go.conn, "public", MANAGED)
    commit.start()
    with pytest.raises(LiveChanged, match="messages"):
        go(expected=expected, attempts=1)
    commit.join(10)


@pytest.mark.parametrize("comparing", [0.0, 1.5])
def test_no_query_of_the_application_is_ended_as_a_deadlock(
    ready: Connection, go: Plan, opened: Callable[[], Connection], comparing: float
) -> None:
    app, waits = opened(), []

    def work() -> None:
        with app.transaction():
            app.execute("SELECT count(*) FROM users")  # locked after messages by publish
            began.wait(10)
            time.sleep(comparing / 2)
            # waits for publish, which will wait for the transaction's lock on users
            app.execute("UPDATE messages SET is_read = true WHERE id = 'nobody'")
        waits.append("done")

    def progress(doing: str, what: str) -> None:
        if doing == "compare with the backup" and what == "users":
            began.set()
            time.sleep(comparing)

    began = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    publication = go(lock_timeout_ms=60_000, on_progress=progress)
    thread.join(10)
    assert waits == ["done"]
    assert publication.attempts > 1
    assert counts(ready) == (50, 50)


def test_a_publish_that_somebody_cancels_is_not_tried_again(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    admin, tries = opened(), []
    ready.execute("CREATE VIEW people AS SELECT id FROM users")  # so the rows are moved

    def cancel(doing: str, what: str) -> None:
        tries.append(doing)
        if doing == "insert" and what == "messages":
            timer = threading.Timer(
                0.2, admin.execute, args=["SELECT pg_cancel_backend(%s)", (ready.info.backend_pid,)]
            )
            timer.start()
            ready.execute("SELECT pg_sleep(10)")

    with pytest.raises(TargetUnavailable, match="57014"):
        go(on_progress=cancel)
    assert tries.count("lock") == 1
    assert counts(ready) == (3, 3)
