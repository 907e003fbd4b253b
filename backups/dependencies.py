"""What a schema needs from outside it, and its creation in a throwaway database.

A dump of one schema holds no extensions, collations or roles. Roles are not needed (owners, grants and
policies are left out when restoring).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg import sql

_EXTENSIONS: Final[LiteralString] = """
    SELECT e.extname, n.nspname FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname <> 'plpgsql' ORDER BY e.extname COLLATE "C"
"""
_COLLATIONS: Final[LiteralString] = """
    WITH used(oid) AS (
        SELECT a.attcollation FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %(schema)s
        UNION
        SELECT unnest(i.indcollation) FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %(schema)s
    )
    SELECT k.collname FROM pg_catalog.pg_collation k
    JOIN pg_catalog.pg_namespace n ON n.oid = k.collnamespace
    WHERE k.oid IN (SELECT oid FROM used) AND n.nspname = 'pg_catalog' AND k.collname <> 'default'
    ORDER BY k.collname COLLATE "C"
"""
# Column defaults name these functions. If the extension is not available, a replacement function lets the
# table be created. No default is evaluated when restoring.
_STAND_INS: Final[Mapping[str, tuple[LiteralString, ...]]] = {
    "uuid-ossp": ("uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4"),
    "pgcrypto": ("gen_random_uuid",),
}
# A type that takes and gives the text of vectors, whatever it is, so that their rows are restored.
_VECTOR: Final[tuple[LiteralString, ...]] = (
    "CREATE TYPE {home}.vector",
    "CREATE FUNCTION {home}.vector_in(cstring) RETURNS {home}.vector"
    " LANGUAGE internal IMMUTABLE STRICT AS 'textin'",
    "CREATE FUNCTION {home}.vector_out({home}.vector) RETURNS cstring"
    " LANGUAGE internal IMMUTABLE STRICT AS 'textout'",
    "CREATE FUNCTION {home}.vector_typmod_in(cstring[]) RETURNS integer"
    " LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodin'",
    "CREATE FUNCTION {home}.vector_typmod_out(integer) RETURNS cstring"
    " LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodout'",
    "CREATE TYPE {home}.vector (INPUT = {home}.vector_in, OUTPUT = {home}.vector_out,"
    " TYPMOD_IN = {home}.vector_typmod_in, TYPMOD_OUT = {home}.vector_typmod_out, LIKE = text)",
)


@dataclass(frozen=True)
class Surroundings:
    """A database's encoding, its extensions with their schemas, and the collations that a schema uses."""

    encoding: str
    extensions: Mapping[str, str]
    collations: tuple[str, ...]


def survey(conn: psycopg.Connection, schema: str) -> Surroundings:
    """Return what the objects of `schema` may need from outside it."""
    extensions: dict[str, str] = dict(conn.execute(_EXTENSIONS).fetchall())
    collations = tuple(name for (name,) in conn.execute(_COLLATIONS, {"schema": schema}).fetchall())
    row = conn.execute("SELECT pg_catalog.current_setting('server_encoding')").fetchone()
    assert row is not None
    return Surroundings(str(row[0]), extensions, collations)


def provide(conn: psycopg.Connection, schema: str, needs: Surroundings) -> tuple[str, ...]:
    """Create `schema` and what it needs in a throwaway database; return the extensions that are not
    available.

    Only a restore that fails shows whether a missing extension was needed.
    """
    for name in dict.fromkeys([schema, *needs.extensions.values()]):
        if not name.startswith("pg_"):
            conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))
    for collation in needs.collations:
        _provide_collation(conn, collation)
    return tuple(name for name, home in needs.extensions.items() if not _provide_extension(conn, name, home))


def _provide_extension(conn: psycopg.Connection, name: str, home: str) -> bool:
    make = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {} CASCADE")
    try:
        with conn.transaction():
            conn.execute(make.format(sql.Identifier(name), sql.Identifier(home)))
    except psycopg.OperationalError:
        raise
    except psycopg.Error:
        for function in _STAND_INS.get(name, ()):
            stand_in = sql.SQL(
                "CREATE OR REPLACE FUNCTION {}.{}() RETURNS uuid LANGUAGE sql"
                " AS 'SELECT pg_catalog.gen_random_uuid()'"
            )
            conn.execute(stand_in.format(sql.Identifier(home), sql.Identifier(function)))
        if name == "vector":
            for statement in _VECTOR:
                conn.execute(sql.SQL(statement).format(home=sql.Identifier(home)))
        return False
    return True


def _provide_collation(conn: psycopg.Connection, name: str) -> None:
    # It changes the order of text, but no row and no checksum depends on that.
    found = conn.execute(
        "SELECT FROM pg_catalog.pg_collation WHERE collname = %s"
        " AND collencoding IN (-1, (SELECT encoding FROM pg_catalog.pg_database"
        " WHERE datname = current_database()))",
        (name,),
    )
    if found.rowcount == 0:
        make = sql.SQL("CREATE COLLATION pg_catalog.{} (PROVIDER = libc, LOCALE = 'C')")
        conn.execute(make.format(sql.Identifier(name)))
