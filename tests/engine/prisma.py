"""The DDL that Prisma's own engine makes: Node runs it, from packages whose digests are locked."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "ddl.mjs")
LEAST_NODE = 20

#: schema.prisma texts in, their DDL out
Engine = Callable[..., list[str]]


def install(folder: Path) -> None:
    """Put the engine into a folder; skip the test where Node or the packages are not to be had."""
    npm = shutil.which("npm")
    if npm is None or _node() < LEAST_NODE:
        _missing(f"Node {LEAST_NODE} with npm is not installed")
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    words = [str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=240)
    if done.returncode:
        _missing(f"npm cannot install Prisma's schema engine: {done.stderr[-500:]}")


def ddl(folder: Path, url: str, *schemas: str) -> list[str]:
    """Return what the engine makes of each schema; fails with the engine's words where it refuses one."""
    paths = []
    for number, schema in enumerate(schemas):
        paths.append(folder / f"{number}.prisma")
        paths[-1].write_text(schema)
    done = subprocess.run(
        ["node", "ddl.mjs", *map(str, paths)],
        cwd=folder,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[:4000]
    return list(json.loads(done.stdout))


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory, postgres) -> Engine:
    """Prisma's engine as a function."""
    folder = tmp_path_factory.mktemp("engine")
    install(folder)
    return functools.partial(ddl, folder, postgres.url())


def _node() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60).stdout
    match = re.match(r"v(\d+)", told)
    return int(match[1]) if match else 0


def _missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
