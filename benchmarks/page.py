"""docs/performance.md: every number in it comes from the newest JSON under docs/benchmarks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.fleet_page import BLOCK, fleet_rows, newest_fleet
from benchmarks.targets import MILLION, PEERS, judge

PAGE: Final = "performance.md"
CHART: Final = "benchmarks/rows.svg"
#: Names of the measured programs, in the order of the tables.
NAMES: Final = {
    "ours": "`migrate run`",
    "expert": "DuckDB script",
    "pgloader": "pgloader",
    "floor": "floor: psql",
    "floor_messages": "floor: psql, messages alone",
}
#: Stages that no peer has.
_OURS_ALONE: Final = ("snapshot", "backup", "verify")
_BLOCK: Final = "<!-- figures: {0} -->\n{1}<!-- end of {0} -->"


def newest(figures: Path) -> dict[str, Any]:
    """Return the results of the last day, those with the largest size if there are several."""
    found = [json.loads(path.read_text()) for path in sorted(figures.glob("*.json"))]
    return max(found, key=lambda results: (results["date"], max(s["messages"] for s in results["sizes"])))


def blocks(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of the page that hold numbers, by their names."""
    return {
        "machine": _machine(results),
        "targets": _targets(results),
        "sizes": _table(
            ["messages", "source rows", "", "seconds", "CPU s", "server CPU s", "MB"], _sizes(results)
        ),
        "stages": _table(
            ["stage", "seconds", "rows", "rows/s", "CPU s", "server CPU s", "MB"], _stages(results)
        ),
        "budget": _table(["", "core-seconds"], _budget(results)),
    }


def fleet_blocks(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the part of the page that holds the numbers of a fleet, by its name."""
    machine = results["machine"]
    measured = f"Measured {results['date']} on {machine['cores']} cores ({machine['processor']}).\n\n"
    return {BLOCK: measured + _table(["", "goal", "measured"], fleet_rows(results))}


def write_fleet(figures: Path, docs: Path) -> str:
    """Fill the page's table of a fleet; return what was written."""
    results, path = newest_fleet(figures), docs / PAGE
    text = filled(path.read_text(encoding="utf-8"), fleet_blocks(results))
    path.write_text(text, encoding="utf-8")
    return f"{path.name}: figures of a fleet of {results['date']}"


def filled(page: str, parts: Mapping[str, str]) -> str:
    """Return the page with its blocks replaced. Raises KeyError if a block is missing."""
    for name, text in parts.items():
        whole = re.compile(re.escape(_BLOCK).replace(r"\{0\}", name).replace(r"\{1\}", ".*?"), re.DOTALL)
        if not whole.search(page):
            raise KeyError(name)
        page = whole.sub(lambda _, name=name, text=text: _BLOCK.format(name, text), page)  # type: ignore[misc]
    return page


def write(figures: Path, docs: Path) -> str:
    """Fill the page and draw its chart; return what was written."""
    from benchmarks.chart import draw

    results = newest(figures)
    path = docs / PAGE
    path.write_text(filled(path.read_text(encoding="utf-8"), blocks(results)), encoding="utf-8")
    draw(results, docs / CHART)
    return f"{path.name} and {CHART}: figures of {results['date']}"


def _machine(results: Mapping[str, Any]) -> str:
    machine, server = results["machine"], results["server"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    settings = ", ".join(f"{name} {value}" for name, value in server.items() if name != "server_version")
    pgloader = machine["pgloader"] or "not installed"
    return (
        f"Measured {results['date']} on {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory_gb']} GB, {machine['kernel']}, Python {machine['python']}, "
        f"PostgreSQL {server['server_version']} ({settings}), pgloader {pgloader}; "
        f"{packages}. Each is the median of {results['repeats']}, measured in turn.\n"
    )


def _targets(results: Mapping[str, Any]) -> str:
    words = {None: "not measured", True: "met", False: "missed"}
    rows = [
        (
            target.what,
            f"{'at most' if target.at_most else 'at least'} {target.limit:g}{target.unit}",
            "" if target.measured is None else f"{target.measured:.2f}{target.unit}",
            words[target.met],
        )
        for target in judge(results)
    ]
    return _table(["", "target", "measured", ""], rows)


def _sizes(results: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for size in results["sizes"]:
        measured = {"ours": size["ours"], **size["peers"]}
        for name in (name for name in NAMES if name in measured):
            one = measured[name]
            yield (
                f"{size['messages']:,}",
                f"{size['source_rows']:,}",
                NAMES[name],
                f"{one['seconds']:.2f}",
                f"{one['cpu']:.2f}",
                f"{one['server_cpu']:.2f}",
                f"{one['peak_mb']}",
            )


def _stages(results: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for stage in _shown(results)["ours"]["stages"]:
        rate = f"{stage['rows'] / stage['seconds']:,.0f}" if stage["rows"] and stage["seconds"] else ""
        yield (
            stage["name"],
            f"{stage['seconds']:.2f}",
            f"{stage['rows']:,}" if stage["rows"] else "",
            rate,
            f"{stage['cpu']:.2f}",
            f"{stage['server_cpu']:.2f}",
            f"{stage['peak_mb']}",
        )


def _shown(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the size that is shown in detail: a million messages, or else the largest."""
    sizes: Sequence[Mapping[str, Any]] = results["sizes"]
    return next((size for size in sizes if size["messages"] == MILLION), sizes[-1])


def _budget(results: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Yield what a run takes of all cores together, and the share of them within a target."""
    size, cores = _shown(results), results["machine"]["cores"]
    ours = size["ours"]
    of = {stage["name"]: stage["cpu"] + stage["server_cpu"] for stage in ours["stages"]}
    all_of_it = ours["cpu"] + ours["server_cpu"]
    yield "a run, its server's and ours", f"{all_of_it:.1f}"
    yield "of them the server's", f"{ours['server_cpu']:.1f}"
    without = all_of_it - sum(of[name] for name in _OURS_ALONE)
    yield f"a run without {', '.join(_OURS_ALONE)}", f"{without:.1f}"
    yield "of them the users, who is whom included", f"{of['users']:.1f}"
    yield "of them the messages", f"{of['messages']:.1f}"
    for name, (what, limit) in PEERS.items():
        if name in size["peers"]:
            seconds = limit * size["peers"][name]["seconds"]
            yield f"what {cores} cores give in {limit:g} times the time of {what}", f"{cores * seconds:.1f}"


def _table(heads: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
