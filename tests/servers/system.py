"""PostgreSQL servers that are not ours: the system's own, and those of Docker images."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.libsql import free_port

_PASSWORD = "of the tests"


def find_system_binaries() -> Path | None:
    """Return the folder of the system's newest PostgreSQL server, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


@contextlib.contextmanager
def system_postgres() -> Iterator[str]:
    """Yield the URL of a cluster of the system's PostgreSQL, made for the test; skips where there is none."""
    binaries = find_system_binaries()
    if binaries is None:
        pytest.skip("the system has no PostgreSQL server")
    folder = Path(tempfile.mkdtemp(prefix="system-postgres-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
    port = free_port()

    def run(program: str, *words: str) -> None:
        subprocess.run(
            [binaries / program, "-D", folder / "data", *words], user=user, cwd="/", check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    secret = folder / "password"
    secret.write_text(_PASSWORD)
    secret.chmod(0o644)
    try:
        run("initdb", "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync")
        run(
            "pg_ctl", "-w", "-l", str(folder / "log"), "start",
            "-o", f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off",
        )  # fmt: skip
        yield f"postgresql://owner:{_PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/postgres"
        run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def docker_postgres(image: str) -> Iterator[str]:
    """Yield the URL of a PostgreSQL of a Docker image; skips where Docker does not answer."""
    docker = shutil.which("docker")
    answers = docker and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0
    if not answers:
        pytest.skip("Docker does not answer")
    from testcontainers.postgres import PostgresContainer

    with PostgresContainer(image, username="owner", password="secret", driver=None) as server:
        yield server.get_connection_url()
