"""A cloned schema has every object of the live one and none of its rows."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from backups.clone import clone_schema
from backups.errors import BackupError
from migrate.postgres.connection import connect, parse_url
from migrate.postgres.embedded import binary
from migrate.postgres.schema_fingerprint import fingerprint
from tests.backups.conftest import SCHEMA, Live


def _clone(live: Live, target: str, schema: str = SCHEMA) -> tuple[str, ...]:
    return clone_schema(
        live.address, target, schema=schema, pg_dump=binary("pg_dump"), pg_restore=binary("pg_restore")
    )


def _fingerprint(address: str, schema: str = SCHEMA) -> dict[str, str]:
    with connect(parse_url(address)) as conn:
        found = fingerprint(conn, schema)
    return {name: text for name, text in found.items() if not name.startswith("rows ")}


def test_the_clone_is_the_same_house(live: Live, another_database: Callable[[], str]) -> None:
    live.run("CREATE INDEX part ON users (created_at DESC) WHERE role = 'Ünï'")
    live.run("COMMENT ON COLUMN users.email IS 'how to reach them'")
    live.run("ALTER TABLE counted ADD CONSTRAINT positive CHECK (n > 0)")
    live.run("CREATE VIEW people AS SELECT id FROM users")
    live.run("CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    live.run("CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()")
    target = another_database()
    assert _clone(live, target) == ()
    assert _fingerprint(target) == _fingerprint(live.address)


def test_the_clone_has_no_rows(live: Live, another_database: Callable[[], str]) -> None:
    target = another_database()
    _clone(live, target)
    with psycopg.connect(target) as conn:
        counts = conn.execute(
            f'SELECT (SELECT count(*) FROM "{SCHEMA}".users), (SELECT count(*) FROM "{SCHEMA}".counted)'
        ).fetchone()
    assert counts == (0, 0)


def test_the_schema_public_is_cloned_into_the_one_that_is_there(
    live: Live, another_database: Callable[[], str]
) -> None:
    live.run("CREATE TABLE public.one (id integer PRIMARY KEY)")
    target = another_database()
    assert _clone(live, target, "public") == ()
    with psycopg.connect(target) as conn:
        assert conn.execute("SELECT count(*) FROM public.one").fetchone() == (0,)


def test_a_view_on_another_schema_is_reported_and_left_out(
    live: Live, another_database: Callable[[], str]
) -> None:
    live.run("CREATE SCHEMA auth")
    live.run("CREATE TABLE auth.people (id text)")
    live.run("CREATE VIEW outside AS SELECT id FROM auth.people")
    (problem,) = _clone(live, another_database())
    assert "outside" in problem
    assert "does not exist" in problem


def test_a_missing_extension_is_named(
    live: Live, another_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # citext is at hand here; a server without it is one that refuses to make it.
    live.run("CREATE EXTENSION citext")
    live.run("ALTER TABLE users ADD handle citext")
    target = another_database()
    with psycopg.connect(target, autocommit=True) as conn:
        conn.execute("CREATE TYPE public.citext AS ENUM ()")
        conn.execute(f'CREATE SCHEMA "{SCHEMA}"')
        conn.execute(f'CREATE FUNCTION "{SCHEMA}".citextin(cstring) RETURNS text LANGUAGE internal STRICT'
                     " IMMUTABLE AS 'textin'")  # fmt: skip
    with pytest.raises(BackupError, match=r"tables users are missing; .*does not have: citext") as caught:
        _clone(live, target)
    assert caught.value.hint


def test_a_source_that_is_away_is_an_error_without_its_password(live: Live, database: str) -> None:
    with pytest.raises(BackupError, match="live schema cannot be read") as caught:
        clone_schema(
            "postgresql://postgres:sesame@127.0.0.1:1/x?connect_timeout=2", database, schema="public",
            pg_dump=binary("pg_dump"), pg_restore=binary("pg_restore"),
        )  # fmt: skip
    assert "sesame" not in caught.value.message
