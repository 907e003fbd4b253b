"""Fills the embedded target: the flagship's tables as Prisma creates them, with rows worth replacing."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final

import psycopg

from migrate.runtime.errors import TargetError

_MIGRATION: Final = "20230101000000_init"
_MIGRATION_ID: Final = "5b1a4c0e-7f4d-4c1b-9a53-0c6f3a1d2e01"
_RECORD: Final = """
    INSERT INTO public."_prisma_migrations"
        ("id", "checksum", "finished_at", "migration_name", "started_at", "applied_steps_count")
    VALUES (%s, %s, '2023-01-01 00:00:02.5+00', %s, '2023-01-01 00:00:01.25+00', 1)
"""


def target_schema() -> str:
    """Return the DDL of the target, as Prisma's schema engine writes it."""
    return _read("init.sql")


def seed_target(conn: psycopg.Connection) -> None:
    """Create the 18 tables in the schema `public`, Prisma's record of it, and a few poor rows in each table.

    All in one transaction, with the same rows every time. Raises TargetError if the database refuses, for
    example because the tables exist already.
    """
    checksum = hashlib.sha256(target_schema().encode()).hexdigest()
    try:
        with conn.transaction():
            conn.execute("SET LOCAL search_path TO public")
            conn.execute("SET LOCAL TimeZone TO 'UTC'")
            conn.execute(target_schema().encode())
            conn.execute(_read("target-history.sql").encode())
            conn.execute(_RECORD, [_MIGRATION_ID, checksum, _MIGRATION])
            conn.execute(_read("target-rows.sql").encode())
    except psycopg.Error as error:
        raise TargetError(
            f"the embedded target could not be filled: {error.diag.message_primary or type(error).__name__}",
            hint="an earlier attempt may have left tables: start with an empty work folder",
        ) from error


def _read(name: str) -> str:
    return resources.files("migrate.source.sample").joinpath(name).read_text(encoding="utf-8")
