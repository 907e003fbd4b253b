"""The figures of docs/performance.md are those of the newest file under docs/benchmarks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.fleet_page import newest_fleet
from benchmarks.targets import Target, judge

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_figures_are_those_of_the_newest_measurement() -> None:
    text = (DOCS / page.PAGE).read_text()
    assert page.filled(text, page.blocks(page.newest(DOCS / "benchmarks"))) == text


def test_the_figures_of_a_fleet_are_those_of_its_newest_measurement() -> None:
    text = (DOCS / page.PAGE).read_text()
    results = newest_fleet(DOCS / "benchmarks")
    assert page.filled(text, page.fleet_blocks(results)) == text
    assert results["cpu_per_tenant"] <= 0.5
    assert results["cpu_bound_two_workers"] >= 1.5
    assert results["distant_two_workers"] >= 1.7
    few, many = results["coordinator_mb"].values()
    assert many <= few * 1.3  # some kilobytes for each tenant


def test_the_newest_measurement_is_of_the_last_day_and_the_largest_size(tmp_path: Path) -> None:
    for name, date, messages in (
        ("a", "2026-01-02", 10),
        ("b", "2026-01-02", 1000),
        ("c", "2026-01-01", 9999),
    ):
        body = {"date": date, "sizes": [{"messages": messages}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(body))
    assert page.newest(tmp_path)["sizes"] == [{"messages": 1000}]


def _results(seconds: float, **more: object) -> dict[str, object]:
    ours = {"seconds": seconds, "peak_mb": 250, "stages": [{"name": "verify", "seconds": seconds / 5}]}
    peers = {"floor": {"seconds": 4.0}, "expert": {"seconds": 6.0}}
    return {"sizes": [{"messages": 1_000_000, "ours": ours, "peers": peers}], "help_seconds": 0.2, **more}


def _met(results: dict[str, object]) -> dict[str, bool | None]:
    return {target.what: target.met for target in judge(results)}


def test_a_peer_that_is_not_there_is_not_measured_and_no_pass() -> None:
    met = _met(_results(7.0, http={"bare": 100, "ours": 85}))
    assert met["10^6 messages, seconds against pgloader"] is None
    assert met["10^7 messages, seconds against 10^6"] is None
    assert sum(value is True for value in met.values()) == 6


def test_a_slow_run_misses_its_targets() -> None:
    met = _met(_results(9.0, http={"bare": 100, "ours": 79}))
    missed = [what for what, value in met.items() if value is False]
    assert missed == [
        "10^6 messages, seconds against psql's floor",
        "10^6 messages, seconds against the DuckDB script",
        "snapshot over HTTP against bare requests",
    ]


@pytest.mark.parametrize(("measured", "met"), [(1.9, True), (1.91, False), (None, None)])
def test_a_target_is_met_up_to_its_limit(measured: float | None, met: bool | None) -> None:
    target = Target("seconds", 1.9, measured, " x")
    assert target.met is met
    assert ("MISSED" in str(target)) is (met is False)
