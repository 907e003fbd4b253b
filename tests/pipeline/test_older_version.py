"""A run that version 0.1 published is rolled back by this version.

`version_0_1/` is what version 0.1.0 left of a small sample in PostgreSQL 18: the whole database
as SQL, state file, receipt and backup. It is never made again: that is what it is for.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrate.pipeline.id_secret import rule_of
from migrate.pipeline.ids import BASE36
from migrate.pipeline.state import State
from migrate.postgres.connection import parse_url
from migrate.postgres.embedded import EmbeddedServer, binary
from migrate.publish import backup_store
from migrate.report.receipt import FILE, check_receipt, read_receipt
from migrate.staging.ledger import Ledger
from tests.tools.commands import content, migrate

KEPT = Path(__file__).parent / "version_0_1"
#: Version 0.1 published in this database, on a server that is gone.
ADDRESS = "127.0.0.1:55999/app"


@pytest.fixture
def published(database: str) -> str:
    """The URL of a database that version 0.1 has migrated, on the tests' server."""
    text = gzip.decompress((KEPT / "target.sql.gz").read_bytes())
    words = ("--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", f"--dbname={database}")
    subprocess.run([binary("psql"), *words], input=text, check=True)
    return database


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The work folder of version 0.1, as it was copied from its machine."""
    return shutil.copytree(KEPT / "work", tmp_path / "left")


@pytest.fixture
def before(postgres: EmbeddedServer, database: str, left: Path) -> Iterator[dict[str, str]]:
    """The content of the backup, restored by PostgreSQL's own program."""
    [folder] = (left / backup_store.FOLDER).iterdir()
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE restored")
        words = ("--no-owner", "--no-acl", "--schema=public", f"--dbname={postgres.url('restored')}")
        subprocess.run([binary("pg_restore"), *words, folder / backup_store.DUMP], check=True)
        yield content(postgres.url("restored"))
        admin.execute("DROP DATABASE restored")


def outcome(work: Path) -> str:
    state = State.load(work)
    assert state is not None
    return state.document.outcome


def test_its_work_folder_leads_back_and_forth(published: str, left: Path, before: dict[str, str]) -> None:
    state = State.load(left)
    assert state is not None
    assert state.document.binding["target"] == ADDRESS != parse_url(published).label
    migrated = content(published)
    assert migrated["users"] != before["users"]
    words = ("rollback", "--work", str(left), "--yes")

    migrate(*words, MIGRATE__TARGET__URL=published)
    assert content(published) == before
    assert outcome(left) == "rolled_back"

    migrate(*words, "--undo", MIGRATE__TARGET__URL=published)
    assert content(published) == migrated
    assert outcome(left) == "published"
    with psycopg.connect(published) as connection:
        assert rule_of(Ledger(connection)) == BASE36
    receipt = read_receipt(left / FILE)
    check_receipt(receipt)
    assert [one["kind"] for one in receipt.of("publications")] == ["publish", "rollback", "rollback"]


@pytest.mark.slow
def test_its_backup_leads_back_without_its_work_folder(
    published: str, left: Path, before: dict[str, str], tmp_path: Path
) -> None:
    [backup] = (left / backup_store.FOLDER).iterdir()
    words = ("rollback", "--work", str(tmp_path / "new"), "--backup", str(backup), "--yes")
    migrate(*words, MIGRATE__TARGET__URL=published)
    assert content(published) == before
