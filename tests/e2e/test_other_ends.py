"""Ends that changed since a run: another schema, another source, another name, no ledger."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrate.source.sample.target import seed_target
from migrate.source.sample.write import write_sample
from tests.tools.commands import content, migrate

SECRET = {"MIGRATE__IDS__SECRET": "an id secret of the tests"}


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("legacy") / "legacy.db"
    write_sample(path, scale=0.05, seed=1)
    return path


@pytest.fixture
def application(database: str) -> str:
    with psycopg.connect(database) as connection:
        seed_target(connection)
    return database


def ends(source: Path, target: str, **more: str) -> dict[str, str]:
    return {"MIGRATE__SOURCE__URL": str(source), "MIGRATE__TARGET__URL": target, **SECRET, **more}


@pytest.mark.slow
def test_a_run_that_others_altered_meanwhile(application: str, legacy: Path, tmp_path: Path) -> None:
    work = ("--work", str(tmp_path / "work"), "--yes")
    before = content(application)
    settings = ends(legacy, application)
    migrate("run", *work, **settings)

    # another source into the same tables
    other = tmp_path / "other.db"
    write_sample(other, scale=0.05, seed=2)
    second = ("--work", str(tmp_path / "second"), "--yes")
    refused = migrate("run", *second, code=1, **ends(other, application))
    assert f"the live rows were migrated from {legacy}" in refused.err
    assert f"--replace-source {legacy}" in refused.err
    wrong = migrate("run", *second, "--replace-source", "another", code=1, **ends(other, application))
    assert "the live rows were migrated from" in wrong.err
    assert migrate("plan", *second[:2], **ends(other, application)).code == 0

    # another schema of the same database, with the same ledger
    with psycopg.connect(application) as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute("CREATE TABLE shop.users (id text)")
    in_shop = ends(legacy, application + "&schema=shop")
    apart = migrate("run", *second, code=1, **in_shop)
    assert "the ledger migrate_ledger belongs to the schema public, not to shop" in apart.err
    assert "MIGRATE__TARGET__LEDGER_SCHEMA=migrate_ledger_shop" in apart.err

    # a column that was dropped since
    with psycopg.connect(application) as connection:
        connection.execute("ALTER TABLE reviews RENAME COLUMN rating TO stars")
    altered = migrate("rollback", *work, code=1, **settings)
    assert "reviews.rating: the column is gone; it was " in altered.err
    assert "application has written" not in altered.err
    with psycopg.connect(application) as connection:
        connection.execute("ALTER TABLE reviews RENAME COLUMN stars TO rating")

    # the same server under another name
    renamed = application.replace("127.0.0.1", "localhost")
    assert renamed != application
    migrate("rollback", *work, **ends(legacy, renamed))
    assert content(application) == before

    # the ledger is gone
    migrate("rollback", *work, "--undo", **settings)
    with psycopg.connect(application) as connection:
        connection.execute("DROP SCHEMA migrate_ledger CASCADE")
    gone = migrate("rollback", *work, code=1, **settings)
    assert "the ledger of the run" in gone.err
    assert "pg_restore" in gone.err
    with psycopg.connect(application) as connection:
        made = connection.execute("SELECT to_regnamespace('migrate_ledger')").fetchone()
    assert made == (None,)


def test_without_folder_and_backup_the_way_that_works_is_named(tmp_path: Path) -> None:
    lost = migrate("rollback", "--work", str(tmp_path / "lost"), "--yes", code=2)
    assert "migrate rollback --backup FOLDER" in lost.err
