"""Furnishing begun before publish: first the tables that are whole, then all; what is left is met again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migrate.beside import Beside
from migrate.furnishing import Furnishing
from migrate.target.connection import Connection, parse_url
from migrate.target.content import measure_all
from migrate.target.ledger import Ledger
from tests.target.rich import EMPTIED, FILLED, STAGING, go

_INDEXES = "SELECT count(*) FROM pg_indexes WHERE schemaname = %s AND tablename = %s"


@pytest.fixture
def beside() -> Iterator[Beside]:
    """Pieces of work, over at the end of the test."""
    pieces = Beside()
    yield pieces
    pieces.close()


@pytest.fixture
def furnishing(rich: Connection, ledger: Ledger, database: str, beside: Beside) -> Furnishing:
    """The furnishing of the rich house's tables."""
    assert rich is ledger.conn
    return Furnishing(beside, parse_url(database), ledger, STAGING, FILLED, EMPTIED)


def test_whole_tables_are_furnished_first_and_then_the_others(
    rich: Connection, ledger: Ledger, furnishing: Furnishing
) -> None:
    furnishing.begin(["Person"])
    furnishing.begin(["Person"])
    some = furnishing.settle()
    assert some.contents == measure_all(rich, STAGING, ["Person"])
    assert rich.execute(_INDEXES, (STAGING, "letter")).fetchone() == (0,)
    furnishing.begin_all()
    everything = furnishing.settle()
    assert everything.contents == measure_all(rich, STAGING, FILLED)
    assert some.vacuumed < everything.vacuumed
    assert go(rich, ledger, furnished=everything).exchanged


def test_a_piece_that_is_still_waiting_leaves_its_tables_to_the_last_one(
    rich: Connection, ledger: Ledger, furnishing: Furnishing
) -> None:
    furnishing.begin(["Person"])
    furnishing.begin_all()
    assert set(furnishing.settle().contents) == set(FILLED)
    assert go(rich, ledger).exchanged


def test_rows_that_break_a_key_are_left_for_publish_to_tell(
    rich: Connection, ledger: Ledger, furnishing: Furnishing
) -> None:
    twice = f"""INSERT INTO "{STAGING}"."Person" ("Id", "eMail", mood, shoe, room, nick)
                VALUES ('n1', 'n99@example.com', 'Fine', 99, 99, 'nick99')"""
    rich.execute(twice.encode())
    furnishing.begin(["Person"])
    furnishing.begin_all()
    assert furnishing.settle().contents == {}
    with pytest.raises(Exception, match="UniqueViolation"):
        go(rich, ledger)


def test_what_is_given_up_ends_between_two_steps(
    rich: Connection, furnishing: Furnishing, beside: Beside
) -> None:
    with rich.transaction():  # which an index would wait for
        rich.execute(f'LOCK TABLE "{STAGING}"."Person" IN SHARE UPDATE EXCLUSIVE MODE'.encode())
        furnishing.begin(["Person"])
        beside.close()
    assert rich.execute(_INDEXES, (STAGING, "Person")).fetchone() == (0,)
    assert furnishing.settle().contents == {}
