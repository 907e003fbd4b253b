"""A cluster of several hosts: each worker in a network namespace of its own; one host is cut off midway."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.faults.harness import wait_until
from tests.pipeline.fleet.test_faults import add_six, held, run, undisturbed, words  # noqa: F401
from tests.pipeline.fleet.world import World, add_tenant
from tests.servers.libsql import free_port
from tests.tools.commands import environment, start

pytestmark = pytest.mark.slow

_HOSTS = (231, 232)


def ip(*said: str) -> None:
    subprocess.run(["ip", *said], check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[list[str]]:
    """Two network namespaces; the address of this machine that each of them reaches is 10.N.7.1."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and ip")
    names = [f"mf{number}-{os.getpid()}" for number in _HOSTS]
    with contextlib.ExitStack() as stack:
        for number, name in zip(_HOSTS, names, strict=True):
            try:
                ip("netns", "add", name)
                stack.callback(ip, "netns", "del", name)
                ip("link", "add", f"mf{number}", "type", "veth", "peer", "name", "up0", "netns", name)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"no network namespace can be made here: {error.stderr!r}")
            ip("addr", "add", f"10.{number}.7.1/24", "dev", f"mf{number}")
            ip("link", "set", f"mf{number}", "up")
            for line in (f"addr add 10.{number}.7.2/24 dev up0", "link set up0 up", "link set lo up"):
                ip("-n", name, *line.split())
        yield names


@pytest.fixture
def forwarded(database: str) -> Iterator[int]:
    """A port on every address of this machine that leads to PostgreSQL, which listens on the loopback."""
    target = urlsplit(database)
    listener = socket.create_server(("0.0.0.0", 0))
    ends = [listener]

    def copy(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((target.hostname, target.port))
                ends.extend((client, server))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=copy, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@pytest.fixture
def scheduler(hosts: list[str], forwarded: int, database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a scheduler here, with a worker on each host, all started as a user would."""
    port, program = free_port(), str(Path(sys.executable).with_name("dask"))
    quick = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s"}
    begun = []

    def begin(*said: str, **variables: str) -> None:
        log = (tmp_path / f"dask-{len(begun)}.log").open("wb")
        process = subprocess.Popen(
            said, env=environment(**quick, **variables), cwd=tmp_path,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        begun.append((process, log))

    begin(program, "scheduler", "--host", "0.0.0.0", "--port", str(port), "--no-dashboard")
    for number, host in zip(_HOSTS, hosts, strict=True):
        here = f"10.{number}.7.1"
        url = database.replace(f"127.0.0.1:{urlsplit(database).port}", f"{here}:{forwarded}")
        begin("ip", "netns", "exec", host, program, "worker", f"tcp://{here}:{port}", "--nthreads", "1",
              "--no-dashboard", MIGRATE__TARGET__URL=url)  # fmt: skip
    yield f"tcp://127.0.0.1:{port}"
    for process, log in begun:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def test_a_host_that_is_cut_off_midway_delays_the_run_and_changes_nothing(
    tmp_path: Path,
    database: str,
    scheduler: str,
    undisturbed: dict[str, object],  # noqa: F811
) -> None:
    world = World(tmp_path / "fleet", database)
    add_six(world)
    process = start(*words(world, "--scheduler", scheduler))
    wait_until(lambda: _sessions(world) == 2, "both workers have a session")
    wait_until(lambda: _is_over(world, 1), "a tenant is done")
    ip("link", "set", f"mf{_HOSTS[1]}", "down")
    out, err = process.communicate(timeout=270)
    assert process.returncode == 0, err
    assert "Published: 5 tenants" in out
    assert held(world) == undisturbed
    ip("link", "set", f"mf{_HOSTS[1]}", "up")
    time.sleep(5)
    assert held(world) == undisturbed
    add_tenant(world.at / "tenants", "late")
    run(world, "--scheduler", scheduler)
    assert [line.state for line in world.lines() if line.tenant == "late"] == ["published"]


def _sessions(world: World) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migrate: fleet worker'"
    return int(world.rows(f"{query} AND datname = current_database()")[0][0])


def _is_over(world: World, number: int) -> bool:
    return sum(line.state in ("published", "quarantined") for line in world.lines()) >= number
