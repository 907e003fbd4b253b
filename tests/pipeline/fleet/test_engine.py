"""Who runs the tenants' tasks: the workers of Dask, and what is refused before they start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dask
import pytest
from distributed import Client, LocalCluster

from migrate.pipeline.fleet.engine import open_engine, require_dask
from migrate.pipeline.fleet.open_fleet import make_fleet, open_fleet
from migrate.pipeline.fleet.tenants import read_tenants
from migrate.pipeline.run_mode import RunMode
from migrate.runtime.config import load_config
from migrate.runtime.errors import TargetUnavailable, UsageError
from tests.pipeline.fleet.world import Notes, World, add_tenant
from tests.tools.commands import environment, migrate


def test_two_workers_migrate_a_fleet_and_write_no_tenant_twice(tmp_path: Path, database: str) -> None:
    world = World(tmp_path / "fleet", database)
    for number in range(4):
        add_tenant(world.at / "tenants", f"t{number}")
    words = ("fleet", "run", "--config", str(world.config), "--work", str(world.at / "work"), "--yes")
    done = migrate(*words, "--workers", "2", "--json")
    assert done.json()["tenants"] == {"published": 4}
    assert "4 tenants, 2 workers" in done.err
    assert not list((world.at / "work" / "fleet-snapshots").iterdir())
    at = world.rows("SELECT tenant, at, attempt FROM migrate_ledger.fleet_tenant")
    world.run()
    assert world.rows("SELECT tenant, at, attempt FROM migrate_ledger.fleet_tenant") == at


def test_no_worker_looks_at_the_frames_of_its_threads(tmp_path: Path, database: str) -> None:
    """Dask's profiler would do so every 10 ms, and stop the process for ever once in a while."""
    world = World(tmp_path / "fleet", database)
    add_tenant(world.at / "tenants", "t0")
    dask.config.set({"distributed.worker.profile.enabled": True})
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        address = cluster.scheduler_address
        world.config.write_text(
            world.config.read_text().replace("[fleet]\n", f'[fleet]\nscheduler = "{address}"\n')
        )
        config = load_config(world.config)
        with (
            open_fleet(config, world.at / "work", Notes(), RunMode.START) as run,
            Client(cluster, set_as_default=False) as client,
        ):
            fleet = make_fleet(run, read_tenants(config))
            assert callbacks(client) >= {"profile", "profile-cycle"}
            with open_engine(config, fleet.job(), lambda _wanted: None):
                assert callbacks(client) & {"profile", "profile-cycle"} == set()


def callbacks(client: Client) -> set[str]:
    """Return what the only worker of a cluster does at intervals."""
    [found] = client.run(lambda dask_worker: set(dask_worker.periodic_callbacks)).values()
    return set(found)


def test_more_workers_than_free_sessions_are_refused_before_they_start(tmp_path: Path, database: str) -> None:
    world = World(tmp_path / "fleet", database, settings="max_quarantined = 0.5")
    add_tenant(world.at / "tenants", "t0")
    world.config.write_text(world.config.read_text().replace("workers = 0", "workers = 900"))
    with pytest.raises(TargetUnavailable, match="sessions free, but 900 workers need one each"):
        world.run()
    assert [line.attempt for line in world.lines()] == [0]


def test_without_the_extra_the_commands_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as refused:
        require_dask()
    assert "turso-to-prisma[fleet]" in str(refused.value.hint)


def test_neither_a_run_nor_a_coordinator_imports_dask_before_it_is_needed() -> None:
    script = (
        "import sys, migrate.cli.run, migrate.pipeline.order, migrate.cli.fleet.fleet_run\n"
        "assert not [name for name in sys.modules if name.startswith('migrate.pipeline.fleet')]\n"
        "import migrate.pipeline.fleet.coordinator\n"
        "assert not {'dask', 'distributed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], env=environment(), check=True)
