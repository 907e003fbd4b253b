"""The command line as an operator types it, on real servers."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.target import seed_target
from migrate.source.sample.write import write_sample
from tests.servers.libsql import LibsqlServer, Signer
from tests.tools.commands import content, embedded_content, migrate, query, start

#: What the module's fixtures make is made once, for one process that runs all of its tests.
pytestmark = pytest.mark.xdist_group("end to end")

SECRET = "an id secret of the tests"
#: A sample that is small enough to be migrated in seconds and has every defect.
SETTINGS = {
    "MIGRATE__IDS__SECRET": SECRET,
    "MIGRATE__SAMPLE__SCALE": "0.25",
    "MIGRATE__LOAD__BATCH_ROWS": "500",
}
FILLED = (
    "users",
    "messages",
    "user_metadata",
    "studios",
    "studio_images",
    "user_connections",
    "reviews",
)


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("legacy") / "legacy.db"
    write_sample(path, scale=0.25, seed=1)
    return path


@pytest.fixture(scope="module")
def undisturbed_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed; it existed, and others may read it."""
    work = tmp_path_factory.mktemp("undisturbed") / "work"
    work.mkdir()
    work.chmod(0o755)
    before = os.umask(0o022)
    try:
        migrate("run", "--work", str(work), "--yes", **SETTINGS)
    finally:
        os.umask(before)
    return work


@pytest.fixture(scope="module")
def undisturbed(undisturbed_work: Path) -> dict[str, str]:
    """The live content after a run that nothing disturbed."""
    return embedded_content(undisturbed_work)


def test_no_file_of_a_run_is_readable_by_others_and_a_folder_that_existed_keeps_its_mode(
    undisturbed_work: Path,
) -> None:
    assert undisturbed_work.stat().st_mode & 0o777 == 0o755
    parts = [path for path in undisturbed_work.rglob("*") if not path.is_symlink()]
    assert {"snapshot.db", "crosswalk.db", "report.html", "log.jsonl"} <= {path.name for path in parts}
    assert not {path.name: oct(path.stat().st_mode) for path in parts if path.stat().st_mode & 0o077}


@pytest.fixture
def application(database: str) -> str:
    """A PostgreSQL database that is not ours, with the application's tables and rows."""
    with psycopg.connect(database) as connection:
        seed_target(connection)
    return database


def test_run_then_again_then_rollback_then_run(work: Path) -> None:
    migrate("plan", "--work", str(work), **SETTINGS)
    before = embedded_content(work)
    first = migrate("run", "--work", str(work), "--yes", "--json", **SETTINGS).json()
    after = embedded_content(work)
    assert first["outcome"] == "published"
    for flow in first["flows"]:
        gone = sum(sum(flow[fate].values()) for fate in ("merged", "rejected", "excluded"))
        assert flow["migrated"] + gone == flow["rows"] > 0, flow
    assert all(after[table] != before[table] for table in FILLED)
    assert after["_prisma_migrations"] == before["_prisma_migrations"]

    again = migrate("run", "--work", str(work), "--yes", **SETTINGS)
    assert "already published" in again.err
    assert embedded_content(work) == after
    migrate("verify", "--published", "--deep", "--work", str(work), **SETTINGS)

    migrate("rollback", "--work", str(work), "--yes", **SETTINGS)
    assert embedded_content(work) == before
    assert migrate("status", "--work", str(work), "--json").json()["outcome"] == "rolled_back"

    migrate("run", "--work", str(work), "--yes", **SETTINGS)
    assert embedded_content(work) == after


@pytest.mark.slow
def test_typed_again_a_rollback_does_nothing_and_undo_takes_it_back(work: Path) -> None:
    migrate("run", "--work", str(work), "--yes", **SETTINGS)
    published, ids = embedded_content(work), embedded_content(work, "migrate_ledger")["id_map"]
    migrate("rollback", "--work", str(work), "--yes", **SETTINGS)
    assert embedded_content(work, "migrate_ledger")["id_map"] != ids
    backs = embedded_content(work)
    assert "Already rolled back" in migrate("rollback", "--work", str(work), "--yes", **SETTINGS).out
    assert embedded_content(work) == backs
    migrate("rollback", "--work", str(work), "--yes", "--undo", **SETTINGS)
    assert embedded_content(work) == published
    assert embedded_content(work, "migrate_ledger")["id_map"] == ids


@pytest.mark.slow
def test_without_a_secret_one_is_made_and_kept(work: Path) -> None:
    free = {key: value for key, value in SETTINGS.items() if "SECRET" not in key}
    migrate("run", "--work", str(work), "--yes", **free)
    first = embedded_content(work)
    migrate("rollback", "--work", str(work), "--yes", **free)
    migrate("run", "--work", str(work), "--yes", **free)
    assert embedded_content(work) == first


