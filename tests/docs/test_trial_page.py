"""Every command of docs/local-trial.md, typed in its order between a real sqld and a real PostgreSQL."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psycopg
import pytest

from migrate.postgres.embedded import EmbeddedServer, binary
from tests.servers.libsql import free_port, sqld_binary
from tests.tools.commands import ROOT, environment

PAGE = (ROOT / "docs" / "local-trial.md").read_text()
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SAYS = re.compile(r"\s*# (\w+)$")
_ASKS = re.compile(r"migrate (run|rollback|clean)\b")
PORT = "8080"


def commands() -> list[str]:
    return [line for block in _BLOCK.findall(PAGE) for line in block.splitlines() if line.strip()]


@pytest.fixture
def shell(postgres: EmbeddedServer, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of an operator's shell, with the page's programs on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "migrate").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m migrate "$@"\n')
    (programs / "migrate").chmod(0o755)
    (programs / "sqld").symlink_to(sqld_binary())
    (tmp_path / "migrate").symlink_to(ROOT / "migrate")
    where = psycopg.conninfo.conninfo_to_dict(postgres.url())
    variables = environment(
        PYTHONPATH=str(ROOT),
        PGHOST=str(where["host"]), PGPORT=str(where["port"]), PGUSER=str(where["user"]),
        PGPASSWORD=str(where["password"]),
        MIGRATE__TARGET__URL=postgres.url("trial"),
    )  # fmt: skip
    variables["PATH"] = f"{programs}:{binary('psql').parent}:{variables['PATH']}"
    yield variables
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS trial WITH (FORCE)")


@pytest.mark.slow
def test_the_commands_do_what_the_page_says(shell: dict[str, str], tmp_path: Path) -> None:
    port = str(free_port())
    shell["TURSO_DATABASE_URL"] = f"http://127.0.0.1:{port}"
    folder = tmp_path / "trial"
    folder.mkdir()
    served = None
    try:
        for line in commands():
            line = line.replace(PORT, port)
            if line.startswith("sqld "):
                served = subprocess.Popen(
                    ["bash", "-c", f"exec {line.removesuffix('&')}"], cwd=folder, env=shell
                )
                answers(shell["TURSO_DATABASE_URL"])
            else:
                type_it(line, folder, shell)
        assert not (folder / "work").exists()
    finally:
        if served is not None:
            os.kill(served.pid, signal.SIGKILL)
            served.wait()


def answers(url: str) -> None:
    """Wait until the server does."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"no server at {url}")


def type_it(line: str, folder: Path, variables: Mapping[str, str]) -> None:
    says = _SAYS.search(line)
    line = _SAYS.sub("", line)
    if _ASKS.match(line):
        line += " --confirm trial"
    done = subprocess.run(
        line, shell=True, cwd=folder, env=dict(variables), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert says is None or says[1] in done.stdout
