"""Measures `migrate run`: from a file to published and verified rows."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import Measured, measure
from benchmarks.server import Server

_SECRET: Final = "a secret for measuring only"  # noqa: S105
#: Few people have a profile, so most reviews are of people without a studio and are rejected.
_CONFIG: Final = '[source]\nurl = "{source}"\n[verification]\nmax_reject_share = 0.8\n'
DATABASE: Final = "bench_ours"


@dataclass
class StageTaken:
    """What one stage took; `rows` it read or wrote, our `cpu`, `server_cpu` of PostgreSQL."""

    name: str
    seconds: float
    rows: int
    cpu: float
    server_cpu: float
    peak_mb: int


@dataclass
class RunTaken:
    """What a whole run took, from typing the command to its end."""

    seconds: float
    cpu: float
    server_cpu: float
    peak_mb: int
    stages: list[StageTaken]

    def to_json(self) -> dict[str, Any]:
        """Return the results as JSON values, rounded to their precision."""
        return dict(rounded(asdict(self)))

    def stage(self, name: str) -> StageTaken:
        """Return one stage."""
        return next(stage for stage in self.stages if stage.name == name)


def rounded(value: Any) -> Any:
    """Return `value` with every float in it rounded to milliseconds."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value


def measure_run(server: Server, legacy: Path, folder: Path, *, source: str | None = None) -> RunTaken:
    """Migrate `legacy` into a new database and return what it took; the database stays there."""
    url = server.fresh(DATABASE)
    work, trace = folder / "work", folder / "points.txt"
    shutil.rmtree(work, ignore_errors=True)
    trace.unlink(missing_ok=True)
    config = folder / "bench.toml"
    config.write_text(_CONFIG.format(source=source or legacy))
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("MIGRATE_", "TURSO_", "PG"))
    }
    env = {
        **kept,
        "MIGRATE__TARGET__URL": url,
        "MIGRATE__IDS__SECRET": _SECRET,
        "MIGRATE_TRACE_TO": str(trace),
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as on any machine
    words = [sys.executable, "-m", "migrate", "run", "--config", str(config), "--work", str(work), "--yes"]
    log = folder / "run.log"
    log.unlink(missing_ok=True)
    with _Points(trace) as points:
        taken = measure(words, server.pid, env=env, cwd=folder, log=log)
    state = json.loads((work / "state.json").read_text())
    stages = [_stage(name, record, points, taken) for name, record in state["stages"].items()]
    peak = max(taken.peak_mb, *(stage.peak_mb for stage in stages))
    return RunTaken(taken.seconds, taken.cpu, taken.server_cpu, peak, stages)


def _stage(name: str, record: dict[str, Any], points: _Points, taken: Measured) -> StageTaken:
    begin, end = points.times[f"{name}:begin"], points.times[f"{name}:end"]
    cpu, server_cpu = taken.between(begin, end)
    return StageTaken(
        name, record["seconds"], _rows(record["facts"]), cpu, server_cpu, record["facts"].get("peak_mb", 0)
    )


def _rows(facts: dict[str, Any]) -> int:
    """Return the rows of a stage; for the checks, the rows they checked."""
    rows = facts.get("rows") or facts.get("checks") or 0
    return sum(rows.values()) if isinstance(rows, dict) else int(rows)


class _Points(threading.Thread):
    """Records when the run reached each of its named points, which it writes to a file."""

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        self._file = file
        self._done = threading.Event()
        self.times: dict[str, float] = {}

    def __enter__(self) -> _Points:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()
        self._read()

    def run(self) -> None:
        while not self._done.wait(0.01):
            self._read()

    def _read(self) -> None:
        if self._file.exists():
            for name in self._file.read_text(encoding="utf-8").split():
                self.times.setdefault(name, time.monotonic())
