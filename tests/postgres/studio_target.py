"""Databases with the flagship's schema, and open connections to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import pytest

from migrate.postgres.connection import Connection, connect, parse_url
from migrate.postgres.table_checksum import measure_all
from migrate.publish.publish import Publication, publish
from migrate.staging import schema as staging
from migrate.staging.ledger import Ledger
from tests.publish.rich_schema import RUN, build


def init_sql() -> str:
    """The flagship's DDL, as Prisma makes it."""
    return resources.files("migrate.source.sample").joinpath("init.sql").read_text()


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


@pytest.fixture
def rich(conn: Connection, ledger: Ledger) -> Connection:
    """A target with everything that can hang on a table, and fifty staged rows for two of them."""
    build(conn)
    return conn


# ---- publishing ----------------------------------------------------------------------

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


def stage(conn: Connection) -> None:
    """Fifty users with a message each, and a line of the id map; an exchange leaves nothing staged."""
    staging.create(conn, "public", STAGING, FILLED)
    fill(conn, STAGING, "new", 50)
    conn.execute(f"INSERT INTO {STAGING}.id_map VALUES ('users', '1', 'new1', 'users')".encode())


@pytest.fixture
def ready(flagship: Connection, ledger: Ledger) -> Connection:
    """Three old users with a message each and a session live; fifty new of each staged."""
    fill(flagship, "public", "old", 3)
    flagship.execute("INSERT INTO sessions VALUES ('s1', 'token', 'old1', '2020-01-01')")
    stage(flagship)
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
