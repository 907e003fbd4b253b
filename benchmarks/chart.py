"""The chart of docs/performance.md: seconds and memory against rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Readable on a white and on a black background.
_INK: Final = "#808080"
_LINES: Final = {
    "ours": ("migrate run", "#d1495b"),
    "expert": ("DuckDB script", "#3a86ff"),
    "pgloader": ("pgloader", "#2a9d8f"),
    "floor": ("floor: psql", _INK),
}
_PANELS: Final = {"seconds": "seconds", "peak_mb": "largest memory, MB"}


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Write the chart as SVG: the same results give the same bytes."""
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "benchmarks",
        "font.size": 9,
        "font.family": "sans-serif",
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(8, 3.4), layout="constrained")
        for axes, (key, label) in zip(figure.subplots(1, 2), _PANELS.items(), strict=True):
            _panel(axes, results, key, label)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})


def _panel(axes: Axes, results: Mapping[str, Any], key: str, label: str) -> None:
    for name, (title, colour) in _LINES.items():
        points = [
            (size["source_rows"], one[key])
            for size in results["sizes"]
            if (one := size["ours"] if name == "ours" else size["peers"].get(name)) is not None
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", markersize=4, color=colour, label=title)
    axes.set(xscale="log", yscale="log", xlabel="source rows", ylabel=label)
    axes.grid(color=_INK, alpha=0.25, linewidth=0.5)
    axes.tick_params(which="both", colors=_INK)
    for part in (axes.xaxis.label, axes.yaxis.label):
        part.set_color(_INK)
    for spine in axes.spines.values():
        spine.set_color(_INK)
    if key == "seconds":
        axes.legend(frameon=False, labelcolor=_INK)
