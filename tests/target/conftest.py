"""Databases with the flagship's schema, and open connections to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources

import pytest

from migrate.target.connection import Connection, connect, parse_url
from migrate.target.ledger import Ledger

RUN = "run-1"


def init_sql() -> str:
    """The flagship's DDL, as Prisma makes it."""
    return resources.files("migrate.sample").joinpath("init.sql").read_text()


def with_query(url: str, query: str) -> str:
    """The URL with more parameters."""
    return f"{url}{'&' if '?' in url else '?'}{query}"


@pytest.fixture
def opened(database: str) -> Iterator[Callable[[], Connection]]:
    """Opens connections to the test's database; all are closed after it."""
    connections: list[Connection] = []

    def opener() -> Connection:
        connections.append(connect(parse_url(database)))
        return connections[-1]

    yield opener
    for connection in connections:
        connection.close()


@pytest.fixture
def conn(opened: Callable[[], Connection]) -> Connection:
    """A connection to an empty database."""
    return opened()


@pytest.fixture
def flagship(conn: Connection) -> Connection:
    """A connection to a database with the flagship's schema, without rows."""
    conn.execute(init_sql())
    return conn


@pytest.fixture
def ledger(conn: Connection) -> Ledger:
    """A ledger that this test owns."""
    book = Ledger(conn)
    book.create()
    book.take(RUN, "the test")
    return book
