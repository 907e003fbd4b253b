from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from migrate.postgres.connection import Connection
from migrate.runtime.errors import AlreadyRunning, StateMismatch, TargetError
from migrate.staging import schema
from migrate.staging.ledger import Ledger
from tests.postgres.studio_target import RUN


def test_making_the_ledger_again_keeps_what_it_holds(conn: Connection) -> None:
    book = Ledger(conn)
    assert not book.exists()
    book.create()
    book.keep_secret("s3cret")
    book.create()
    assert book.exists()
    assert book.secret() == "s3cret"


def test_a_ledger_that_is_complete_is_opened_while_a_batch_is_written(
    opened: Callable[[], Connection],
) -> None:
    writing, second = opened(), Ledger(opened())
    second.create()
    second.conn.execute("SET lock_timeout = '1s'")
    with writing.transaction():
        for table in ("batch", "fate", "warning", "id_map"):
            writing.execute(f"LOCK TABLE migrate_ledger.{table} IN ROW EXCLUSIVE MODE")
        second.create()


def test_a_ledger_that_lacks_a_table_or_is_of_before_is_completed(conn: Connection) -> None:
    book = Ledger(conn)
    book.create()
    conn.execute("DROP TABLE migrate_ledger.warning")
    book.create()
    conn.execute("ALTER TABLE migrate_ledger.batch DROP COLUMN sums")
    conn.execute("DELETE FROM migrate_ledger.setting WHERE key = 'structure'")
    book.create()
    assert conn.execute("SELECT count(*) FROM migrate_ledger.warning").fetchone() == (0,)
    assert conn.execute("SELECT count(sums) FROM migrate_ledger.batch").fetchone() == (0,)


def test_ten_first_runs_at_once_make_one_ledger(opened: Callable[[], Connection]) -> None:
    books = [Ledger(opened()) for _ in range(10)]
    start, errors = threading.Barrier(10), []

    def make(book: Ledger) -> None:
        start.wait()
        try:
            book.create()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=make, args=(book,)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert books[0].conn.execute("SELECT count(*) FROM migrate_ledger.owner").fetchone() == (1,)


def test_a_ledger_of_another_version_is_refused(conn: Connection) -> None:
    book = Ledger(conn)
    book.create()
    conn.execute("UPDATE migrate_ledger.setting SET value = '99' WHERE key = 'version'")
    with pytest.raises(StateMismatch, match="another version"):
        book.create()


def test_the_ledger_may_have_any_name(conn: Connection) -> None:
    book = Ledger(conn, 'The "Book"')
    book.create()
    book.take(RUN, "me")
    book.begin(RUN, {"a": 1})
    assert book.facts(RUN) == {"a": 1}
    assert book.facts("another") is None


def test_without_the_right_to_make_a_schema_the_statement_for_it_is_shown(conn: Connection) -> None:
    row = conn.execute("SELECT current_database()").fetchone()
    assert row is not None
    conn.execute("SET ROLE pg_monitor")
    with pytest.raises(
        TargetError, match=f"pg_monitor may not create the schema book in the database {row[0]}"
    ) as e:
        Ledger(conn, "book").create()
    assert 'CREATE SCHEMA "book" AUTHORIZATION "pg_monitor";' in (e.value.hint or "")


def test_another_secret_than_the_kept_one_is_refused_and_not_shown(conn: Connection) -> None:
    book = Ledger(conn)
    book.create()
    assert book.secret() is None
    book.keep_secret("kept-word")
    book.keep_secret("kept-word")
    with pytest.raises(StateMismatch) as caught:
        book.keep_secret("other-word")
    assert "word" not in str(caught.value) + (caught.value.hint or "")
    assert book.secret() == "kept-word"


def test_a_ledger_with_runs_of_the_version_before_keeps_its_rule_of_ids(ledger: Ledger) -> None:
    ledger.conn.execute("DELETE FROM migrate_ledger.setting WHERE key = 'id_rule'")
    ledger.conn.execute("DELETE FROM migrate_ledger.run")
    assert ledger.id_rule() is None
    ledger.begin("old", {"code": "0.1.0"})
    assert ledger.id_rule() == "base36"
    ledger.keep_id_rule("base36")
    ledger.keep_id_rule("hex")
    assert ledger.id_rule() == "base36"


def test_ten_takers_at_once_one_wins_and_the_others_learn_who(opened: Callable[[], Connection]) -> None:
    books = [Ledger(opened()) for _ in range(10)]
    books[0].create()
    start, won, shown = threading.Barrier(10), [], []

    def take(number: int) -> None:
        start.wait()
        try:
            books[number].take(f"run-{number}", f"host h{number}.example, process {number}")
            won.append(number)
        except AlreadyRunning as error:
            shown.append(str(error))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(won) == 1
    assert len(shown) == 9
    assert all(
        f"held by host h{won[0]}.example, process {won[0]} (PostgreSQL session" in text for text in shown
    )


