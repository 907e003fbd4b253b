"""Counts what each fault was survived, and prints the table at the end of the tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

KEY = "fault"


@dataclass
class Score:
    """One test's part of a fault: disturbances that were made, and contents found identical after them."""

    fault: str
    tries: int = 0
    survived: int = 0
    compared: int = 0
    identical: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add something measured, to be shown next to the counts."""
        self.notes.append(text)

    def tried(self, survived: bool = True) -> None:
        """Count a disturbance, and whether the run lived through it or could be finished."""
        self.tries += 1
        self.survived += survived

    def compare(self, left: object, right: object) -> None:
        """Count a comparison of two contents, and fail if they differ."""
        self.compared += 1
        self.identical += left == right
        assert left == right


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print a line for each fault; a failed test counts as a disturbance not survived."""
    totals: dict[str, Counter[str]] = {}
    notes: dict[str, list[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, value in getattr(report, "user_properties", ()):
                if key == KEY and report.when == "teardown":
                    totals.setdefault(value["fault"], Counter()).update(value["counts"])
                    notes.setdefault(value["fault"], []).extend(value["notes"])
    if not totals:
        return
    width = max(map(len, totals))
    terminalreporter.section("faults")
    terminalreporter.write_line(f"{'fault':{width}}  tries  survived  content identical")
    for fault, count in sorted(totals.items()):
        whole = count["survived"] == count["tries"] and count["identical"] == count["compared"]
        same = f"{count['identical']}/{count['compared']}" if count["compared"] else "-"
        line = f"{fault:{width}}  {count['tries']:>5}  {count['survived']:>8}  {same:>17}"
        terminalreporter.write_line(f"{line}  {'; '.join(notes[fault])}", green=whole, red=not whole)


def keep(request: pytest.FixtureRequest, score: Score) -> None:
    """Hand the score to the report of the test, which also reaches the process that prints.

    A test that passed without a disturbance (its point was never reached, or it made none) is a try
    that was not survived: it proves nothing.
    """
    failed = getattr(request.node, "failed", True)
    tries = max(score.tries, 1)
    survived = min(score.survived, tries - failed)
    counts = {
        "tries": tries, "survived": survived,
        "compared": score.compared, "identical": score.identical,
    }  # fmt: skip
    request.node.user_properties.append((KEY, {"fault": score.fault, "counts": counts, "notes": score.notes}))
