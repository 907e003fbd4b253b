from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from migrate.postgres.connection import Connection
from migrate.postgres.schema_fingerprint import fingerprint
from migrate.postgres.table_checksum import Content, measure_all
from migrate.runtime.errors import AlreadyRunning, LiveChanged, TargetError, TargetUnavailable
from migrate.staging import schema
from migrate.staging.ledger import Ledger
from tests.postgres.studio_target import MANAGED, STAGING, Plan, counts, stage


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


@pytest.mark.parametrize("moved", [False, True])
def test_the_map_of_ids_before_comes_back_with_a_rollback(
    ready: Connection, ledger: Ledger, go: Plan, moved: bool
) -> None:
    if moved:
        ready.execute("CREATE VIEW people AS SELECT id FROM users")
    go()
    stage(ready)
    ready.execute(f"UPDATE {STAGING}.id_map SET new_id = 'other'")
    second = go()
    stage(ready)
    schema.restore_id_map(ready, ledger, STAGING, second.id)
    third = go(kind="rollback")
    assert third.exchanged is not moved
    assert ready.execute("SELECT new_id FROM migrate_ledger.id_map").fetchall() == [("new1",)]
    stage(ready)
    schema.restore_id_map(ready, ledger, STAGING, third.id)
    go(kind="rollback")
    assert ready.execute("SELECT new_id FROM migrate_ledger.id_map").fetchall() == [("other",)]


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
    assert str(caught.value) == f"live rows changed after the backup: {named}"
    assert measure_all(ready, "public", MANAGED) == now


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
    ready.execute("CREATE VIEW people AS SELECT id FROM users")  # so the rows are moved

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
    with pytest.raises(AlreadyRunning, match="the other one"):
        go()
    assert whole(ready) == before


def test_a_live_table_altered_after_staging_was_made_stops_publish(ready: Connection, go: Plan) -> None:
    ready.execute("ALTER TABLE users ADD COLUMN extra text")
    with pytest.raises(TargetError, match="users was changed after its staging"):
        go()
    assert counts(ready) == (3, 3)


@pytest.mark.parametrize(
    ("dropped", "what"),
    [("{staging}.messages", "missing in migrate_staging"), ("public.messages", r"public\.messages")],
)
def test_a_table_dropped_after_staging_was_made_stops_publish(
    ready: Connection, go: Plan, dropped: str, what: str
) -> None:
    ready.execute(f"DROP TABLE {dropped.format(staging='migrate_staging')} CASCADE".encode())
    with pytest.raises(TargetError, match=what):
        go()
    assert ready.execute("SELECT count(*) FROM users").fetchone() == (3,)


def test_publish_inside_a_transaction_is_refused(ready: Connection, go: Plan) -> None:
    with ready.transaction(), pytest.raises(TargetError, match="outside any transaction"):
        go()


def test_publishing_the_same_again_gives_the_same_content(ready: Connection, go: Plan) -> None:
    ready.execute("CREATE VIEW people AS SELECT id FROM users")  # the rows are moved, and stay staged
    first = go()
    assert go().tables == first.tables


@pytest.mark.parametrize(
    ("before", "within"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")]
)
def test_what_is_published_is_on_the_disk_when_it_is_reported(
    ready: Connection, go: Plan, before: str, within: str
) -> None:
    ready.execute(f"SET synchronous_commit = {before}")
    seen = []
    go(before_commit=lambda conn: seen.append(conn.execute("SHOW synchronous_commit").fetchone()[0]))
    assert seen == [within]
    assert ready.execute("SHOW synchronous_commit").fetchone() == (before,)
