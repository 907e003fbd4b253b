"""Measures one size: our run and its peers, alternating, the given number of times."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.data import legacy_file
from benchmarks.ours import RunTaken, measure_run, rounded
from benchmarks.peers import export_rows, measure_expert, measure_floor, measure_pgloader
from benchmarks.processes import Failed, Measured
from benchmarks.server import Server

Say = Callable[[str], None]


def measure_size(server: Server, folder: Path, messages: int, repeats: int, say: Say) -> dict[str, Any]:
    """Return the results of one size: for each program the run with the median wall time."""
    legacy = legacy_file(folder, messages)
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    ours: list[RunTaken] = []
    peers: dict[str, list[Measured]] = {}
    for turn in range(repeats):
        run = measure_run(server, legacy, folder)
        say(f"  migrate run        {run.seconds:7.2f} s  {run.peak_mb:4} MB")
        ours.append(run)
        if turn == 0:
            rows = folder / "rows"
            shutil.rmtree(rows, ignore_errors=True)
            export_rows(server, rows)
        shutil.rmtree(folder / "work", ignore_errors=True)
        for name, taken in _peers(server, legacy, folder, rows, logs, say):
            peers.setdefault(name, []).append(taken)
    shutil.rmtree(rows)
    chosen = {name: _figures(_median(runs)) for name, runs in peers.items()}
    return {
        "messages": messages,
        "source_rows": ours[0].stage("snapshot").rows,
        "target_rows": ours[0].stage("publish").rows,
        "ours": _median_run(ours).to_json(),
        "all_seconds": rounded([run.seconds for run in ours]),
        "peers": chosen,
    }


def _peers(
    server: Server, legacy: Path, folder: Path, rows: Path, logs: Path, say: Say
) -> list[tuple[str, Measured]]:
    measures: dict[str, Callable[[], Measured | None]] = {
        "floor": lambda: measure_floor(server, rows, logs / "floor.log"),
        "floor_messages": lambda: measure_floor(server, rows, logs / "floor.log", ("messages",)),
        "expert": lambda: measure_expert(server, legacy, logs / "expert.log"),
        "pgloader": lambda: measure_pgloader(server, legacy, folder, logs / "pgloader.log"),
    }
    found = []
    for name, measured in measures.items():
        try:
            taken = measured()
        except Failed as error:
            say(f"  {name:18} failed: {error}")
            continue
        if taken is None:
            say(f"  {name:18} is not installed: not measured")
            continue
        say(f"  {name:18} {taken.seconds:7.2f} s  {taken.peak_mb:4} MB")
        found.append((name, taken))
    return found


def _median(runs: list[Measured]) -> Measured:
    return sorted(runs, key=lambda run: run.seconds)[(len(runs) - 1) // 2]


def _median_run(runs: list[RunTaken]) -> RunTaken:
    return sorted(runs, key=lambda run: run.seconds)[(len(runs) - 1) // 2]


def _figures(taken: Measured) -> dict[str, Any]:
    figures = {
        "seconds": taken.seconds,
        "cpu": taken.cpu,
        "server_cpu": taken.server_cpu,
        "peak_mb": taken.peak_mb,
    }
    return dict(rounded(figures))


def help_seconds(taken: list[float]) -> float:
    """Return the median of several starts."""
    return round(median(taken), 3)
