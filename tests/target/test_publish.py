from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from migrate.errors import LiveChanged, Occupied, TargetError, TargetUnavailable
from migrate.target import staging
from migrate.target.connection import Connection
from migrate.target.content import Content, measure_all
from migrate.target.fingerprint import fingerprint
from migrate.target.ledger import Ledger
from migrate.target.publish import Publication, publish
from tests.target.conftest import RUN

STAGING = "migrate_staging"
FILLED = ["users", "messages"]
EMPTIED = ["sessions"]
REST = [  # what else references users or studios in the flagship's schema
    "user_profiles", "user_metadata", "studios", "studio_services", "studio_images", "user_connections",
    "reviews", "review_responses", "accounts", "saved_searches", "notifications", "subscriptions",
    "pending_subscriptions", "refunds", "content_reports",
]  # fmt: skip
MANAGED = FILLED + EMPTIED + REST

_USER = """INSERT INTO {schema}.users (id, email, username, display_name, role, email_verified, updated_at)
    SELECT {tag} || i, {tag} || i || '@example.com', {tag} || i, 'x', 'USER', false, '2020-01-01'
    FROM generate_series(1, {n}) i"""
_MESSAGE = """INSERT INTO {schema}.messages (id, sender_id, receiver_id, content)
    SELECT {tag} || 'm' || i, {tag} || i, {tag} || (1 + i % {n}), 'hello' FROM generate_series(1, {n}) i"""


def fill(conn: Connection, schema: str, tag: str, n: int) -> None:
    for statement in (_USER, _MESSAGE):
        conn.execute(statement.format(schema=schema, tag=f"'{tag}'", n=n).encode())


@pytest.fixture
def ready(flagship: Connection, ledger: Ledger) -> Connection:
    """Three old users with a message each and a session live; fifty new of each staged."""
    fill(flagship, "public", "old", 3)
    flagship.execute("INSERT INTO sessions VALUES ('s1', 'token', 'old1', '2020-01-01')")
    staging.create(flagship, "public", STAGING, FILLED)
    fill(flagship, STAGING, "new", 50)
    flagship.execute(f"INSERT INTO {STAGING}.id_map VALUES ('users', '1', 'new1', 'users')")
    return flagship


@dataclass
class Plan:
    conn: Connection
    ledger: Ledger
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **options: Any) -> Publication:
        expected = options.pop("expected", None) or measure_all(self.conn, "public", MANAGED)
        chosen = {"filled": FILLED, "emptied": EMPTIED + REST, "kind": "publish", **self.options, **options}
        return publish(
            self.conn, ledger=self.ledger, schema="public", staging=STAGING, expected=expected,
            run_id=RUN, **chosen,
        )  # fmt: skip


@pytest.fixture
def go(ready: Connection, ledger: Ledger) -> Plan:
    return Plan(ready, ledger)


def counts(conn: Connection) -> tuple[Any, ...]:
    row = conn.execute("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM messages)").fetchone()
    assert row is not None
    return row


def test_publish_replaces_fills_empties_and_records(ready: Connection, go: Plan) -> None:
    publication = go(backup_digest="abc")
    assert counts(ready) == (50, 50)
    assert ready.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    assert ready.execute("SELECT * FROM migrate_ledger.id_map").fetchall() == [
        ("users", "1", "new1", "users")
    ]
    assert ready.execute("SELECT id, backup_digest FROM migrate_ledger.publication").fetchall() == [
        (publication.id, "abc")
    ]
    assert publication.tables == measure_all(ready, "public", MANAGED)
    assert publication.replaced["users"] == 3
    assert publication.notes == ()


def test_statistics_are_fresh_after_publish(ready: Connection, go: Plan) -> None:
    go()
    row = ready.execute("SELECT reltuples::int FROM pg_class WHERE oid = 'users'::regclass").fetchone()
    assert row == (50,)


def test_the_map_of_ids_before_comes_back_with_a_rollback(
    ready: Connection, ledger: Ledger, go: Plan
) -> None:
    go()
    ready.execute(f"UPDATE {STAGING}.id_map SET new_id = 'other'")
    second = go()
    staging.restore_id_map(ready, ledger, STAGING, second.id)
    third = go(kind="rollback")
    assert ready.execute("SELECT new_id FROM migrate_ledger.id_map").fetchall() == [("new1",)]
    staging.restore_id_map(ready, ledger, STAGING, third.id)
    go(kind="rollback")
    assert ready.execute("SELECT new_id FROM migrate_ledger.id_map").fetchall() == [("other",)]


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


