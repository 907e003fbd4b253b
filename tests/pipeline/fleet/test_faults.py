"""Kills and freezes of coordinator, workers and PostgreSQL: the same command ends with identical bytes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migrate.postgres.embedded import EmbeddedServer
from tests.e2e.faults.harness import wait_until
from tests.pipeline.fleet.world import World, add_tenant
from tests.servers.libsql import free_port
from tests.tools.commands import Done, content, environment, migrate, start

pytestmark = pytest.mark.slow

_TENANT = ("begun", "snapshot", "checked", "uncommitted", "committed", "quarantined")
_STEPS = ("begin", "end", "recorded")
#: Of one run in one process, where each may be the last that the coordinator does.
EACH = (
    *(f"open:{step}" for step in ("taken", "secret", "cleared", "begun")),
    *(f"{stage}:{step}" for stage in ("schema", "preflight", "tenants", "fleet checks") for step in _STEPS),
    *(f"tenant:{step}" for step in _TENANT),
    *(f"tenant:{step}#3" for step in _TENANT[:5]),
    *("snapshot:page#4", "snapshot:compared", "snapshot:renamed#2", "Person:batch", "Note:finished#2"),
    *("fleet:outcome", "fleet:outcome#2", "fleet.csv:written", "fleet.html:renamed"),
)
TOGETHER = (
    *(f"backup:{step}" for step in ("dumped", "drilled", "kept", "recorded")),
    *(f"cleanup:{step}" for step in ("uncommitted", "committed", "recorded")),
    *(f"tenant:{step}#2" for step in _TENANT[:5]),
    *("tenants:recorded", "publish:recorded"),
    *(f"publish:{step}" for step in ("build#3", "lock", "exchanged", "uncommitted", "committed", "recorded")),
    *("fleet checks:recorded", "fleet:recorded"),
)
EACH_WORKER = tuple(f"tenant:{step}" for step in _TENANT[:5])
_FATES = """
SELECT t.tenant, f.source_table, f.source_id, f.fate, f.reason FROM migrate_ledger.fate f
JOIN migrate_ledger.fleet_tenant t ON f.run_id = (
    SELECT value FROM migrate_ledger.setting WHERE key = 'fleet_run') || '/' || t.tenant || '/' || t.attempt
ORDER BY 1, 2, 3"""


def held(world: World) -> dict[str, Any]:
    """Return what a finished run left: rows, ids, fates, shared rows, and the state of every tenant."""
    return {
        **content(world.url),
        "ids": world.rows("SELECT * FROM migrate_ledger.fleet_id_map ORDER BY 1, 2, 3"),
        "fates": world.rows(_FATES),
        "shared": world.rows("SELECT * FROM migrate_ledger.fleet_shared ORDER BY 1, 2, 3"),
        "kept": world.rows("SELECT tenant, target, row FROM migrate_ledger.fleet_kept ORDER BY 1, 2, 3"),
        "lines": [(line.tenant, line.state, line.rows, line.fates, line.kind) for line in world.lines()],
    }


def add_six(world: World) -> None:
    for number in range(5):
        add_tenant(world.at / "tenants", f"t{number}", shift=number * 5)
    (world.at / "tenants" / "dead.db").write_bytes(b"no database at all" * 100)


def words(world: World, *more: str) -> tuple[str, ...]:
    places = ("--config", str(world.config), "--work", str(world.at / "work"))
    return ("fleet", "run", *places, "--yes", *more)


def run(world: World, *more: str, code: int | None = 0, **variables: str) -> Done:
    return migrate(*words(world, *more), code=code, **variables)


@pytest.fixture(scope="module")
def undisturbed(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run leaves that nothing disturbs; both ways to publish leave the same."""
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE undisturbed_fleet")
    world = World(tmp_path_factory.mktemp("undisturbed"), postgres.url("undisturbed_fleet"))
    add_six(world)
    world.run()
    left = held(world)
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("DROP DATABASE undisturbed_fleet WITH (FORCE)")
    return left


@pytest.fixture
def world(tmp_path: Path, database: str) -> World:
    made = World(tmp_path / "fleet", database)
    add_six(made)
    return made


@pytest.mark.parametrize(("way", "point"), [("--each", one) for one in EACH]
                         + [("--together", one) for one in TOGETHER])  # fmt: skip
def test_the_same_command_ends_a_run_that_was_killed(
    world: World, undisturbed: dict[str, Any], way: str, point: str
) -> None:
    killed = run(world, way, "--workers", "0", code=None, MIGRATE_KILL_AT=point)
    assert killed.code == -signal.SIGKILL, killed.err
    run(world, way, "--workers", "0")
    assert held(world) == undisturbed


