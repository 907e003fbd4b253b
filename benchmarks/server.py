"""The one PostgreSQL for all measurements: same programs, same settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import psycopg
from psycopg import sql

from benchmarks.processes import adopt_orphans
from migrate.postgres.embedded import EmbeddedServer, binary
from migrate.source.sample.target import target_schema

#: What an operator sets first; everything else is PostgreSQL's default, including fsync and WAL. The large
#: max_wal_size keeps a checkpoint from falling into one measurement and not another.
SETTINGS: Final = {
    "shared_buffers": "512MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


class Server:
    """A running PostgreSQL and the databases that are created in it."""

    def __init__(self, embedded: EmbeddedServer) -> None:
        self._embedded = embedded
        self.pid = int((embedded.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def url(self, database: str) -> str:
        """Return the connection URL of a database."""
        return self._embedded.url(database)

    def fresh(self, database: str, *, tables: bool = True) -> str:
        """Create a database again, with the application's empty tables or without; return its URL.

        Dirty pages are written first, so that no measurement pays for an earlier one.
        """
        name = sql.Identifier(database)
        with psycopg.connect(self.url("postgres"), autocommit=True) as admin:
            admin.execute("SET client_min_messages = warning")
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
        url = self.url(database)
        if tables:
            with psycopg.connect(url, autocommit=True) as target:
                target.execute(target_schema().encode())
        with psycopg.connect(url, autocommit=True) as target:
            target.execute("CHECKPOINT")
        return url

    def drop(self, database: str) -> None:
        """Remove a database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def settings(self) -> dict[str, str]:
        """Return the version and the settings that differ from PostgreSQL's defaults."""
        with psycopg.connect(self.url("postgres")) as admin:
            rows = admin.execute(
                "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY (%s) ORDER BY 1",
                (["server_version", "fsync", "synchronous_commit", "wal_level", *SETTINGS],),
            ).fetchall()
        return cast("dict[str, str]", dict(rows))


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Yield our own server with an empty cluster; both are removed afterwards."""
    adopt_orphans()
    embedded = EmbeddedServer(folder, "bench", settings=dict(SETTINGS))
    embedded.destroy()
    try:
        with embedded:
            yield Server(embedded)
    finally:
        embedded.destroy()


def psql() -> str:
    """Return the path of psql."""
    return str(binary("psql"))
