"""I8 by swap: the staged tables take the live ones' place, and the schema is the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from migrate.postgres.connection import Connection
from migrate.postgres.old_snapshots import old_snapshots, xmin_horizon
from migrate.postgres.schema_fingerprint import differences, fingerprint
from migrate.postgres.table_checksum import measure_all
from migrate.runtime.errors import TargetError
from migrate.staging.ledger import Ledger
from tests.postgres.studio_target import Plan, counts, fill, stage
from tests.publish.rich_schema import EMPTIED, FILLED, STAGING, go
from tests.publish.test_schema_unchanged import schema_text


def test_the_house_is_the_same_after_an_exchange(rich: Connection, ledger: Ledger, database: str) -> None:
    before, text = fingerprint(rich, "public"), schema_text(database)
    ours = fingerprint(rich, "migrate_ledger")
    publication = go(rich, ledger)
    assert publication.notes == ()
    assert publication.exchanged
    assert differences(before, fingerprint(rich, "public")) == []
    assert differences(ours, fingerprint(rich, "migrate_ledger")) == []
    assert schema_text(database) == text
    assert publication.tables == measure_all(rich, "public", [*FILLED, *EMPTIED])
    assert publication.tables["Person"].rows == publication.tables["letter"].rows == 50
    assert publication.tables["seat"].rows == 0
    assert rich.execute("SELECT new_id FROM migrate_ledger.id_map").fetchall() == [("n1",)]
    assert rich.execute("SELECT count(*) FROM seen").fetchone() == (0,)


def test_a_sequence_goes_on_after_an_exchange(rich: Connection, ledger: Ledger) -> None:
    number = rich.execute("SELECT 'letter_id_seq'::regclass::oid::bigint").fetchone()
    go(rich, ledger)
    rich.execute("INSERT INTO letter (sender) VALUES ('n1')")
    assert rich.execute("SELECT max(id), max(counter) FROM letter").fetchone() == (151, 51)
    assert rich.execute("SELECT 'letter_id_seq'::regclass::oid::bigint").fetchone() == number


def test_a_build_that_was_killed_goes_on_where_it_stopped(
    rich: Connection, ledger: Ledger, database: str
) -> None:
    text = schema_text(database)

    class Killed(Exception):
        pass

    def kill_at(number: int) -> Callable[[str, str], None]:
        seen: list[str] = []

        def progress(doing: str, what: str) -> None:
            if doing == "build":
                seen.append(what)
                if len(seen) == number:
                    raise Killed

        return progress

    for number in (3, 5, 2, 6, 9):
        with pytest.raises(Killed):
            go(rich, ledger, on_progress=kill_at(number))
    done: list[str] = []
    publication = go(
        rich, ledger, on_progress=lambda doing, what: done.append(what) if doing == "build" else None
    )
    assert publication.exchanged
    assert schema_text(database) == text
    assert not any("Person_pkey" in what for what in done)  # it was there


@pytest.mark.parametrize(
    ("meddle", "named"),
    [
        ("GRANT TRUNCATE ON \"Person\" TO PUBLIC", "relation Person"),
        ("ALTER TABLE letter DISABLE TRIGGER tables", "trigger letter.tables"),
        ("COMMENT ON TABLE migrate_ledger.id_map IS 'x'", "relation id_map of the ledger"),
    ],
)  # fmt: skip
def test_an_exchange_that_would_change_the_house_is_undone_and_the_rows_are_moved(
    rich: Connection, ledger: Ledger, database: str, meddle: str, named: str
) -> None:
    text = schema_text(database)

    def progress(doing: str, _what: str) -> None:
        if doing == "exchanged":
            rich.execute(meddle.encode())

    publication = go(rich, ledger, on_progress=progress)
    assert not publication.exchanged
    assert publication.notes == (f"the rows were copied, since the swap would have changed {named}",)
    assert schema_text(database) == text
    assert publication.tables == measure_all(rich, "public", [*FILLED, *EMPTIED])
    assert rich.execute("SELECT new_id FROM migrate_ledger.id_map").fetchall() == [("n1",)]


def test_what_hangs_on_an_old_table_unforeseen_stops_the_exchange_and_the_rows_are_moved(
    rich: Connection, ledger: Ledger
) -> None:
    def progress(doing: str, _what: str) -> None:
        if doing == "built":
            rich.execute('CREATE VIEW people AS SELECT "Id" FROM "Person"')

    publication = go(rich, ledger, on_progress=progress)
    assert not publication.exchanged
    assert "other objects depend on" in publication.notes[0]
    assert "view people depends on" in publication.notes[0]
    assert rich.execute("SELECT count(*) FROM people").fetchone() == (50,)


def test_rights_that_every_new_table_gets_stop_the_exchange_and_the_rows_are_moved(
    rich: Connection, ledger: Ledger, database: str
) -> None:
    rich.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
    text = schema_text(database)
    publication = go(rich, ledger)
    assert not publication.exchanged
    assert "default privileges grant rights on every new table" in publication.notes[0]
    assert schema_text(database) == text


def test_new_rows_must_satisfy_constraints_that_were_never_validated(
    rich: Connection, ledger: Ledger
) -> None:
    rich.execute(f'UPDATE "{STAGING}"."Person" SET room = 5000 WHERE "Id" = \'n1\'')
    with pytest.raises(TargetError, match="old_check"):
        go(rich, ledger)
    rich.execute(f'UPDATE "{STAGING}"."Person" SET room = 500 WHERE "Id" = \'n1\'')
    rich.execute(f"UPDATE \"{STAGING}\".letter SET receiver = 'nobody' WHERE id = 3")
    with pytest.raises(TargetError, match="letter_receiver_fkey"):
        go(rich, ledger)


def test_a_rollback_exchanges_rows_that_break_constraints_never_validated(
    rich: Connection, ledger: Ledger, database: str
) -> None:
    text = schema_text(database)
    rich.execute(f'UPDATE "{STAGING}"."Person" SET room = 5000 WHERE "Id" = \'n1\'')
    rich.execute(f"UPDATE \"{STAGING}\".letter SET receiver = 'nobody' WHERE id = 3")
    assert go(rich, ledger, kind="rollback").exchanged
    assert schema_text(database) == text


# ---- concurrent sessions --------------------------------------------------------------


@pytest.fixture
def repeatable(opened: Callable[[], Connection]) -> Callable[[], Connection]:
    def begin() -> Connection:
        other = opened()
        other.execute("SET application_name = 'the nightly report'")
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1 FROM pg_class")  # takes its view, locks none of our tables
        return other

    return begin


@pytest.mark.parametrize("leaves", [False, True])
def test_a_transaction_older_than_the_staged_rows_sees_all_old_ones(
    flagship: Connection, ledger: Ledger, repeatable: Callable[[], Connection], leaves: bool
) -> None:
    fill(flagship, "public", "old", 3)
    other = repeatable()
    stage(flagship)
    if leaves:
        threading.Timer(1, other.execute, args=["COMMIT"]).start()
    publication = Plan(flagship, ledger)(patience=5.0 if leaves else 0.2)
    assert publication.exchanged is leaves
    if not leaves:
        assert "(the nightly report) may look at the database as it was" in publication.notes[0]
        assert counts(other) == (3, 3)
        other.execute("COMMIT")
    assert counts(other) == (50, 50)


def test_an_older_view_that_comes_up_under_the_locks_is_waited_for_without_them(
    flagship: Connection,
    ledger: Ledger,
    repeatable: Callable[[], Connection],
    opened: Callable[[], Connection],
) -> None:
    fill(flagship, "public", "old", 3)
    writer = opened()
    writer.execute("BEGIN")
    writer.execute("SELECT pg_current_xact_id()")  # a view that is taken now counts it as unfinished
    stage(flagship)
    others: list[Connection] = []

    def progress(doing: str, what: str) -> None:
        if (doing, what) == ("compare with the backup", "users") and not others:
            others.append(repeatable())
        elif doing == "lock" and others:
            assert counts(others[0]) == (3, 3)  # nothing is locked between two tries
            others[0].execute("COMMIT")

    publication = Plan(flagship, ledger)(on_progress=progress)
    assert (publication.exchanged, publication.attempts) == (True, 2)
    assert counts(others[0]) == (50, 50)


def test_a_role_without_any_right_learns_of_older_views(
    conn: Connection, repeatable: Callable[[], Connection]
) -> None:
    other = repeatable()
    conn.execute("SELECT pg_current_xact_id()")
    conn.execute(f"CREATE ROLE nobody_{conn.info.dbname}; SET ROLE nobody_{conn.info.dbname}")
    number = xmin_horizon(conn)
    assert old_snapshots(conn, number) == [f"session {other.info.backend_pid} (the nightly report)"]
    other.execute("COMMIT")
    assert old_snapshots(conn, number) == []


def test_a_transaction_newer_than_the_staged_rows_sees_all_new_ones(
    ready: Connection, go: Plan, repeatable: Callable[[], Connection]
) -> None:
    others: list[Connection] = []

    def progress(doing: str, _what: str) -> None:
        if doing == "lock":
            others.append(repeatable())

    assert go(on_progress=progress).exchanged
    assert counts(others[0]) == (50, 50)
    assert others[0].execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    assert others[0].execute("SELECT count(*) FROM migrate_ledger.id_map").fetchone() == (1,)


def test_prepared_statements_cursors_and_functions_go_on_after_an_exchange(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    app = opened()
    app.execute("PREPARE one (text) AS SELECT email, role, created_at IS NULL FROM users WHERE id = $1")
    app.execute("PREPARE add (text) AS INSERT INTO messages (id, sender_id, receiver_id, content)"
                " VALUES ($1, 'new1', 'new2', 'hi') RETURNING id")  # fmt: skip
    app.execute("CREATE FUNCTION letters() RETURNS bigint LANGUAGE plpgsql AS"
                " $$ BEGIN RETURN (SELECT count(*) FROM messages); END $$")  # fmt: skip
    app.execute("SET plan_cache_mode = force_generic_plan")
    for _ in range(2):
        assert app.execute("EXECUTE one ('old1')").fetchone() == ("old1@example.com", "USER", False)
        assert app.execute("SELECT letters()").fetchone() == (3,)
    app.execute("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT id FROM users ORDER BY id; COMMIT")
    assert go().exchanged
    assert app.execute("EXECUTE one ('new1')").fetchone() == ("new1@example.com", "USER", False)
    assert app.execute("EXECUTE one ('old1')").fetchone() is None
    assert app.execute("EXECUTE add ('m1')").fetchone() == ("m1",)
    assert app.execute("SELECT letters()").fetchone() == (51,)
    assert app.execute("FETCH ALL FROM held").fetchall() == [("old1",), ("old2",), ("old3",)]


def test_statements_that_wait_for_an_exchange_meet_the_new_rows(
    ready: Connection, go: Plan, opened: Callable[[], Connection]
) -> None:
    found: dict[str, object] = {}
    apps = [opened() for _ in range(4)]
    apps[1].isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    apps[2].execute("PREPARE many AS SELECT count(*), (SELECT count(*) FROM messages) FROM users")
    apps[2].execute("EXECUTE many")

    def work(number: int) -> None:
        app = apps[number]
        if number == 3:
            added = app.execute("INSERT INTO sessions VALUES ('late', 'late', 'new3', '2030-01-01')").rowcount
            found["3"] = added
            return
        with app.transaction():
            query = (
                "EXECUTE many"
                if number == 2
                else ("SELECT count(*), (SELECT count(*) FROM messages) FROM users")
            )
            found[str(number)] = app.execute(query.encode()).fetchone()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]

    def progress(doing: str, _what: str) -> None:
        if doing == "exchange":
            for thread in threads:
                thread.start()
            time.sleep(0.3)

    assert go(on_progress=progress).exchanged
    for thread in threads:
        thread.join(10)
    assert found == {"0": (50, 50), "1": (50, 50), "2": (50, 50), "3": 1}
