"""The schema of the target as a run will find it: as it is, or with the tables that are created first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from migrate.pipeline.mapping import target_ddl
from migrate.postgres import throwaway
from migrate.postgres.catalog import LiveSchema, introspect
from migrate.postgres.connection import Address, Connection, connect
from migrate.postgres.create_tables import is_empty, make_tables
from migrate.postgres.url import parse_url
from migrate.runtime.config import Config


@dataclass(frozen=True)
class ExpectedSchema:
    """The schema that the mappers will find, and those of its tables that are not created yet."""

    live: LiveSchema
    made: list[str]


def expected_schema(config: Config, work: Path, address: Address, connection: Connection) -> ExpectedSchema:
    """Return the target's schema; for an empty target, what the configured DDL creates in a throwaway server.

    The target is only read. Raises TargetError if the DDL is refused.
    """
    ddl = target_ddl(config)
    if ddl is None or not is_empty(connection, address.schema):
        return ExpectedSchema(introspect(connection, address.schema), [])
    with throwaway.running(work) as url, connect(parse_url(url)) as elsewhere:
        elsewhere.execute(_schema(address.schema))
        made = make_tables(elsewhere, address.schema, ddl)
        return ExpectedSchema(introspect(elsewhere, address.schema), made)


def _schema(name: str) -> sql.Composed:
    return sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name))