def test_every_way_in_and_every_server_gives_the_same_content(
    tmp_path: Path, legacy: Path, undisturbed: dict[str, str], application: str
) -> None:
    signer = Signer()
    with LibsqlServer(tmp_path / "sqld", content=legacy, signer=signer) as libsql:
        migrate(
            "run", "--work", str(tmp_path / "work"), "--yes", **SETTINGS,
            TURSO_DATABASE_URL=libsql.url, TURSO_AUTH_TOKEN=signer.token(access="ro"),
            MIGRATE__TARGET__URL=f"{application}&schema=public&connection_limit=5",
        )  # fmt: skip
    assert content(application) == undisturbed
    # I8: what is ours is in schemas of our own, and the application's own table is untouched.
    assert query(application, "SELECT count(*) FROM _prisma_migrations") == [(1,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",  # the others, and the quick ones: tests/e2e/faults/test_killed.py
    ["messages:batch", "snapshot:page#3", "publish:committed"],
)
def test_killed_anywhere_the_same_command_finishes_with_the_same_content(
    work: Path, undisturbed: dict[str, str], point: str
) -> None:
    killed = migrate("run", "--work", str(work), "--yes", code=None, **SETTINGS, MIGRATE_KILL_AT=point)
    assert killed.code == -signal.SIGKILL, killed.err
    migrate("run", "--work", str(work), "--yes", **SETTINGS)
    assert embedded_content(work) == undisturbed


@pytest.mark.slow
def test_interrupted_it_stops_after_the_batch_and_says_how_to_go_on(
    work: Path, undisturbed: dict[str, str]
) -> None:
    process = start("run", "--work", str(work), "--yes", **SETTINGS)
    while process.poll() is None and "users" not in _stages(work):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _out, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "run the same command again" in err
    migrate("run", "--work", str(work), "--yes", **SETTINGS)
    assert embedded_content(work) == undisturbed


def _stages(work: Path) -> list[str]:
    try:
        return list(json.loads((work / "state.json").read_text())["stages"])
    except (FileNotFoundError, ValueError):
        return []


def test_a_dry_run_only_reads_the_live_target(tmp_path: Path, legacy: Path, application: str) -> None:
    before = content(application)
    done = migrate(
        "verify", "--work", str(tmp_path / "work"), "--json", **SETTINGS,
        MIGRATE__SOURCE__URL=str(legacy), MIGRATE__TARGET__URL=application,
    )  # fmt: skip
    assert done.json()["outcome"] == "published"
    assert content(application) == before
    assert query(application, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'migrate%'") == []


@pytest.mark.slow
def test_a_dry_run_and_the_run_after_it_make_the_same_ids(work: Path) -> None:
    free = {key: value for key, value in SETTINGS.items() if "SECRET" not in key}
    migrate("verify", "--work", str(work), **free)
    with EmbeddedServer(work / "rehearsal") as server:
        rehearsed = content(server.url("rehearsal"))
    migrate("run", "--work", str(work), "--yes", **free)
    live = embedded_content(work)
    assert {table: live[table] for table in FILLED} == {table: rehearsed[table] for table in FILLED}


@pytest.mark.slow
def test_rows_written_after_the_backup_stop_publish(tmp_path: Path, legacy: Path, application: str) -> None:
    settings = {**SETTINGS, "MIGRATE__SOURCE__URL": str(legacy), "MIGRATE__TARGET__URL": application}
    work = str(tmp_path / "work")
    migrate("run", "--work", work, "--yes", code=None, **settings, MIGRATE_KILL_AT="publish:begin")
    with psycopg.connect(application) as connection:
        connection.execute("UPDATE studios SET name = name || ' (renamed)'")
    written = content(application)
    done = migrate("run", "--work", work, "--yes", code=1, **settings)
    assert "studios" in done.err
    assert "messages" not in done.err.split("error:")[1].split("\n")[0]
    assert content(application) == written


@pytest.mark.slow
def test_rows_written_after_publish_stop_a_rollback_unless_asked_to(
    tmp_path: Path, legacy: Path, application: str
) -> None:
    settings = {**SETTINGS, "MIGRATE__SOURCE__URL": str(legacy), "MIGRATE__TARGET__URL": application}
    work = str(tmp_path / "work")
    before = content(application)
    migrate("run", "--work", work, "--yes", **settings)
    with psycopg.connect(application) as connection:
        connection.execute("DELETE FROM reviews")
    done = migrate("rollback", "--work", work, "--yes", code=1, **settings)
    assert "reviews" in done.err
    assert "--discard-changes" in done.err
    migrate("rollback", "--work", work, "--yes", "--discard-changes", **settings)
    assert content(application) == before


@pytest.mark.slow
def test_given_up_before_publish_nothing_of_ours_is_left_in_the_way(
    tmp_path: Path, legacy: Path, application: str
) -> None:
    settings = {**SETTINGS, "MIGRATE__SOURCE__URL": str(legacy), "MIGRATE__TARGET__URL": application}
    work = str(tmp_path / "work")
    before = content(application)
    migrate("run", "--work", work, "--yes", code=None, **settings, MIGRATE_KILL_AT="messages:batch")
    migrate("rollback", "--work", work, "--yes", **settings)
    assert content(application) == before
    assert query(application, "SELECT 1 FROM pg_namespace WHERE nspname = 'migrate_staging'") == []
    migrate("run", "--work", work, "--yes", **settings)


def test_ids_are_found_both_ways(work: Path) -> None:
    migrate("run", "--work", str(work), "--yes", **SETTINGS)
    with EmbeddedServer(work) as server:
        merged = query(
            server.url(),
            "SELECT legacy_id, new_id FROM migrate_ledger.id_map"
            " WHERE via = 'same_email' AND entity = 'users' LIMIT 1",
        )
        message = query(server.url(), "SELECT id FROM messages ORDER BY id LIMIT 1")[0][0]
    legacy_id, new_id = merged[0]
    assert migrate("ids", "users", legacy_id, "--work", str(work), **SETTINGS).out.strip() == new_id
    assert f"users {legacy_id}" in migrate("ids", "--reverse", new_id, "--work", str(work), **SETTINGS).out
    entity, number = migrate("ids", "--reverse", message, "--work", str(work), **SETTINGS).out.split()
    assert migrate("ids", entity, number, "--work", str(work), **SETTINGS).out.strip() == message
    migrate("ids", "--reverse", "c" * 25, "--work", str(work), code=1, **SETTINGS)
    unknown = migrate("ids", "users", "999999999", "--work", str(work), code=1, **SETTINGS)
    assert "has no row in the target" in unknown.err
    unknown = migrate("ids", "shows_users", "1", "--work", str(work), code=2, **SETTINGS)
    assert "known are users" in unknown.err
