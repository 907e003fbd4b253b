"""The results of checks: findings, results, and the report of all of them.

Nothing here holds personal data: a finding names a table, the key of a row, a column and the rule that was
broken, never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verification.context import CheckContext

#: how many findings a check names; the rest are only counted
NAMED = 50


@dataclass(frozen=True)
class Finding:
    """One fault: in which table, at which key (None: the whole table), which rule was broken."""

    table: str
    key: str | None
    what: str
    column: str | None = None

    def __str__(self) -> str:
        place = self.table if self.column is None else f"{self.table}.{self.column}"
        return f"{place}: {self.what}" if self.key is None else f"{place} [{self.key}]: {self.what}"


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    `looked_at` counts the rows it checked, `total` its faults, of which `findings` names the first ones.
    `applies` is false if the tables that it is about do not exist; such a check neither passes silently nor
    fails. `numbers` are counts worth showing, as {table: {what: count}}.
    """

    name: str
    question: str
    passed: bool
    looked_at: int
    findings: tuple[Finding, ...] = ()
    total: int = 0
    applies: bool = True
    note: str = ""
    numbers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "name": self.name,
            "question": self.question,
            "passed": self.passed,
            "applies": self.applies,
            "note": self.note,
            "looked_at": self.looked_at,
            "total": self.total,
            "findings": [
                {"table": f.table, "key": f.key, "column": f.column, "what": f.what} for f in self.findings
            ],
            "numbers": {table: dict(counts) for table, counts in self.numbers.items()},
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Check:
    """A check of the data, and the function that does it.

    `of_target`: only the target is queried, and neither snapshot nor ids are needed. `of_proof`: it uses what
    the server has proven, which is worth waiting for. `apart`: it reads both sides for a long time, and
    nothing that another check has read.
    """

    name: str
    question: str
    run: Callable[[CheckContext], Outcome]
    of_target: bool = False
    of_proof: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Report:
    """The results of the checks that were run, in their order."""

    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Return whether no check found a fault."""
        return all(result.passed for result in self.results)

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """Return the results with faults."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def applied(self) -> int:
        """Return how many checks the data needed; the others looked at nothing."""
        return sum(result.applies for result in self.results)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {"passed": self.passed, "checks": [result.to_json() for result in self.results]}

    def lines(self) -> list[str]:
        """Return the report as plain lines: one per check, and one per named finding."""
        out = []
        for result in self.results:
            word = ("ok" if result.passed else "FAILED") if result.applies else "not applicable"
            count = f", findings: {result.total:,}" if result.total else ""
            note = f" ({result.note})" if result.note else ""
            out.append(f"{word}: {result.question} Rows checked: {result.looked_at:,}{count}{note}")
            out.extend(f"  {finding}" for finding in result.findings)
            if result.total > len(result.findings) > 0:
                out.append(f"  and {result.total - len(result.findings):,} more")
        return out


class Outcome:
    """What a check collects while it runs: rows checked, faults, counts worth showing."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.total = 0
        self.findings: list[Finding] = []
        self.numbers: dict[str, dict[str, int]] = {}
        self.applies = True
        self.note = ""

    @classmethod
    def not_applicable(cls, note: str) -> Outcome:
        """Return the outcome of a check that the data does not need."""
        outcome = cls()
        outcome.applies = False
        outcome.note = note
        return outcome

    @property
    def room(self) -> int:
        """Return how many more findings may be named."""
        return max(0, NAMED - len(self.findings))

    def found(self, table: str, key: str | None, what: str, column: str | None = None) -> None:
        """Record one fault."""
        self.found_many(table, [key], what, column)

    def found_many(
        self,
        table: str,
        keys: Iterable[str | None],
        what: str,
        column: str | None = None,
        total: int | None = None,
    ) -> None:
        """Record faults of one rule: `keys` names some, `total` counts all (None: as many as keys)."""
        named = list(keys)
        self.findings.extend(Finding(table, key, what, column) for key in named[: self.room])
        self.total += len(named) if total is None else total

    def result(self, check: Check, seconds: float) -> CheckResult:
        """Return the outcome as the result of `check`."""
        return CheckResult(
            name=check.name,
            question=check.question,
            passed=self.total == 0,
            looked_at=self.looked_at,
            findings=tuple(self.findings),
            total=self.total,
            applies=self.applies,
            note=self.note,
            numbers=self.numbers,
            seconds=seconds,
        )
