"""The target database: connected, and filled once if it is the embedded one."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from migrate.pipeline.mapping import target_ddl
from migrate.postgres.connection import Address, connect, parse_url
from migrate.postgres.create_tables import is_empty, make_tables
from migrate.postgres.embedded import EmbeddedServer
from migrate.runtime import announce
from migrate.runtime.config import EMBEDDED, Config, target_url


@dataclass(frozen=True)
class LiveTarget:
    """The live target: how to connect to it, and its name for messages."""

    address: Address
    named_by: str
    embedded: bool


@contextlib.contextmanager
def open_target(config: Config, work: Path) -> Iterator[LiveTarget]:
    """Yield the live target; the embedded one is started, and filled at its first start."""
    url, named_by = target_url(config)
    if url != EMBEDDED:
        yield LiveTarget(parse_url(url), named_by, embedded=False)
        return
    announce.doing("starting the embedded PostgreSQL")
    with EmbeddedServer(work) as server:
        # Its port may change from one start to the next, so a run is bound to the label.
        address = dataclasses.replace(parse_url(server.url()), label="the embedded PostgreSQL")
        with connect(address) as connection:
            _seed_once(config, connection)
        yield LiveTarget(address, named_by, embedded=True)


def _seed_once(config: Config, connection: psycopg.Connection[Any]) -> None:
    """Give the embedded target its tables at its first start: the configured ones, or the sample's."""
    from migrate.source.sample.target import seed_target

    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('migrate sample target'))")
        if not is_empty(connection, "public"):
            return
        if (ddl := target_ddl(config)) is not None:
            make_tables(connection, "public", ddl)
        elif config.mappers.mapping is None:
            seed_target(connection)
