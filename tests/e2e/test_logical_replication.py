"""A subscriber of logical replication stays in step with the live tables, whatever a migration does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.embedded import THROWAWAY, EmbeddedServer
from migrate.source.sample.target import seed_target
from migrate.source.sample.write import write_sample
from tests.tools.commands import migrate, query

TABLES = ("users", "messages")
PATIENCE_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    settings = {**THROWAWAY, "wal_level": "logical"}
    with EmbeddedServer(tmp_path_factory.mktemp("logical"), settings=settings) as server:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            for name in ("application", "subscriber"):
                admin.execute(f"CREATE DATABASE {name}".encode())
        for name in ("application", "subscriber"):
            with psycopg.connect(server.url(name)) as connection:
                seed_target(connection)
        yield server
    server.destroy()


def rows(server: EmbeddedServer, database: str) -> list[list[tuple[object, ...]]]:
    return [query(server.url(database), f"SELECT * FROM {table} ORDER BY id") for table in TABLES]


def in_step(server: EmbeddedServer) -> bool:
    """Return whether the subscriber holds the application's rows, now or soon."""
    until = time.monotonic() + PATIENCE_S
    while (same := rows(server, "application") == rows(server, "subscriber")) is False:
        if time.monotonic() > until:
            break
        time.sleep(0.2)
    return same


def subscribe(server: EmbeddedServer, publication: str, of: str) -> None:
    slot = f"slot_{publication}"
    with psycopg.connect(server.url("application"), autocommit=True) as connection:
        connection.execute(f"CREATE PUBLICATION {publication} FOR {of}".encode())
        connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))
    address = server.url("application")
    with psycopg.connect(server.url("subscriber"), autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE".encode())
        connection.execute(
            f"CREATE SUBSCRIPTION {publication} CONNECTION '{address}' PUBLICATION {publication}"
            f" WITH (create_slot = false, slot_name = {slot})".encode()
        )


def test_a_subscriber_of_some_tables_follows_and_one_of_all_tables_is_never_broken(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    legacy = tmp_path / "legacy.db"
    write_sample(legacy, scale=0.1, seed=1)
    settings = {"MIGRATE__SOURCE__URL": str(legacy), "MIGRATE__TARGET__URL": server.url("application")}
    work = ("--work", str(tmp_path / "work"), "--yes")
    subscribe(server, "everything", "ALL TABLES")
    assert in_step(server)
    refused = migrate("run", *work, code=1, **settings)
    assert "the publication everything is FOR ALL TABLES" in refused.err
    assert "CREATE PUBLICATION" in refused.err
    ours = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'migrate_%'"
    assert query(server.url("application"), ours) == [(0,)]
    with psycopg.connect(server.url("application")) as connection:
        connection.execute("UPDATE users SET email = 'a.' || email")
    assert in_step(server)
    with psycopg.connect(server.url("subscriber"), autocommit=True) as connection:
        connection.execute("DROP SUBSCRIPTION everything")
    with psycopg.connect(server.url("application"), autocommit=True) as connection:
        connection.execute("DROP PUBLICATION everything")
    subscribe(server, "people", f"TABLE {', '.join(TABLES)}")
    assert in_step(server)
    before = rows(server, "application")
    migrate("run", *work, **settings)
    assert rows(server, "application") != before
    assert in_step(server)
    migrate("rollback", *work, **settings)
    assert rows(server, "application") == before
    assert in_step(server)
