"""Rows that cross from one database to another arrive byte for byte, or not at all."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from backups.errors import BackupError
from backups.restore import restored_database
from backups.transfer import copy_tables
from migrate.postgres.embedded import binary
from migrate.postgres.table_checksum import measure
from tests.backups.conftest import SCHEMA, Live

TABLES = ("_prisma_migrations", "counted", "empty", "odd values", "users")
_STAGING = f"""
    CREATE SCHEMA staging;
    CREATE TABLE staging.users (LIKE "{SCHEMA}".users);
    CREATE TABLE staging."odd values" (LIKE "{SCHEMA}"."odd values" INCLUDING GENERATED);
    CREATE TABLE staging.counted (LIKE "{SCHEMA}".counted);
    CREATE TABLE staging.empty (LIKE "{SCHEMA}".empty);
    CREATE TABLE staging._prisma_migrations (LIKE "{SCHEMA}"._prisma_migrations);
"""


@contextmanager
def _restored(live: Live) -> Iterator[psycopg.Connection]:
    manifest = live.dump()
    with (
        restored_database(
            live.folder / manifest.file, schema=SCHEMA, needs=manifest.surroundings,
            server=live.throwaway, pg_restore=binary("pg_restore"),
        ) as restored,
        psycopg.connect(restored.address, autocommit=True) as conn,
    ):  # fmt: skip
        yield conn


@pytest.fixture
def target(live: Live) -> Iterator[psycopg.Connection]:
    """A connection to the live database, with a staging schema in it."""
    live.run(_STAGING)
    with psycopg.connect(live.address, autocommit=True) as conn:
        yield conn


def test_the_backup_comes_back_byte_for_byte_after_everything_was_replaced(
    live: Live, target: psycopg.Connection
) -> None:
    before = live.contents()
    with _restored(live) as old:
        live.run('TRUNCATE users, "odd values", counted, empty, _prisma_migrations')
        assert copy_tables(old, target, SCHEMA, "staging", TABLES) == {
            "_prisma_migrations": 1, "counted": 1000, "empty": 0, "odd values": 4, "users": 3
        }  # fmt: skip
    assert {table: measure(target, "staging", table) for table in TABLES} == before


def test_settings_of_the_two_sessions_do_not_alter_a_value(live: Live, target: psycopg.Connection) -> None:
    before = live.contents()
    target.execute("SET IntervalStyle = 'sql_standard'")
    target.execute("SET DateStyle = 'German'")
    with _restored(live) as old:
        old.execute("SET DateStyle = 'SQL, MDY'")
        old.execute("SET extra_float_digits = -10")
        old.execute("SET client_encoding = 'LATIN1'")
        copy_tables(old, target, SCHEMA, "staging", TABLES)
    target.execute("RESET ALL")
    assert {table: measure(target, "staging", table) for table in TABLES} == before


def test_an_empty_text_and_a_null_stay_apart(live: Live, target: psycopg.Connection) -> None:
    with _restored(live) as old:
        copy_tables(old, target, SCHEMA, "staging", ["users"])
    rows = target.execute("SELECT id, email FROM staging.users WHERE id <> 'u1' ORDER BY id").fetchall()
    assert rows == [("u2", None), ("u3", "")]


def test_it_belongs_to_the_transaction_of_the_target(live: Live, target: psycopg.Connection) -> None:
    with _restored(live) as old:
        with target.transaction() as transaction:
            copy_tables(old, target, SCHEMA, "staging", TABLES)
            raise psycopg.Rollback(transaction)
        assert measure(target, "staging", "counted").rows == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE staging.users ADD nick text", "nick is in the target only"),
        ("ALTER TABLE staging.users DROP seen", "seen is in the backup only"),
        ("DROP TABLE staging.users", "the schema staging has no table users"),
    ],
)
def test_a_table_that_changed_since_the_backup_is_named(
    live: Live, target: psycopg.Connection, change: str, said: str
) -> None:
    target.execute(change)
    with _restored(live) as old, pytest.raises(BackupError, match=said) as caught:
        copy_tables(old, target, SCHEMA, "staging", ["users"])
    assert caught.value.hint


def test_columns_in_another_order_are_matched_by_name(live: Live, target: psycopg.Connection) -> None:
    target.execute("DROP TABLE staging.counted")
    target.execute("CREATE TABLE staging.counted (what varchar(5), n integer)")
    with _restored(live) as old:
        copy_tables(old, target, SCHEMA, "staging", ["counted"])
    assert target.execute("SELECT n FROM staging.counted WHERE what = 'w7'").fetchall() == [(7,)]


def test_a_refused_row_is_not_quoted(live: Live, target: psycopg.Connection) -> None:
    target.execute("ALTER TABLE staging.users ALTER email TYPE varchar(3)")
    with (
        _restored(live) as old,
        pytest.raises(BackupError, match="table users could not be copied") as caught,
    ):
        copy_tables(old, target, SCHEMA, "staging", ["users"])
    assert "example" not in caught.value.message
    assert measure(target, "staging", "users").rows == 0


def test_a_source_that_dies_midway_leaves_no_row(live: Live, target: psycopg.Connection) -> None:
    # More than the buffers between the two sessions hold.
    live.run(
        "INSERT INTO users (id, email) SELECT 'k' || g, g || repeat('x', 2000) FROM generate_series(1, 2e4) g"
    )
    with psycopg.connect(live.address, autocommit=True) as source:
        target.execute(
            "CREATE FUNCTION staging.kill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" PERFORM pg_terminate_backend({source.info.backend_pid}) WHERE NEW.id = 'k100';"
            " RETURN NEW; END $$"
        )
        target.execute(
            "CREATE TRIGGER kill BEFORE INSERT ON staging.users FOR EACH ROW EXECUTE FUNCTION staging.kill()"
        )
        with pytest.raises(BackupError, match="table users could not be copied"):
            copy_tables(source, target, SCHEMA, "staging", ["users"])
    assert target.execute("SELECT count(*) FROM staging.users").fetchall() == [(0,)]


def test_memory_does_not_grow_with_the_table(live: Live, target: psycopg.Connection) -> None:
    live.run("INSERT INTO counted (what) SELECT 'x' FROM generate_series(1, 200000)")
    with psycopg.connect(live.address, autocommit=True) as source:
        tracemalloc.start()
        try:
            copied = copy_tables(source, target, SCHEMA, "staging", ["counted"])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert copied == {"counted": 201_000}
    assert peak < 4_000_000
