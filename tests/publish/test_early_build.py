"""Furnishing begun before publish: first the tables that are whole, then all; what is left is met again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migrate.postgres.connection import Connection, parse_url
from migrate.postgres.table_checksum import measure_all
from migrate.publish.early_build import EarlyBuild
from migrate.runtime.background import BackgroundTasks
from migrate.staging.ledger import Ledger
from tests.publish.rich_schema import EMPTIED, FILLED, STAGING, go

_INDEXES = "SELECT count(*) FROM pg_indexes WHERE schemaname = %s AND tablename = %s"


@pytest.fixture
def background() -> Iterator[BackgroundTasks]:
    """Pieces of work, over at the end of the test."""
    pieces = BackgroundTasks()
    yield pieces
    pieces.close()


@pytest.fixture
def early_build(rich: Connection, ledger: Ledger, database: str, background: BackgroundTasks) -> EarlyBuild:
    """The furnishing of the rich house's tables."""
    assert rich is ledger.conn
    return EarlyBuild(background, parse_url(database), ledger, STAGING, FILLED, EMPTIED)


def test_whole_tables_are_furnished_first_and_then_the_others(
    rich: Connection, ledger: Ledger, early_build: EarlyBuild
) -> None:
    early_build.begin(["Person"])
    early_build.begin(["Person"])
    some = early_build.settle()
    assert some.contents == measure_all(rich, STAGING, ["Person"])
    assert rich.execute(_INDEXES, (STAGING, "letter")).fetchone() == (0,)
    early_build.begin_all()
    everything = early_build.settle()
    assert everything.contents == measure_all(rich, STAGING, FILLED)
    assert some.vacuumed < everything.vacuumed
    assert go(rich, ledger, built_ahead=everything).exchanged


def test_a_piece_that_is_still_waiting_leaves_its_tables_to_the_last_one(
    rich: Connection, ledger: Ledger, early_build: EarlyBuild
) -> None:
    early_build.begin(["Person"])
    early_build.begin_all()
    assert set(early_build.settle().contents) == set(FILLED)
    assert go(rich, ledger).exchanged


def test_rows_that_break_a_key_are_left_for_publish_to_tell(
    rich: Connection, ledger: Ledger, early_build: EarlyBuild
) -> None:
    twice = f"""INSERT INTO "{STAGING}"."Person" ("Id", "eMail", mood, shoe, room, nick)
                VALUES ('n1', 'n99@example.com', 'Fine', 99, 99, 'nick99')"""
    rich.execute(twice.encode())
    early_build.begin(["Person"])
    early_build.begin_all()
    assert early_build.settle().contents == {}
    with pytest.raises(Exception, match="UniqueViolation"):
        go(rich, ledger)


def test_keys_are_proven_where_every_row_was_held_against_them_as_they_are_live(
    rich: Connection, early_build: EarlyBuild
) -> None:
    assert early_build.proven(lambda: False) == frozenset()  # nobody furnishes
    early_build.begin_all()
    assert early_build.proven(lambda: False) == {
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
def test_rows_that_break_a_key_leave_it_unproven(
    rich: Connection, early_build: EarlyBuild, fault: str
) -> None:
    rich.execute(fault.format(staging=f'"{STAGING}"').encode())
    early_build.begin_all()
    assert early_build.proven(lambda: False) == frozenset()
    early_build.settle()


def test_a_key_of_the_same_name_that_is_another_proves_nothing(
    rich: Connection, early_build: EarlyBuild
) -> None:
    staging = f'"{STAGING}"'
    rich.execute(f'CREATE UNIQUE INDEX "Person_nick_key" ON {staging}."Person" ("Id")'.encode())
    rich.execute(f'CREATE UNIQUE INDEX mine ON {staging}."Person" ("Id")'.encode())
    rich.execute(
        f'ALTER TABLE {staging}.letter ADD CONSTRAINT "letter sender" FOREIGN KEY (sender)'
        f' REFERENCES {staging}."Person" ("Id") NOT VALID'.encode()
    )
    early_build.begin_all()
    proven = {name for _, _, name in early_build.proven(lambda: False)}
    assert "Person_eMail_key" in proven
    assert proven.isdisjoint({"Person_nick_key", "mine", "letter sender", "letter_receiver_fkey"})


def test_who_stops_waits_for_no_proof(rich: Connection, early_build: EarlyBuild) -> None:
    with rich.transaction():  # so that the session is busy until we have asked
        early_build.begin_all()
        assert early_build.proven(lambda: True) == frozenset()
    early_build.settle()


def test_what_is_given_up_ends_between_two_steps(
    rich: Connection, early_build: EarlyBuild, background: BackgroundTasks
) -> None:
    with rich.transaction():  # which an index would wait for
        rich.execute(f'LOCK TABLE "{STAGING}"."Person" IN SHARE UPDATE EXCLUSIVE MODE'.encode())
        early_build.begin(["Person"])
        background.close()
    assert rich.execute(_INDEXES, (STAGING, "Person")).fetchone() == (0,)
    assert early_build.settle().contents == {}
