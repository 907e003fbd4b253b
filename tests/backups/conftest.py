"""A schema with everything that is awkward to back up, and the programs to do it with."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from backups.drill import drill
from backups.dump import dump
from backups.manifest import DrillResult, Manifest
from migrate.postgres.embedded import EmbeddedServer, binary
from migrate.postgres.table_checksum import Content, measure

SCHEMA = "Live data"

ODD = """
CREATE SCHEMA "Live data";
SET search_path TO "Live data";
CREATE TYPE "Role" AS ENUM ('USER', 'STUDIO OWNER', 'Ünï');
CREATE TABLE users (
    id text NOT NULL DEFAULT gen_random_uuid(), email text, role "Role" NOT NULL DEFAULT 'USER',
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, seen timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id));
CREATE UNIQUE INDEX users_email_key ON users (email);
CREATE TABLE "odd values" (
    "the key" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text REFERENCES users (id),
    words text, document jsonb, latitude numeric(10,8), ratio double precision, small real,
    bytes bytea, span interval, tags text[], roles "Role"[], "select" boolean,
    shout text GENERATED ALWAYS AS (upper(words)) STORED);
CREATE TABLE counted (n serial PRIMARY KEY, what varchar(5));
CREATE TABLE empty (id text PRIMARY KEY);
CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL);
INSERT INTO users VALUES
    ('u1', 'one@example.com', 'USER', '2020-02-29 23:59:59.999', '2021-01-01 00:00:00.123456+05'),
    ('u2', NULL, 'Ünï', '1970-01-01', NULL), ('u3', '', 'STUDIO OWNER', '9999-12-31', 'infinity');
INSERT INTO "odd values" (owner, words, document, latitude, ratio, small, bytes, span, tags, roles, "select")
VALUES ('u1', E'two\\nlines\\tand \\\\N \\\\. "quotes"', '{"b": [1, 2.50, null], "a": "é"}', 89.12345678,
        0.1::float8 + 0.2::float8, 1.1, '\\x00ff10', '1 mon 2 days 03:04:05.678', ARRAY['a,b', NULL, ''],
        ARRAY['Ünï'::"Role"], true),
    (NULL, '', 'null', -0.00000001, 'NaN', '-Infinity', '', NULL, '{}', NULL, NULL),
    ('u2', U&'\\+01F399 caf\\00E9 \\FEFF', NULL, NULL, 1e-300, NULL, NULL, '-1 year', NULL, NULL, false),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO counted (what) SELECT 'w' || g FROM generate_series(1, 1000) g;
INSERT INTO _prisma_migrations VALUES ('0001', 'abc');
CREATE SCHEMA migrate_ledger; CREATE TABLE migrate_ledger.run (id text);
"""


@dataclass
class Live:
    """A live database with an odd schema, and what the tests do to it."""

    address: str
    folder: Path
    throwaway: str

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement with the live schema on the search path; return its rows, if any."""
        with psycopg.connect(self.address, autocommit=True) as conn:
            conn.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(SCHEMA)))
            cursor = conn.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def dump(self, **changes: Any) -> Manifest:
        """Dump the live schema into the folder."""
        settings: dict[str, Any] = {
            "schema": SCHEMA, "database": "the live database", "path": self.folder / "backup.dump",
            "pg_dump": binary("pg_dump"), "measure": measure,
        }  # fmt: skip
        with psycopg.connect(self.address, autocommit=True) as conn:
            return dump(conn, **{"address": self.address, **settings, **changes})

    def drill(self, manifest: Manifest, **changes: Any) -> DrillResult:
        """Restore what was dumped into the throwaway server and compare."""
        settings: dict[str, Any] = {
            "server": self.throwaway, "pg_restore": binary("pg_restore"), "measure": measure,
        }  # fmt: skip
        return drill(manifest, self.folder, **{**settings, **changes})

    def contents(self) -> dict[str, Content]:
        """Measure every table of the live schema."""
        tables = ("_prisma_migrations", "counted", "empty", "odd values", "users")
        with psycopg.connect(self.address, autocommit=True) as conn:
            return {table: measure(conn, SCHEMA, table) for table in tables}


@pytest.fixture
def live(database: str, postgres: EmbeddedServer, tmp_path: Path) -> Live:
    """A live database; the throwaway server is the same cluster, in databases of its own."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(ODD)
    return Live(database, tmp_path, postgres.url())


@pytest.fixture
def another_database(postgres: EmbeddedServer) -> Iterator[Callable[[], str]]:
    """Makes empty databases and drops them after the test."""
    made: list[str] = []

    def make() -> str:
        made.append(f"t_{uuid.uuid4().hex[:12]}")
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(made[-1])))
        return postgres.url(made[-1])

    yield make
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        for name in made:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
