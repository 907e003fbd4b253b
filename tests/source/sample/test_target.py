"""The embedded target starts as Prisma would have left it, with rows in every table."""

from __future__ import annotations

import hashlib

import psycopg
import pytest
from psycopg import sql

from migrate.runtime.errors import TargetError
from migrate.source.sample.target import seed_target, target_schema


def _tables(conn: psycopg.Connection) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    return [name for (name,) in conn.execute(query)]


def _content(conn: psycopg.Connection, table: str) -> list[str]:
    return [
        row
        for (row,) in conn.execute(
            sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(table))
        )
    ]


def test_every_table_has_rows(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        seed_target(conn)
        filled = {table: len(_content(conn, table)) for table in _tables(conn)}
    assert len(filled) == 19
    assert all(filled.values())
    assert filled["_prisma_migrations"] == 1


def test_prisma_finds_its_migration_finished(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        seed_target(conn)
        row = conn.execute(
            "SELECT migration_name, checksum, finished_at IS NOT NULL, rolled_back_at, applied_steps_count"
            ' FROM "_prisma_migrations"'
        ).fetchone()
    digest = hashlib.sha256(target_schema().encode()).hexdigest()
    assert row == ("20230101000000_init", digest, True, None, 1)


def test_rows_are_the_same_whatever_the_session(database: str) -> None:
    seen = []
    with psycopg.connect(database, autocommit=True) as conn:
        for settings in ("UTC", "Asia/Kathmandu"):
            conn.execute("DROP SCHEMA public CASCADE")
            conn.execute("CREATE SCHEMA public")
            conn.execute(sql.SQL("SET TimeZone TO {}").format(settings))
            conn.execute("SET DateStyle TO 'German'")
            seed_target(conn)
            conn.execute("SET TimeZone TO 'UTC'")
            seen.append({table: _content(conn, table) for table in _tables(conn)})
    assert seen[0] == seen[1]


def test_ids_have_the_shape_of_prismas(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        seed_target(conn)
        for table in _tables(conn):
            if table != "_prisma_migrations":
                query = sql.SQL("SELECT count(*) FROM {} WHERE id !~ '^c[0-9a-z]{{24}}$'").format(
                    sql.Identifier(table)
                )
                assert conn.execute(query).fetchone() == (0,), table


def test_a_filled_target_is_refused_and_left_alone(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        seed_target(conn)
        before = {table: _content(conn, table) for table in _tables(conn)}
        with pytest.raises(TargetError, match="already exists"):
            seed_target(conn)
        assert {table: _content(conn, table) for table in _tables(conn)} == before
