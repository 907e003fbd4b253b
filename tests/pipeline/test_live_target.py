"""The embedded target: its tables follow their file as long as nothing was written to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from migrate.pipeline import mapping
from migrate.pipeline.live_target import open_target
from migrate.postgres.catalog import introspect
from migrate.postgres.connection import connect
from migrate.runtime.config import load_config

CONFIG = """
[target]
url = "embedded"
schema = "init.sql"
[mappers]
mapping = "mapping.toml"
"""
OLD = "CREATE TYPE kind AS ENUM ('a'); CREATE TABLE one (id text PRIMARY KEY, kind kind);"
NEW = "CREATE TYPE kind AS ENUM ('b'); CREATE TABLE two (id text PRIMARY KEY, kind kind);"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "mapping.toml").write_text("version = 1\n[tables]\n")
    (tmp_path / "init.sql").write_text(OLD)
    return tmp_path


def _opened(folder: Path, *statements: str) -> set[str]:
    """Open the target, run statements in it, and return the tables that it had before."""
    mapping._ddl.cache_clear()  # each command is a process of its own
    config = load_config(folder / "config.toml")
    with open_target(config, folder / "work") as target, connect(target.address) as connection:
        found = set(introspect(connection, "public").tables)
        _run(connection, *statements)
    return found


def _run(connection: psycopg.Connection[Any], *statements: str) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def test_empty_tables_follow_their_file(folder: Path) -> None:
    assert _opened(folder) == {"one"}
    assert _opened(folder) == {"one"}
    (folder / "init.sql").write_text(NEW)
    assert _opened(folder, "INSERT INTO public.two VALUES ('x', 'b')") == {"two"}
    (folder / "init.sql").write_text(OLD)
    assert _opened(folder) == {"two"}  # it holds a row


@pytest.mark.parametrize(
    "statement",
    [
        "COMMENT ON DATABASE postgres IS NULL",  # made by somebody else
        "CREATE SCHEMA migrate_ledger; CREATE TABLE migrate_ledger.publication (id int);"
        " INSERT INTO migrate_ledger.publication VALUES (1)",  # no rows were published
    ],
)
def test_tables_that_others_made_or_that_were_published_stay(folder: Path, statement: str) -> None:
    assert _opened(folder, statement) == {"one"}
    (folder / "init.sql").write_text(NEW)
    assert _opened(folder) == {"one"}
