"""Indexes and keys built before publish: of the complete tables first, then all; publish builds the rest."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from psycopg import sql

from migrate.postgres.connection import Connection, connect, parse_url
from migrate.postgres.table_checksum import measure_all
from migrate.publish.early_build import EarlyBuild
from migrate.publish.swap import BuiltAhead
from migrate.runtime.background import BackgroundTasks
from migrate.runtime.errors import MigrateError
from migrate.staging.ledger import Ledger
from tests.publish.rich_schema import EMPTIED, FILLED, STAGING, go

_INDEXES = "SELECT count(*) FROM pg_indexes WHERE schemaname = %s AND tablename = %s"


class Build:
    """An early build of the rich schema's tables, and the background tasks that it runs in."""

    def __init__(self, early_build: EarlyBuild) -> None:
        self.early_build = early_build
        self.background = BackgroundTasks()

    def start(self, complete: Sequence[str]) -> bool:
        """Start what is planned for the complete tables; return whether there is anything."""
        if (work := self.early_build.plan(complete, FILLED, EMPTIED)) is None:
            return False
        self.background.start("early build", work)
        return True

    def start_all(self) -> None:
        """Start to build everything."""
        assert self.start(FILLED)

    def proven(self) -> set[tuple[str, str, str]]:
        """Return the keys that are proven in the end."""
        return set(self.early_build.proven(lambda: False))

    def result(self) -> BuiltAhead:
        """Return what is built once all is over."""
        return self.background.result("early build", lambda: self.early_build.made)


@pytest.fixture
def build(rich: Connection, ledger: Ledger, database: str) -> Iterator[Build]:
    """The early build of the rich schema's tables; what still runs is cancelled at the end of the test."""
    assert rich is ledger.conn
    made = Build(EarlyBuild(parse_url(database), ledger, STAGING))
    yield made
    made.background.close()


def _wait_for_index(conn: Connection, table: str) -> None:
    until = time.monotonic() + 30
    while conn.execute(_INDEXES, (STAGING, table)).fetchone() == (0,):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_complete_tables_are_built_first_and_then_the_others(
    rich: Connection, ledger: Ledger, build: Build
) -> None:
    assert not build.start([])
    assert build.start(["Person"])
    assert not build.start(["Person"])
    _wait_for_index(rich, "Person")
    assert rich.execute(_INDEXES, (STAGING, "letter")).fetchone() == (0,)
    build.start_all()
    assert not build.start(FILLED)
    everything = build.result()
    assert everything.contents == measure_all(rich, STAGING, FILLED)
    assert go(rich, ledger, built_ahead=everything).exchanged


def test_rows_that_break_a_key_are_left_for_publish_to_report(
    rich: Connection, ledger: Ledger, build: Build
) -> None:
    twice = f"""INSERT INTO "{STAGING}"."Person" ("Id", "eMail", mood, shoe, room, nick)
                VALUES ('n1', 'n99@example.com', 'Fine', 99, 99, 'nick99')"""
    rich.execute(twice.encode())
    build.start(["Person"])
    build.start_all()
    assert build.result().contents == {}
    with pytest.raises(Exception, match="UniqueViolation"):
        go(rich, ledger)


def test_nothing_of_it_uses_the_session_of_the_run(rich: Connection, ledger: Ledger, build: Build) -> None:
    """The run's session commits all the time: nothing of the build is in its transactions."""
    build.start_all()
    commits = 0
    while not build.early_build.made.contents:
        with rich.transaction():
            rich.execute("SELECT txid_current()")
        commits += 1
    assert commits
    assert go(rich, ledger, built_ahead=build.result()).exchanged


def test_a_server_without_a_second_session_leaves_everything_to_publish(
    rich: Connection, ledger: Ledger, build: Build, database: str
) -> None:
    user, house = f"plain {rich.info.dbname}", sql.Identifier(rich.info.dbname)
    rich.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 1").format(house))
    rich.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'few'").format(sql.Identifier(user)))
    conninfo = psycopg.conninfo.make_conninfo(database, user=user, password="few")
    address = dataclasses.replace(parse_url(database), conninfo=conninfo)
    with pytest.raises(MigrateError, match="too many connections"):
        connect(address)
    build.early_build = EarlyBuild(address, ledger, STAGING)
    try:
        build.start_all()
        assert build.proven() == set()
        assert build.result().contents == {}
        assert go(rich, ledger, built_ahead=build.result()).exchanged
    finally:
        rich.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(user)))