def test_a_reader_whose_snapshot_is_older_still_sees_the_old_rows(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    other = opened()
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

    def read() -> None:
        time.sleep(0.3)  # publish is waiting by now: this queues behind it
        began = time.monotonic()
        late.execute("SELECT count(*) FROM messages")
        waits.append(time.monotonic() - began)

    with app.transaction():
        app.execute("SELECT count(*) FROM messages")
        thread = threading.Thread(target=read)
        thread.start()
        expected = measure_all(ready, "public", MANAGED)
        began = time.monotonic()
        with pytest.raises(TargetUnavailable, match=r"within 500 ms in 1 attempts; held by .*the shop"):
            go(lock_timeout_ms=500, attempts=1, expected=expected)
        took = time.monotonic() - began
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
    for table, hold in (("accounts", 0.35), ("messages", 0.7), ("users", 5.0)):
        app = opened()
        app.execute("BEGIN")
        app.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
        release = threading.Timer(hold, app.execute, args=["COMMIT"])
        release.start()
        holders.append(release)
    expected = measure_all(ready, "public", MANAGED)
    began = time.monotonic()
    with pytest.raises(TargetUnavailable):
        go(lock_timeout_ms=500, attempts=1, expected=expected)
    assert time.monotonic() - began < 1
    for release in holders:
        release.cancel()
        release.join(10)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET display_name = 'y' WHERE id = 'old2'",
        "DELETE FROM messages WHERE id = 'oldm1'",
        "INSERT INTO messages (id, sender_id, receiver_id, content) VALUES ('x', 'old1', 'old2', 'hi')",
    ],
)
def test_live_rows_that_changed_after_the_backup_stop_publish(
    ready: Connection, go: Plan, change: str
) -> None:
    expected = measure_all(ready, "public", MANAGED)
    ready.execute(change.encode())
    now = measure_all(ready, "public", MANAGED)
    with pytest.raises(LiveChanged) as caught:
        go(expected=expected)
    named = "users" if "UPDATE users" in change else "messages"
    assert str(caught.value) == f"live rows changed after the backup was made: {named}"
    assert measure_all(ready, "public", MANAGED) == now


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


def test_no_query_of_the_application_is_ended_as_a_deadlock(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    app, waits = opened(), []

    def work() -> None:
        with app.transaction():
            app.execute("SELECT count(*) FROM users")  # locked after messages by publish
            began.wait(10)
            time.sleep(0.05)
            app.execute("SELECT count(*) FROM messages")
        waits.append("done")

    began = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    publication = go(
        lock_timeout_ms=60_000, on_progress=lambda doing, _what: began.set() if doing == "lock" else None
    )
    thread.join(10)
    assert waits == ["done"]
    assert publication.attempts == 2
    assert counts(ready) == (50, 50)


def test_a_table_that_was_not_backed_up_counts_as_changed(ready: Connection, go: Plan) -> None:
    expected = measure_all(ready, "public", MANAGED)
    del expected["sessions"]
    with pytest.raises(LiveChanged, match="sessions"):
        go(expected=expected)


def whole(conn: Connection) -> tuple[dict[str, Content], dict[str, str], list[Any]]:
    return (
        measure_all(conn, "public", MANAGED),
        fingerprint(conn, "public"),
        conn.execute("SELECT (SELECT count(*) FROM migrate_ledger.publication), count(*) FROM"
                     " migrate_ledger.id_map").fetchall(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("plant", "constraint"),
    [
        (f"UPDATE {STAGING}.users SET email = 'new1@example.com' WHERE id = 'new7'", "users_email_key"),
        (f"UPDATE {STAGING}.users SET id = 'new1' WHERE id = 'new7'", "users_pkey"),
        (
            f"UPDATE {STAGING}.messages SET receiver_id = 'gone' WHERE id = 'newm7'",
            "messages_receiver_id_fkey",
        ),
        (f"UPDATE {STAGING}.messages SET content = NULL WHERE id = 'newm7'", "content"),
        (f"INSERT INTO {STAGING}.id_map VALUES ('users', '1', 'twice', 'users')", "id_map_pkey"),
    ],
)
def test_a_failure_in_the_middle_leaves_everything_as_it_was(
    ready: Connection, go: Plan, plant: str, constraint: str
) -> None:
    ready.execute(plant.encode())
    before = whole(ready)
    with pytest.raises(TargetError, match=constraint) as caught:
        go()
    assert "example.com" not in str(caught.value)
    assert whole(ready) == before


class Failed(Exception):
    pass


def test_a_failure_just_before_the_commit_leaves_everything_as_it_was(ready: Connection, go: Plan) -> None:
    before = whole(ready)

    def fail(_conn: Connection) -> None:
        raise Failed

    with pytest.raises(Failed):
        go(before_commit=fail)
    assert whole(ready) == before


def test_a_session_killed_just_before_the_commit_leaves_everything_as_it_was(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    other = opened()
    before = whole(other)

    def kill(conn: Connection) -> None:
        other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))

    with pytest.raises(TargetUnavailable):
        go(before_commit=kill)
    assert whole(other) == before


def test_a_schema_that_would_come_out_different_is_not_published(ready: Connection, go: Plan) -> None:
    def meddle(doing: str, what: str) -> None:
        if doing == "rebuild" and what == "index public.user_metadata_key_idx":
            ready.execute("COMMENT ON TABLE users IS 'meddled'")

    before = whole(ready)
    with pytest.raises(TargetError, match=r"would have changed the schema: relation users"):
        go(on_progress=meddle)
    assert whole(ready) == before


def test_a_run_that_lost_the_target_cannot_publish(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    other = Ledger(opened())
    ready.execute("SELECT pg_advisory_unlock_all()")  # as a lost session would
    other.take("run-2", "the other one")
    before = whole(ready)
    with pytest.raises(Occupied, match="the other one"):
        go()
    assert whole(ready) == before


def test_a_live_table_altered_after_staging_was_made_stops_publish(ready: Connection, go: Plan) -> None:
    ready.execute("ALTER TABLE users ADD COLUMN extra text")
    with pytest.raises(TargetError, match="users was altered"):
        go()
    assert counts(ready) == (3, 3)


def test_publish_inside_a_transaction_is_refused(ready: Connection, go: Plan) -> None:
    with ready.transaction(), pytest.raises(TargetError, match="outside any transaction"):
        go()


def test_publishing_the_same_again_gives_the_same_content(ready: Connection, go: Plan) -> None:
    first = go()
    assert go().tables == first.tables
