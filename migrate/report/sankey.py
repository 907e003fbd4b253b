"""The layout of a flow diagram with two columns: the position of everything, in SVG units.

Widths of ribbons are rows, all to the same scale; ribbons that would be invisible get the width of a line.
The ribbons of a node leave and arrive in the order of the nodes on the other side, so that they cross as
little as possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from migrate.report.report_facts import Flow
from migrate.runtime.amount import amount

#: Tables of the left column that are drawn; if there are more, the smallest are drawn as one.
MOST: Final = 80
#: Smallest height of a node: that of its label.
_SLOT: Final = 19.0
_GAP: Final = 5.0
_THINNEST: Final = 1.0
_BAR: Final = 7.0
_LEAST_HEIGHT: Final = 300.0


@dataclass(frozen=True)
class Shape:
    """Where labels are: next to the diagram in gutters of this width or, if it is 0, on it."""

    width: float
    gutter: float
    letters: int


WIDE: Final = Shape(960, 205, 25)
NARROW: Final = Shape(360, 0, 20)


@dataclass(frozen=True)
class Node:
    """A bar with its label; `fate` is `migrated` for a target table, '' for a source table.

    `rows` are the source rows that it stands for, `says` the number on it: a target table has its own.
    """

    name: str
    shown: str
    rows: int
    says: int
    title: str
    fate: str
    left: bool
    x: float
    y: float
    height: float
    label_x: float


@dataclass(frozen=True)
class Ribbon:
    """A band between two bars, as an SVG path."""

    source: str
    to: str
    rows: int
    fate: str
    path: str


@dataclass(frozen=True)
class Picture:
    """All nodes and ribbons, and the size of the drawing."""

    width: float
    height: float
    bar: float
    upon: bool
    nodes: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]


@dataclass
class _Bar:
    name: str
    fate: str
    rows: int = 0
    y: float = 0.0
    height: float = 0.0
    used: float = 0.0


def draw(flows: Iterable[Flow], shape: Shape, live: Mapping[str, int] | None = None) -> Picture | None:
    """Return the diagram of the flows that have rows, None if none has. `live`: rows of target tables."""
    drawn = _fold([flow for flow in flows if flow.rows])
    if not drawn:
        return None
    left: dict[str, _Bar] = {}
    right: dict[tuple[str, str], _Bar] = {}
    for flow in sorted(drawn, key=lambda flow: flow.fate != "migrated"):
        right.setdefault((flow.fate, flow.to), _Bar(flow.to, flow.fate)).rows += flow.rows
    for flow in drawn:
        left.setdefault(flow.source, _Bar(flow.source, "")).rows += flow.rows
    most = max(len(left), len(right))
    height = max(_LEAST_HEIGHT, most * (_SLOT + _GAP) * 1.1)
    scale = (height - most * _GAP) / sum(bar.rows for bar in left.values())
    sides = (list(left.values()), list(right.values()))
    height = max(_place(side, scale) for side in sides)
    for side in sides:
        _centre(side, height)
    ribbons = tuple(_ribbons(drawn, left, right, scale, shape))
    nodes = [_node(bar, shape, {}, left=True) for bar in sides[0]]
    nodes += [_node(bar, shape, live or {}, left=False) for bar in sides[1]]
    return Picture(shape.width, round(height, 1), _BAR, shape.gutter == 0, tuple(nodes), ribbons)


def _fold(flows: list[Flow]) -> list[Flow]:
    """Return the flows with the smallest source tables beyond `MOST` combined into one."""
    rows: dict[str, int] = {}
    for flow in flows:
        rows[flow.source] = rows.get(flow.source, 0) + flow.rows
    small = set(sorted(rows, key=lambda name: (-rows[name], name))[MOST:])
    if not small:
        return flows
    together: dict[tuple[str, str], int] = {}
    for flow in flows:
        if flow.source in small:
            together[flow.to, flow.fate] = together.get((flow.to, flow.fate), 0) + flow.rows
    name = f"{len(small):,} smaller tables"
    return [flow for flow in flows if flow.source not in small] + [
        Flow(name, to, fate, count) for (to, fate), count in together.items()
    ]


def _place(bars: Sequence[_Bar], scale: float) -> float:
    """Stack the bars, each with space for its label, and return their total height."""
    y = 0.0
    for bar in bars:
        bar.height = max(bar.rows * scale, _THINNEST)
        slot = max(bar.height, _SLOT - _GAP)
        bar.y = y + (slot - bar.height) / 2
        y += slot + _GAP
    return y


def _centre(bars: Sequence[_Bar], height: float) -> None:
    last = bars[-1]
    unused = height - max(last.y + last.height, last.y + _SLOT / 2) - _GAP
    for bar in bars:
        bar.y += max(unused, 0.0) / 2


def _ribbons(
    flows: Iterable[Flow],
    left: dict[str, _Bar],
    right: dict[tuple[str, str], _Bar],
    scale: float,
    shape: Shape,
) -> Iterable[Ribbon]:
    order = {name: place for place, name in enumerate(left)}
    to_order = {key: place for place, key in enumerate(right)}
    begins: dict[int, float] = {}
    listed = list(flows)
    by_source = sorted(listed, key=lambda f: (order[f.source], to_order[f.fate, f.to]))
    for flow in by_source:
        bar = left[flow.source]
        begins[id(flow)] = bar.y + bar.used
        bar.used += flow.rows * scale
    x0, x1 = shape.gutter + _BAR, shape.width - shape.gutter - _BAR
    for flow in sorted(listed, key=lambda f: (to_order[f.fate, f.to], order[f.source])):
        bar = right[flow.fate, flow.to]
        thick = max(flow.rows * scale, _THINNEST)
        y0, y1 = begins[id(flow)], bar.y + bar.used
        bar.used += flow.rows * scale
        yield Ribbon(flow.source, flow.to, flow.rows, flow.fate, _band(x0, y0, x1, y1, thick))


def _band(x0: float, y0: float, x1: float, y1: float, thick: float) -> str:
    middle = (x0 + x1) / 2
    return (
        f"M{x0:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}v{thick:.1f}"
        f"C{middle:.1f} {y1 + thick:.1f} {middle:.1f} {y0 + thick:.1f} {x0:.1f} {y0 + thick:.1f}z"
    )


def _node(bar: _Bar, shape: Shape, live: Mapping[str, int], *, left: bool) -> Node:
    x = shape.gutter if left else shape.width - shape.gutter - _BAR
    inward = shape.gutter == 0
    beyond = 7.0
    label_x = x + _BAR + beyond if left == inward else x - beyond
    says = live.get(bar.name, bar.rows) if bar.fate == "migrated" else bar.rows
    title = f"{bar.name}: {amount(bar.rows, 'row')}"
    if bar.fate == "migrated" and bar.name in live:
        title = f"{bar.name}: {amount(says, 'row')}, from {amount(bar.rows, 'source row')}"
    return Node(
        bar.name, _cut(bar.name, shape.letters), bar.rows, says, title, bar.fate, left,
        round(x, 1), round(bar.y, 1), round(bar.height, 1), round(label_x, 1),
    )  # fmt: skip


def _cut(name: str, letters: int) -> str:
    if len(name) <= letters:
        return name
    half = (letters - 1) // 2
    return f"{name[:half]}…{name[-half:]}"