def test_keys_are_proven_where_every_row_was_held_against_them_as_they_are_live(
    rich: Connection, build: Build
) -> None:
    assert build.proven() == set()  # nothing was started
    build.start_all()
    assert build.proven() == {
        ("unique", "Person", "Person_pkey"),
        ("unique", "Person", "Person_eMail_key"),
        ("unique", "Person", "Person_nick_key"),
        ("unique", "Person", "person_ident"),
        ("unique", "letter", "letter_pkey"),
        ("unique", "id_map", "id_map_pkey"),
        ("foreign", "letter", "letter sender"),
        ("foreign", "letter", "letter_parent_fkey"),
    }


@pytest.mark.parametrize(
    "fault",
    [
        "UPDATE {staging}.letter SET sender = 'gone' WHERE id = 3",
        """UPDATE {staging}."Person" SET "eMail" = 'n2@example.com' WHERE "Id" = 'n1'""",
    ],
)
def test_rows_that_break_a_key_leave_it_unproven(rich: Connection, build: Build, fault: str) -> None:
    rich.execute(fault.format(staging=f'"{STAGING}"').encode())
    build.start_all()
    assert build.proven() == set()
    build.result()


def test_a_key_of_the_same_name_that_is_another_proves_nothing(rich: Connection, build: Build) -> None:
    staging = f'"{STAGING}"'
    rich.execute(f'CREATE UNIQUE INDEX "Person_nick_key" ON {staging}."Person" ("Id")'.encode())
    rich.execute(f'CREATE UNIQUE INDEX mine ON {staging}."Person" ("Id")'.encode())
    rich.execute(
        f'ALTER TABLE {staging}.letter ADD CONSTRAINT "letter sender" FOREIGN KEY (sender)'
        f' REFERENCES {staging}."Person" ("Id") NOT VALID'.encode()
    )
    build.start_all()
    proven = {name for _, _, name in build.proven()}
    assert "Person_eMail_key" in proven
    assert proven.isdisjoint({"Person_nick_key", "mine", "letter sender", "letter_receiver_fkey"})


def test_a_run_that_stops_waits_for_no_proof(rich: Connection, build: Build) -> None:
    with rich.transaction():  # which an index would wait for
        rich.execute(f'LOCK TABLE "{STAGING}"."Person" IN SHARE UPDATE EXCLUSIVE MODE'.encode())
        build.start_all()
        assert build.early_build.proven(lambda: True) == frozenset()
        build.background.close()


def test_what_is_cancelled_ends_between_two_steps(rich: Connection, build: Build) -> None:
    with rich.transaction():  # which an index would wait for
        rich.execute(f'LOCK TABLE "{STAGING}"."Person" IN SHARE UPDATE EXCLUSIVE MODE'.encode())
        build.start(["Person"])
        build.background.close()
    assert rich.execute(_INDEXES, (STAGING, "Person")).fetchone() == (0,)
    assert build.result().contents == {}


def test_a_process_that_lost_the_run_commits_no_index(rich: Connection, ledger: Ledger, build: Build) -> None:
    rich.execute("UPDATE migrate_ledger.owner SET epoch = epoch + 1")
    build.start_all()
    assert build.proven() == set()
    assert build.result().contents == {}
    assert rich.execute(_INDEXES, (STAGING, "Person")).fetchone() == (0,)


def test_the_server_ends_the_session_of_a_process_that_stands_still(
    monkeypatch: pytest.MonkeyPatch, rich: Connection, build: Build
) -> None:
    held: list[tuple[str, ...]] = []

    def look(conn: Connection, *_arguments: object, **_options: object) -> BuiltAhead:
        names = ("idle_in_transaction_session_timeout", "client_connection_check_interval")
        held.extend(conn.execute("SELECT current_setting(%s), current_setting(%s)", names).fetchall())
        assert conn is not rich
        return build.early_build.made

    monkeypatch.setattr("migrate.publish.early_build.build_concurrently", look)
    build.start_all()
    build.result()
    assert held == [("1min", "5s")]