@pytest.mark.parametrize(
    "point", [f"tenant:{step}" for step in _TENANT[:5]] + ["snapshot:page", "Note:batch"]
)
def test_workers_that_are_killed_are_replaced(world: World, undisturbed: dict[str, Any], point: str) -> None:
    """Each worker process dies at its second tenant."""
    often = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "50"}
    run(world, "--workers", "2", MIGRATE_KILL_AT=f"{point}#{4 if ':page' in point else 2}", **often)
    assert held(world) == undisturbed


def test_a_tenant_at_which_workers_always_die_is_put_in_quarantine(world: World) -> None:
    run(world, "--workers", "2", "--max-quarantined", "0", code=1, MIGRATE_KILL_AT="tenant:begun")
    assert {line.kind for line in world.lines() if line.state == "quarantined"} == {"worker"}


def test_a_coordinator_that_is_killed_leaves_no_worker_behind(
    world: World, undisturbed: dict[str, Any]
) -> None:
    process = start(*words(world, "--workers", "2"))
    wait_until(lambda: _published(world) > 0, "a tenant is live")
    process.kill()
    process.communicate()
    wait_until(lambda: _sessions(world) == 0, "the workers' sessions have ended", 60)
    before = world.rows("SELECT tenant, at FROM migrate_ledger.fleet_tenant WHERE state = 'published'")
    run(world, "--workers", "2")
    assert held(world) == undisturbed
    after = dict(world.rows("SELECT tenant, at FROM migrate_ledger.fleet_tenant"))
    assert [(tenant, after[tenant]) for tenant, _ in before] == before


def test_workers_use_a_session_each_and_no_more(world: World) -> None:
    process = start(*words(world, "--workers", "2"))
    most = 0
    while process.poll() is None:
        with contextlib.suppress(psycopg.Error):
            most = max(most, _sessions(world, ours=True))
        time.sleep(0.02)
    assert process.communicate()[0].startswith("Published: 5")
    assert most == 3  # the coordinator's and two workers'


def test_postgres_may_be_killed(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    server = EmbeddedServer(tmp_path / "cluster", settings={"fsync": "off"})
    with server:
        world = World(tmp_path / "fleet", server.url())
        add_six(world)
        process = start(*words(world, "--workers", "2"))
        wait_until(lambda: _published(world) > 0, "a tenant is live")
        kill_all(server)
        process.communicate(timeout=120)
        assert process.returncode in (1, 3)
    with server:
        world = World(tmp_path / "fleet", server.url())
        run(world, "--workers", "2")
        assert held(world) == undisturbed
    server.destroy()


def kill_all(server: EmbeddedServer) -> None:
    """End every process of a server, as a power cut does."""
    first = (server.data / "postmaster.pid").read_text().splitlines()[0]
    stats = {
        path.parent.name: path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()
    }
    family = [first, *(pid for pid, text in stats.items() if text.rpartition(")")[2].split()[1] == first)]
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    wait_until(lambda: not server.running, "PostgreSQL is gone")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a Dask scheduler with two workers, of which the second freezes at its first tenant."""
    address = f"tcp://127.0.0.1:{free_port()}"
    program = str(Path(sys.executable).with_name("dask"))
    quick = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s"}

    def begin(*said: str, **variables: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [program, *said], env=environment(**quick, **variables), cwd=tmp_path,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    begun = [begin("scheduler", "--host", address[:address.rindex(":")], "--port", address.rpartition(":")[2],
                   "--no-dashboard")]  # fmt: skip
    worker = ("worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny")
    begun += [begin(*worker), begin(*worker, MIGRATE_FREEZE_AT="tenant:checked")]
    yield address, begun
    for process in begun:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_worker_that_is_frozen_and_woken_writes_nothing(
    world: World, undisturbed: dict[str, Any], cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, processes = cluster
    run(world, "--scheduler", address)
    before = world.rows("SELECT tenant, at FROM migrate_ledger.fleet_tenant ORDER BY 1")
    assert held(world) == undisturbed
    frozen = processes[2].pid
    assert any(line.attempt == 2 for line in world.lines())
    os.kill(frozen, signal.SIGCONT)
    time.sleep(3)
    assert held(world) == undisturbed
    assert world.rows("SELECT tenant, at FROM migrate_ledger.fleet_tenant ORDER BY 1") == before


def _published(world: World) -> int:
    try:
        return int(
            world.rows("SELECT count(*) FROM migrate_ledger.fleet_tenant WHERE state = 'published'")[0][0]
        )
    except psycopg.Error:
        return 0


def _sessions(world: World, *, ours: bool = False) -> int:
    names = "application_name LIKE 'migrate: %'" if ours else "application_name = 'migrate: fleet worker'"
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {names}"
    return int(world.rows(query)[0][0])