def test_every_taking_counts_the_epoch_up(opened: Callable[[], Connection]) -> None:
    first, second = Ledger(opened()), Ledger(opened())
    first.create()
    assert first.take(RUN, "a") == 1
    first.release()
    assert second.take(RUN, "b") > 1
    assert second.holder() is not None
    second.release()
    assert second.holder() is None


def test_what_was_taken_twice_is_given_up_at_once(opened: Callable[[], Connection]) -> None:
    first, second = Ledger(opened()), Ledger(opened())
    first.create()
    first.take(RUN, "a")
    first.take(RUN, "a")
    first.release()
    second.take(RUN, "b")
    assert second.epoch is not None


def test_what_was_given_up_commits_nothing_more(opened: Callable[[], Connection]) -> None:
    first, second = Ledger(opened()), opened()
    first.create()
    first.take(RUN, "a")
    with second.transaction():
        first.guard(second)
    first.release()
    first.release()
    with pytest.raises(AlreadyRunning, match="finished since"), second.transaction():
        first.guard(second)


def test_a_new_owner_waits_for_what_the_old_one_is_committing(opened: Callable[[], Connection]) -> None:
    old, worker, new = Ledger(opened()), opened(), Ledger(opened())
    old.create()
    old.take(RUN, "old")
    epochs: list[int] = []
    with worker.transaction():
        old.guard(worker)
        old.conn.execute("SELECT pg_advisory_unlock_all()")  # as if its session were lost
        thread = threading.Thread(target=lambda: epochs.append(new.take("run-2", "new")))
        thread.start()
        time.sleep(0.3)
        assert epochs == []
    thread.join(10)
    assert epochs == [2]


def test_the_lock_ends_with_the_session(opened: Callable[[], Connection]) -> None:
    first, second = Ledger(opened()), Ledger(opened())
    first.create()
    first.take(RUN, "a")
    first.conn.close()
    deadline = time.monotonic() + 10
    while second.holder() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert second.take(RUN, "b") == 2


def test_a_ledger_without_its_row_of_ownership_is_refused(conn: Connection) -> None:
    book = Ledger(conn)
    book.create()
    conn.execute("DELETE FROM migrate_ledger.owner")
    with pytest.raises(TargetError, match="0 rows of ownership"):
        book.take(RUN, "a")


def test_a_run_is_recorded_once(ledger: Ledger) -> None:
    ledger.begin(RUN, {"code": "1"})
    ledger.begin(RUN, {"code": "2"})
    assert ledger.facts(RUN) == {"code": "1"}


def test_reset_forgets_what_was_in_the_staging_but_not_what_was_published(
    flagship: Connection, ledger: Ledger
) -> None:
    flagship.execute(
        "INSERT INTO migrate_ledger.publication (run_id, kind, tables) VALUES ('run-2', 'publish', '{}')"
    )
    for run in (RUN, "run-2", "run-3"):
        flagship.execute(
            "INSERT INTO migrate_ledger.batch (run_id, stage, mapper, number, source_rows, target_rows)"
            " VALUES (%s, 's', 'm', 1, 1, '{}')", (run,),
        )  # fmt: skip
        ledger.finish(run, "s", "m")
    ledger.reset(RUN)
    assert ledger.cursor(RUN, "m").batch == 0
    assert not ledger.cursor(RUN, "m").done
    assert ledger.cursor("run-2", "m").batch == 1
    assert ledger.cursor("run-2", "m").done
    assert ledger.cursor("run-3", "m").batch == 0  # its rows were in the staging too
    assert not ledger.cursor("run-3", "m").done


def test_nothing_is_reset_by_a_run_that_lost_the_target(
    flagship: Connection, ledger: Ledger, opened: Callable[[], Connection]
) -> None:
    ledger.finish(RUN, "s", "m")
    flagship.execute("SELECT pg_advisory_unlock_all()")
    Ledger(opened()).take("run-2", "other")
    with pytest.raises(AlreadyRunning):
        ledger.reset(RUN)
    assert ledger.cursor(RUN, "m").done


def test_the_map_of_ids_to_restore_is_guarded_too(flagship: Connection, ledger: Ledger) -> None:
    schema.create(flagship, "public", "st", ["users"])
    ledger.release()
    with pytest.raises(AlreadyRunning):
        schema.restore_id_map(flagship, ledger, "st", 1)
    assert flagship.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_after_a_release_nothing_of_the_run_can_commit(
    opened: Callable[[], Connection], ledger: Ledger
) -> None:
    epoch = ledger.epoch
    late = Ledger(opened())  # a session of the same run that is still at work
    late.epoch = epoch
    with late.conn.transaction():
        late.guard(late.conn)
    ledger.release()
    with pytest.raises(AlreadyRunning), late.conn.transaction():
        late.guard(late.conn)
    row = late.conn.execute("SELECT epoch, holder, pid FROM migrate_ledger.owner").fetchone()
    assert row == ((epoch or 0) + 1, None, None)
