"""Publications of logical replication that would send our own schemas to their subscribers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from psycopg import sql

from migrate.postgres.connection import Connection
from migrate.runtime.errors import TargetError

#: PostgreSQL 15 and later can publish whole schemas.
_PUBLISHES_SCHEMAS: Final = 150000
_OF_SCHEMAS: Final = """
SELECT p.pubname, n.nspname FROM pg_publication_namespace s
JOIN pg_publication p ON p.oid = s.pnpubid JOIN pg_namespace n ON n.oid = s.pnnspid
WHERE n.nspname = ANY (%s) ORDER BY 1, 2
"""


def require_unpublished(conn: Connection, schemas: Sequence[str]) -> None:
    """Raise TargetError if a publication would send tables of these schemas to its subscribers."""
    found = list(published_schemas(conn, schemas))
    if found:
        messages, hints = zip(*found, strict=True)
        raise TargetError("; ".join(messages), hint="; ".join(hints))


def published_schemas(conn: Connection, schemas: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (what is wrong, what to do) for each publication that takes tables of these schemas.

    A subscriber stops at the first row of a table that it does not have; so ledger and staging
    must never be published.
    """
    query = "SELECT pubname FROM pg_publication WHERE puballtables ORDER BY 1"
    for (name,) in conn.execute(query).fetchall():
        quoted = sql.Identifier(name).as_string(conn)
        yield (
            f"the publication {name} is FOR ALL TABLES: the tables of {' and '.join(schemas)} would be sent "
            "to its subscribers, which do not have them and would stop",
            "publish the application's tables by name: make a publication with CREATE PUBLICATION … FOR "
            "TABLE …, point each subscription to it (ALTER SUBSCRIPTION … SET PUBLICATION …), then "
            f"DROP PUBLICATION {quoted};",
        )
    if conn.info.server_version < _PUBLISHES_SCHEMAS:
        return
    for name, schema in conn.execute(_OF_SCHEMAS, (list(schemas),)).fetchall():
        space, publication = sql.Identifier(schema).as_string(conn), sql.Identifier(name).as_string(conn)
        yield (
            f"the publication {name} sends every table of {schema} to its subscribers",
            f"run: ALTER PUBLICATION {publication} DROP TABLES IN SCHEMA {space};",
        )
