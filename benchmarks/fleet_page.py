"""The figures of a fleet in docs/performance.md, from the newest JSON under docs/benchmarks/fleet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "fleet"
BLOCK: Final = "fleet"


def newest_fleet(figures: Path) -> dict[str, Any]:
    """Return the results of the last day."""
    found = [json.loads(path.read_text()) for path in sorted((figures / FOLDER).glob("*.json"))]
    latest: dict[str, Any] = max(found, key=lambda results: results["date"])
    return latest


def fleet_rows(results: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what was measured, the goal if there is one, and the figure."""
    (few, small), (many, large) = results["coordinator_mb"].items()
    files, distant = results["cpu_bound_two_workers"], results["distant_two_workers"]
    return [
        ("CPU of a tenant of 1,000 rows, ours", "at most 0.5 s", f"{results['cpu_per_tenant']:.2f} s"),
        ("the same, of PostgreSQL", "", f"{results['server_cpu_per_tenant']:.2f} s"),
        ("two workers against one, files", "at least 1.5 x", f"{files:.2f} x"),
        ("two workers against one, distant sources", "at least 1.7 x", f"{distant:.2f} x"),
        (f"{int(many):,} tenants of 100 rows in one run, two workers", "", f"{results['many_seconds']:,} s"),
        (f"memory of the coordinator, {int(few):,} and {int(many):,} tenants", "nearly flat",
         f"{small} and {large} MB"),
        ("memory of a worker", "", f"{results['worker_mb']} MB"),
    ]  # fmt: skip
