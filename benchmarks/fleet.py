"""A fleet: what a tenant costs, what a second worker brings, and whether the coordinator's memory is flat."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import Measured, measure
from benchmarks.server import Server
from tests.pipeline.fleet.world import SOURCE, World
from tests.servers.libsql import LibsqlServer
from tests.servers.proxy import Proxy

#: Seconds before each piece that a distant source sends or gets.
_DELAY: Final = 0.02
#: So many tenants pay for imports, workers and connections.
_FEW: Final = 4


@dataclass(frozen=True)
class FleetSize:
    """How many tenants are measured: of 1,000 rows, at a distant source, and of 100 rows in one run."""

    tenants: int = 200
    distant: int = 40
    many: int = 10_000


def measure_fleet(
    server: Server, folder: Path, size: FleetSize, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return the figures of a fleet; each is measured once, with a fresh database."""
    few, _ = _files(server, folder, _FEW, 1000, 1)
    one, _ = _files(server, folder, size.tenants, 1000, 1)
    two, _ = _files(server, folder, size.tenants, 1000, 2)
    say(f"{size.tenants} tenants in files: {one.seconds:.1f} s with one worker, {two.seconds:.1f} s with two")
    slow = [_distant(server, folder, size.distant, workers) for workers in (1, 2)]
    say(f"{size.distant} distant tenants: {slow[0].seconds:.1f} s with one worker, {slow[1].seconds:.1f} s")
    _, small = _files(server, folder, size.many // 10, 100, 2)
    all_, large = _files(server, folder, size.many, 100, 2)
    say(
        f"{size.many:,} tenants of 100 rows: {all_.seconds:.0f} s, coordinator {large} MB; a tenth {small} MB"
    )
    return {
        "tenants": size.tenants,
        "cpu_per_tenant": round((one.cpu - few.cpu) / (size.tenants - _FEW), 3),
        "server_cpu_per_tenant": round((one.server_cpu - few.server_cpu) / (size.tenants - _FEW), 3),
        "cpu_bound_two_workers": round(one.seconds / two.seconds, 2),
        "distant_two_workers": round(slow[0].seconds / slow[1].seconds, 2),
        "many": size.many,
        "many_seconds": round(all_.seconds),
        "worker_mb": two.peak_mb,
        "coordinator_mb": {str(size.many // 10): small, str(size.many): large},
    }


def _files(server: Server, folder: Path, tenants: int, rows: int, workers: int) -> tuple[Measured, int]:
    """Migrate so many files; return what it took, and the largest memory of the coordinator."""
    place = folder / f"fleet-{tenants}-{rows}"
    shutil.rmtree(place, ignore_errors=True)
    world = World(place, server.fresh("bench_fleet", tables=False))
    (place / "tenants").mkdir()
    for number in range(tenants):
        _write(place / "tenants" / f"t{number:05d}.db", f"t{number}", rows)
    measured = _run(server, world, workers)
    state = json.loads((place / "work" / "state.json").read_text())
    shutil.rmtree(place)
    return measured, int(state["stages"]["tenants"]["facts"]["peak_mb"])


def _write(path: Path, name: str, rows: int) -> None:
    people = max(1, rows // 3)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SOURCE.format(shift=0, label="Pro", name=name))
        database.executemany(
            "INSERT INTO people VALUES (?, ?, 1, 1)",
            [(at + 10, f"p{at}@example.org") for at in range(people)],
        )
        database.executemany(
            "INSERT INTO notes VALUES (?, ?, ?)",
            [(at + 10, at % people + 10, f"note {at}") for at in range(rows - people)],
        )
        database.commit()


def _distant(server: Server, folder: Path, tenants: int, workers: int) -> Measured:
    """Migrate tenants of a server that answers late."""
    place = folder / "fleet-distant"
    shutil.rmtree(place, ignore_errors=True)
    world = World(place, server.fresh("bench_fleet", tables=False))
    _write(place / "content.db", "one", 1000)
    with (
        LibsqlServer(place / "server", content=place / "content.db") as sqld,
        Proxy("127.0.0.1", sqld.port) as proxy,
    ):
        proxy.delay = _DELAY
        lines = [f"t{number},http://127.0.0.1:{proxy.port}" for number in range(tenants)]
        (place / "tenants").write_text("\n".join(["tenant,url", *lines]))
        measured = _run(server, world, workers)
    shutil.rmtree(place)
    return measured


def _run(server: Server, world: World, workers: int) -> Measured:
    words = ["fleet", "run", "--config", str(world.config), "--work", str(world.at / "work"), "--yes"]
    command = [sys.executable, "-m", "migrate", *words, "--workers", str(workers)]
    return measure(command, server.pid, log=world.at / "run.log")
