"""The npm packages that tests run: installed once, outside the repository, and the client generated."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "prisma.config.ts", "schema.prisma")
LEAST_NODE = 20
#: Nothing is fetched but the packages: the client runs on WebAssembly, `generate` needs no engine.
OFFLINE = {
    "PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true",
    "CHECKPOINT_DISABLE": "1",
    "PRISMA_HIDE_UPDATE_MESSAGE": "1",
}


def installed(here: Path = HERE, files: Sequence[str] = FILES, *, generate: bool = True) -> Path:
    """Return a folder with the packages and the generated client, kept from one session to the next.

    Skips the test, and fails it where CI=true, if Node is missing or npm reaches no registry.
    """
    npm = shutil.which("npm")
    if npm is None or _node_version() < LEAST_NODE:
        _missing(f"Node {LEAST_NODE} with npm is not installed")
    mark = hashlib.sha256(b"".join((here / name).read_bytes() for name in files)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "turso-to-prisma-tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{here.name}-{mark}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers do not install at once
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for name in files:
                shutil.copy(here / name, part)
            _do(part, str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
            if generate:
                _do(part, str(part / "node_modules" / ".bin" / "prisma"), "generate")
            part.rename(folder)
    return folder


def _do(folder: Path, *words: str) -> None:
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **OFFLINE}, capture_output=True, text=True, timeout=280
    )
    if done.returncode:
        _missing(f"`{Path(words[0]).name} {words[1]}` failed: {(done.stderr or done.stdout)[-800:]}")


def _node_version() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60).stdout
    match = re.match(r"v(\d+)", shown)
    return int(match[1]) if match else 0


def _missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
