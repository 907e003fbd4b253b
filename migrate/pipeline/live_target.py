"""The target database: connected, and filled once if it is the embedded one."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from migrate.pipeline.mapping import target_ddl
from migrate.postgres.catalog import introspect
from migrate.postgres.connection import Address, connect, parse_url
from migrate.postgres.create_tables import Ddl, is_empty, make_tables
from migrate.postgres.embedded import EmbeddedServer
from migrate.runtime import announce
from migrate.runtime.config import EMBEDDED, Config, target_url

#: In the comment of the embedded database, before the SHA-256 of the file that made its tables.
_MADE_BY: Final = "tables made by migrate from SHA-256 "
#: As initdb makes the schema.
_REMOVE: Final = (
    "DROP SCHEMA public CASCADE",
    "CREATE SCHEMA public AUTHORIZATION pg_database_owner",
    "GRANT USAGE ON SCHEMA public TO PUBLIC",
)


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

    ddl = target_ddl(config)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('migrate sample target'))")
        if not is_empty(connection, "public"):
            if ddl is None or not _are_of_older_ddl(config, connection, ddl):
                return
            for statement in _REMOVE:
                connection.execute(statement)
        if ddl is not None:
            make_tables(connection, "public", ddl)
            connection.execute(_mark(ddl))
        elif config.mappers.mapping is None:
            seed_target(connection)


def _are_of_older_ddl(config: Config, connection: psycopg.Connection[Any], ddl: Ddl) -> bool:
    """Return whether the tables were made here by another file, and nothing was ever written to them."""
    row = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    made_by = str(row[0]) if row and row[0] else ""
    if not made_by.startswith(_MADE_BY) or made_by == _MADE_BY + ddl.digest:
        return False
    tables = [sql.Identifier("public", name) for name in introspect(connection, "public").tables]
    ledger = sql.Identifier(config.target.ledger_schema, "publication")
    known = connection.execute("SELECT to_regclass(%s)", (ledger.as_string(connection),)).fetchone()
    filled = [*tables, *([ledger] if known and known[0] else [])]
    held = (connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(one)).fetchone() for one in filled)
    return not any(held)


def _mark(ddl: Ddl) -> sql.Composed:
    """Return the statement that remembers which file made the tables."""
    return sql.SQL("COMMENT ON DATABASE postgres IS {}").format(sql.Literal(_MADE_BY + ddl.digest))
