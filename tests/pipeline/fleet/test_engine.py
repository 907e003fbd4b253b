"""Who runs the tenants' tasks: the workers of Dask, and what is refused before they start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from migrate.pipeline.fleet.engine import require_dask
from migrate.runtime.errors import TargetUnavailable, UsageError
from tests.pipeline.fleet.world import World, add_tenant
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
