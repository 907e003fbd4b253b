"""SIGKILL of PostgreSQL, all its processes, and its restart."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.target import seed_target
from tests.e2e.faults.harness import Held, Scene, wait_until
from tests.e2e.faults.score import Score
from tests.servers.libsql import LibsqlServer

pytestmark = pytest.mark.fault("SIGKILL and restart of PostgreSQL")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A PostgreSQL of the test's own, which it may kill."""
    mine = EmbeddedServer(tmp_path / "cluster", settings={"fsync": "off"})
    with mine:
        with psycopg.connect(mine.url()) as connection:
            seed_target(connection)
        yield mine
    mine.destroy()


@pytest.fixture
def fragile(work: Path, source: LibsqlServer, server: EmbeddedServer) -> Scene:
    return Scene(work, source.url, server.url(), server.url())


def kill_all(server: EmbeddedServer) -> None:
    """End the server and every process of it, as a power cut does."""
    first = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    family = [first, *children(first)]
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(lives, family)), "PostgreSQL is gone")


def children(parent: int) -> list[int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if parent_of(pid) == parent]


def parent_of(pid: int) -> int:
    return int(stat(pid)[1]) if stat(pid) else 0


def lives(pid: int) -> bool:
    return bool(stat(pid)) and stat(pid)[0] != "Z"


def stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


POINTS = ("preflight:begin", "snapshot:page#5", "backup:begin", "backup:drill", "cleanup:uncommitted",
          "users:copied#2", "images:batch", "verify:begin", "publish:lock", "publish:build#9",
          "publish:exchange", "publish:exchanged")  # fmt: skip


@pytest.mark.parametrize(
    "point",
    [
        "publish:uncommitted",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("messages:copied", *POINTS)),
    ],
)
def test_the_server_dies_and_comes_back(
    fragile: Scene,
    server: EmbeddedServer,
    undisturbed: Held,
    untouched: dict[str, str],
    score: Score,
    point: str,
) -> None:
    with fragile.frozen_at(point) as run:
        kill_all(server)
        done = run.go_on()
    assert done.code == 3, f"{done.code}: {done.err}"
    assert "run the same command again" in done.err
    with EmbeddedServer(server.folder):
        score.tried()
        score.compare(fragile.live(), untouched)
        fragile.run()
        score.compare(fragile.held(), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["publish:committed", "publish:dropped"])
def test_the_server_dies_after_the_commit(
    fragile: Scene, server: EmbeddedServer, undisturbed: Held, score: Score, point: str
) -> None:
    with fragile.frozen_at(point) as run:
        kill_all(server)
        done = run.go_on()
    assert done.code == 3, f"{done.code}: {done.err}"
    with EmbeddedServer(server.folder):
        score.tried()
        fragile.run()
        score.compare(fragile.held(), undisturbed)
