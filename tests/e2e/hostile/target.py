"""A PostgreSQL database that belongs to a role which is no superuser."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
from psycopg import sql

from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.target import seed_target

#: Everything that must be percent-encoded in a URL, and what a shell or a quoting might obey.
PASSWORD = "pW7/q:z@h#1?é%41 $x'\"\\"


@dataclass(frozen=True)
class Owned:
    """A database whose schema `public` and its tables belong to `role`; `admin` is a superuser's URL."""

    admin: str
    role: str
    password: str
    database: str
    place: str

    def url(self, password: str | None = None, role: str | None = None) -> str:
        """Return the URL with the role's own password, or another."""
        word = quote(self.password if password is None else password, safe="")
        return f"postgresql://{quote(role or self.role)}:{word}@{self.place}"

    def bare_url(self) -> str:
        """Return the URL without a password."""
        return f"postgresql://{quote(self.role)}@{self.place}"

    def run(self, *statements: str) -> None:
        """Run statements as a superuser; `{role}` and `{database}` are the quoted names."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for statement in statements:
                names = {"role": sql.Identifier(self.role), "database": sql.Identifier(self.database)}
                connection.execute(sql.SQL(statement).format(**names))  # type: ignore[arg-type]


@contextlib.contextmanager
def owned_database(postgres: EmbeddedServer, password: str = PASSWORD) -> Iterator[Owned]:
    """Yield a database of a role that owns the application's tables and has no other right."""
    mark = uuid.uuid4().hex[:10]
    role, database = f"app {mark}", f"live_{mark}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
        )
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    url = postgres.url(database)
    place = url.rpartition("@")[2]
    owned = Owned(url, role, password, database, place)
    owned.run("ALTER SCHEMA public OWNER TO {role}", "GRANT CREATE ON DATABASE {database} TO {role}")
    with psycopg.connect(owned.url(), options="-c TimeZone=UTC") as connection:
        seed_target(connection)
    owned.run("REVOKE CREATE ON DATABASE {database} FROM {role}")
    try:
        yield owned
    finally:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
