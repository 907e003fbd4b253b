"""`migrate clean`: what is ours goes, what is the operator's or the application's stays."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrate.source.sample.target import seed_target
from tests.tools.commands import content, migrate, query

SMALL = {"MIGRATE__SAMPLE__SCALE": "0.02", "MIGRATE__IDS__SECRET": "an id secret of the tests"}
_OURS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'migrate%' ORDER BY 1"


@pytest.fixture
def target(database: str) -> dict[str, str]:
    with psycopg.connect(database, autocommit=True) as connection:
        seed_target(connection)
    return {**SMALL, "MIGRATE__TARGET__URL": database}


def test_all_of_ours_goes_and_the_live_rows_stay(work: Path, target: dict[str, str]) -> None:
    url = target["MIGRATE__TARGET__URL"]
    migrate("run", "--work", str(work), "--yes", **target)
    live = content(url)
    said = migrate("clean", "--work", str(work), "--yes", **target).out
    assert "schema migrate_staging" in said
    assert "snapshot.db" in said
    assert query(url, _OURS) == []
    assert content(url) == live
    assert not work.exists()


def test_papers_and_the_map_of_ids_stay_where_asked_and_so_does_a_file_of_the_operator(
    work: Path, target: dict[str, str]
) -> None:
    url = target["MIGRATE__TARGET__URL"]
    migrate("run", "--work", str(work), "--yes", **target)
    ids = query(url, "SELECT count(*) FROM migrate_ledger.id_map")
    (work / "notes.txt").write_text("mine")
    words = ("--keep", "report", "--keep", "map", "--keep", "log")
    facts = migrate("clean", "--work", str(work), "--yes", "--json", *words, **target).json()
    left = {path.name for path in work.iterdir()}
    assert left == set(facts["kept"])
    assert "notes.txt" in left
    assert {"summary.json", "checks.json", "log.jsonl"} <= left
    assert not left & {"snapshot.db", "crosswalk.db", "state.json", "backups"}
    assert facts["removed_bytes"] > 0
    assert query(url, "SELECT count(*) FROM migrate_ledger.id_map") == ids
    assert query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'migrate_ledger'") == [("id_map",)]


def test_a_run_that_is_not_finished_is_refused(work: Path, target: dict[str, str]) -> None:
    migrate("run", "--work", str(work), "--yes", code=None, **target, MIGRATE_KILL_AT="messages:batch")
    said = migrate("clean", "--work", str(work), "--yes", code=2, **target).err
    assert "not finished" in said
    assert "migrate rollback" in said
    assert (work / "snapshot.db").exists()


@pytest.mark.slow
def test_an_embedded_target_stays_unless_it_is_named(work: Path) -> None:
    migrate("run", "--work", str(work), "--yes", **SMALL)
    migrate("clean", "--work", str(work), "--yes", **SMALL)
    counted = ("psql", "--work", str(work), "--", "-At", "-c", "SELECT count(*) > 0 FROM users")
    assert migrate(*counted, **SMALL).out.strip() == "t"
    migrate("clean", "--work", str(work), "--yes", "--embedded", **SMALL)
    assert not work.exists()


def test_a_folder_that_is_not_there_is_reported(work: Path) -> None:
    assert "there is no folder" in migrate("clean", "--work", str(work), "--yes", code=2).err
