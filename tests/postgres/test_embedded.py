from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.embedded import THROWAWAY, EmbeddedServer, binary
from migrate.runtime.errors import TargetError


@pytest.fixture
def server(work: Path) -> Iterator[EmbeddedServer]:
    made = EmbeddedServer(work, settings=THROWAWAY)
    try:
        yield made
    finally:
        made.destroy()


def answers(server: EmbeddedServer) -> bool:
    with psycopg.connect(server.url()) as conn:
        return conn.execute("SELECT 1").fetchone() == (1,)


def test_a_server_runs_while_it_is_used_and_keeps_its_rows(server: EmbeddedServer) -> None:
    assert not server.exists
    with server:
        assert server.running
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("CREATE TABLE t AS SELECT 1 AS n")
    assert server.exists
    assert not server.running
    with server, psycopg.connect(server.url()) as conn:
        assert conn.execute("SELECT n FROM t").fetchone() == (1,)


def test_it_counts_time_in_utc_and_text_in_utf8(server: EmbeddedServer) -> None:
    with server, psycopg.connect(server.url()) as conn:
        assert conn.execute("SHOW TimeZone").fetchone() == ("UTC",)
        assert conn.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_no_user_gets_in_without_the_password(server: EmbeddedServer) -> None:
    with server:
        bare = server.url().replace(server.url().split(":")[2].split("@")[0], "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(bare)


def test_the_work_folder_is_the_owners_alone(server: EmbeddedServer, work: Path) -> None:
    with server:
        assert work.stat().st_mode & 0o777 == 0o700
        assert all(file.stat().st_mode & 0o077 == 0 for file in work.iterdir() if file.is_file())


def test_a_deep_folder_is_no_hindrance(work: Path) -> None:
    deep = work / ("d" * 60) / ("e" * 60)
    server = EmbeddedServer(deep, settings=THROWAWAY)
    with server:
        assert answers(server)
    server.destroy()


def _use(folder: str, go: object, used: object) -> None:
    with EmbeddedServer(Path(folder), settings=THROWAWAY) as server:
        used.set() if answers(server) else None  # type: ignore[attr-defined]
        go.wait(30)  # type: ignore[attr-defined]


def test_the_last_of_two_processes_stops_the_server(server: EmbeddedServer, work: Path) -> None:
    context = multiprocessing.get_context("spawn")
    go, used = context.Event(), context.Event()
    other = context.Process(target=_use, args=(str(work), go, used))
    with server:
        other.start()
        assert used.wait(60)
    assert answers(server)
    go.set()
    other.join(60)
    assert other.exitcode == 0
    assert not server.running


def test_two_processes_may_start_it_at_once(server: EmbeddedServer, work: Path) -> None:
    context = multiprocessing.get_context("spawn")
    go, used = context.Event(), [context.Event(), context.Event()]
    others = [context.Process(target=_use, args=(str(work), go, flag)) for flag in used]
    for other in others:
        other.start()
    assert all(flag.wait(90) for flag in used)
    go.set()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0]
    assert not server.running


def test_a_killed_user_leaves_the_server_to_the_next(server: EmbeddedServer, work: Path) -> None:
    program = f"""
        from pathlib import Path
        from migrate.postgres.embedded import THROWAWAY, EmbeddedServer
        with EmbeddedServer(Path({str(work)!r}), settings=THROWAWAY):
            print("up", flush=True)
            import time; time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "up\n"
        user.kill()
    with server:
        assert answers(server)
    assert not server.running


def processes_of(data: Path, words: str = "") -> list[str]:
    found = subprocess.run(["pgrep", "-f", f"{data}.*{words}$"], capture_output=True, text=True, check=False)
    return found.stdout.split()


@pytest.mark.parametrize("then", ["destroyed", "used"])
def test_a_server_that_a_killed_user_began_to_start_is_found(work: Path, then: str) -> None:
    server = EmbeddedServer(work, settings=THROWAWAY)
    with server:
        data = server.data
    program = f"""
        from pathlib import Path
        from migrate.postgres.embedded import THROWAWAY, EmbeddedServer
        EmbeddedServer(Path({str(work)!r}), settings=THROWAWAY).__enter__()
    """
    with (
        (work / "postgres.server.lock").open() as lock,
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)]) as user,
    ):
        while not processes_of(data, " start"):  # pg_ctl is at work, the server has no process id yet
            pass
        user.kill()
        user.wait()
        if then == "used":
            with server:
                assert answers(server)
            assert not processes_of(data)
        server.destroy()
        assert not processes_of(data)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # no process is left to hold it


def test_a_killed_server_comes_up_again(work: Path) -> None:
    server = EmbeddedServer(work)  # durable: as the default target is
    with server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("CREATE TABLE t AS SELECT 7 AS n")
        os.kill(int((server.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    with server, psycopg.connect(server.url()) as conn:
        assert conn.execute("SELECT n FROM t").fetchone() == (7,)
    server.destroy()


def test_a_port_that_was_taken_meanwhile_is_replaced(server: EmbeddedServer) -> None:
    with server:
        port = psycopg.conninfo.conninfo_to_dict(server.url())["port"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(str(port))))
        taken.listen()
        with server:
            assert psycopg.conninfo.conninfo_to_dict(server.url())["port"] != port
            assert answers(server)


def test_a_cluster_that_cannot_start_names_the_log(server: EmbeddedServer) -> None:
    with server:
        data = server.data
    (data / "postgresql.conf").write_text("this is no setting\n")
    with pytest.raises(TargetError, match="does not start") as caught, server:
        pass
    assert "server.log" in (caught.value.hint or "")


def test_destroying_leaves_nothing(work: Path) -> None:
    server = EmbeddedServer(work, settings=THROWAWAY)
    with server:
        data = server.data
    server.destroy()
    server.destroy()
    assert not data.parent.exists()
    assert not server.exists


def test_the_wheel_has_the_programs() -> None:
    assert all(binary(name).exists() for name in ("pg_dump", "pg_restore", "psql"))
