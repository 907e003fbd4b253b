"""A live database that the application writes to after the backup, during staging and during publish."""

from __future__ import annotations

import threading

import psycopg
import pytest

from tests.e2e.faults.harness import Held, Scene, wait_until
from tests.e2e.faults.score import Score

pytestmark = pytest.mark.fault("target written to by the application")
RENAME = "UPDATE studios SET name = name || ' (renamed)'"
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query = '%s'"


@pytest.mark.slow
@pytest.mark.parametrize(
    "point", ["messages:batch", "backup:kept", "cleanup:uncommitted", "verify:end", "publish:begin"]
)
def test_written_after_the_backup_publish_stops_and_the_next_run_backs_it_up_first(
    scene: Scene, undisturbed: Held, score: Score, point: str
) -> None:
    with scene.frozen_at(point) as run:
        scene.execute(RENAME)
        written = scene.live()
        done = run.go_on()
    assert done.code == 1, done.err
    assert "studios" in done.err
    score.tried()
    score.compare(scene.live(), written)
    scene.run()
    score.compare(scene.held(), undisturbed)
    scene.rollback()
    score.compare(scene.live(), written)  # what the application wrote was in the second backup


@pytest.mark.slow
def test_written_during_the_dump_it_is_in_the_backup_or_noticed(
    scene: Scene, undisturbed: Held, score: Score
) -> None:
    with scene.frozen_at("backup:begin") as run:
        scene.execute(RENAME)
        written = scene.live()
        done = run.go_on()
    assert done.code == 0, done.err
    score.tried()
    score.compare(scene.held(), undisturbed)
    scene.rollback()
    score.compare(scene.live(), written)


def test_a_write_during_publish_waits_and_meets_the_new_rows(
    scene: Scene, undisturbed: Held, score: Score
) -> None:
    outcome: list[int] = []

    def write() -> None:
        with psycopg.connect(scene.behind) as connection:
            outcome.append(connection.execute("DELETE FROM sessions").rowcount)

    with scene.frozen_at("publish:uncommitted") as run:
        writer = threading.Thread(target=write)
        writer.start()
        wait_until(lambda: bool(scene.ask(WAITING % "DELETE FROM sessions")), "the write waits")
        done = run.go_on()
        writer.join(30)
    assert done.code == 0, done.err
    assert outcome == [0]  # it saw the new table, which publish had emptied
    score.tried()
    score.compare(scene.held(), undisturbed)


@pytest.mark.slow
def test_an_application_that_holds_its_tables_is_waited_for_and_named(
    scene: Scene, undisturbed: Held, untouched: dict[str, str], score: Score
) -> None:
    with psycopg.connect(scene.behind, application_name="the shop") as connection:
        connection.execute("SELECT count(*) FROM messages")  # and the transaction stays open
        done = scene.run(
            code=3, MIGRATE__TARGET__PUBLISH_ATTEMPTS="2", MIGRATE__TARGET__LOCK_TIMEOUT_MS="200"
        )
        assert "the shop" in done.err
    score.tried()
    score.compare(scene.live(), untouched)
    scene.run()
    score.compare(scene.held(), undisturbed)
