"""The report of a fleet: a page that is readable with 10,000 tenants, and a CSV with a line for each."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from migrate import __version__
from migrate.pipeline.fleet.ledger import FleetLedger, Line
from migrate.report import page
from migrate.runtime import files
from migrate.runtime.clock import now

HTML: Final = "fleet.html"
CSV: Final = "fleet.csv"
#: Tenants that the page names of a group, and of the slowest.
_NAMED: Final = 20
_COLUMNS: Final = (
    "tenant", "state", "attempt", "source", "digest", "shape", "source_rows", "rows_read", "rows",
    "not_migrated", "checks", "kind", "reason", "seconds", "at",
)  # fmt: skip
#: A cell that begins so is a formula for a spreadsheet.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Group:
    """Tenants that have something in common; `named` are the first of them."""

    name: str
    tenants: int
    named: tuple[Line, ...]


def write_fleet_report(fleet: FleetLedger, folder: Path) -> dict[str, Any]:
    """Write `fleet.html` and `fleet.csv` into the folder, and return the facts of the page.

    Raises TargetError if the ledger cannot be read, UsageError if the folder cannot be written.
    """
    lines = fleet.lines()
    files.make_folder(folder)
    with files.write_atomically(folder / CSV) as file:
        file.write(_csv(lines).encode())
    page.write(folder / HTML, render(lines))
    return facts_of(lines)


def facts_of(lines: Sequence[Line]) -> dict[str, Any]:
    """Return the totals as a JSON document."""
    return {
        "version": 1,
        "total": len(lines),
        "tenants": dict(sorted(Counter(line.state for line in lines).items())),
        "source_rows": sum(line.source_rows for line in _live(lines)),
        "rows": sum(rows_of(line) for line in _live(lines)),
        "rows_read": sum(line.rows_read for line in lines),
        "not_migrated": dict(sorted(_fates(lines).items())),
        "quarantined": [
            {"kind": one.name, "tenants": one.tenants, "first": one.named[0].tenant}
            for one in _quarantined(lines)
        ],
        "schemas": [
            {"shape": one.name, "tenants": one.tenants, "first": one.named[0].tenant}
            for one in _shapes(lines)
        ],
    }


def render(lines: Sequence[Line]) -> str:
    """Return the page."""
    live = _live(lines)
    seconds = sorted(line.seconds for line in live)
    return page.render(
        "fleet.html",
        facts=facts_of(lines),
        tables=sorted(_tables(live).items()),
        quarantined=_quarantined(lines),
        slowest=sorted(live, key=lambda line: (-line.seconds, line.tenant))[:_NAMED],
        shapes=_shapes(lines),
        median=seconds[len(seconds) // 2] if seconds else 0.0,
        rows_of=rows_of,
        named=_NAMED,
        csv=CSV,
        made=now(),
        code=__version__,
    )


def rows_of(line: Line) -> int:
    """Return the rows of a tenant in the target."""
    return sum(line.rows.values())


def _live(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line.state in ("published", "staged")]


def _tables(lines: Iterable[Line]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.rows)
    return counts


def _fates(lines: Iterable[Line]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in _live(lines):
        counts.update(line.fates)
    return counts


def _quarantined(lines: Iterable[Line]) -> list[Group]:
    return _grouped((line.kind or "other", line) for line in lines if line.state == "quarantined")


def _shapes(lines: Iterable[Line]) -> list[Group]:
    return _grouped((line.shape, line) for line in lines if line.shape is not None)


def _grouped(pairs: Iterable[tuple[str, Line]]) -> list[Group]:
    """Return the groups, the largest first."""
    found: dict[str, list[Line]] = {}
    for name, line in pairs:
        found.setdefault(name, []).append(line)
    groups = [Group(name, len(lines), tuple(lines[:_NAMED])) for name, lines in found.items()]
    return sorted(groups, key=lambda group: (-group.tenants, group.name))


def _csv(lines: Iterable[Line]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for line in lines:
        values = vars(line) | {"rows": rows_of(line), "not_migrated": sum(line.fates.values())}
        writer.writerow([_plain(values[name]) for name in _COLUMNS])
    return text.getvalue()


def _plain(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
