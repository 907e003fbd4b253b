"""Which tests run which line of a file, so that a mutant is tried on those alone, the quick ones first."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coverage import CoverageData

#: Quiet, in one order, without the slow ones.
OPTIONS: Final = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-m", "not slow", "--no-header")
_DURATION: Final = re.compile(r"^([0-9.]+)s (setup|call|teardown) +(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Selection:
    """The tests that run each line (from 1) of one file, and the seconds that each test takes.

    `whole` are the arguments that name all tests of the file: what no test of this process runs
    (an import, a command's own process) is tried on all of them.
    """

    whole: Sequence[str]
    by_line: Mapping[int, frozenset[str]]
    seconds: Mapping[str, float]

    def tests(self, first: int, last: int) -> list[str]:
        """Return the tests that run one of the lines, the quickest first; all if no test does."""
        found = frozenset[str]().union(*(self.by_line.get(line, ()) for line in range(first, last + 1)))
        return sorted(found, key=lambda test: (self.seconds.get(test, 0.0), test)) or list(self.whole)


def environment(copy: Path) -> dict[str, str]:
    """Return the environment in which the tests read the copy, not the checkout."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(copy), str(Path(__file__).parents[2])))}


def selection(copy: Path, file: str, tests: Sequence[str], scratch: Path) -> Selection | None:
    """Run the tests of a file once, in a copy of the checkout; return what ran, or `None` if one failed."""
    settings, data = scratch / "coverage.ini", scratch / "coverage.data"
    settings.write_text(f"[run]\ndata_file = {data}\ninclude = {copy / file}\n", encoding="utf-8")
    data.unlink(missing_ok=True)
    measured = ["--cov", f"--cov-config={settings}", "--cov-context=test", "--cov-report="]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, "-x", "--durations=0", "-vv", *measured, *tests],
        cwd=copy, env=environment(copy), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return None
    seconds: dict[str, float] = {}
    for taken, _phase, test in _DURATION.findall(done.stdout):
        seconds[test] = seconds.get(test, 0.0) + float(taken)
    return Selection(tests, _by_line(data, copy / file, list(seconds)), seconds)


def _by_line(data: Path, file: Path, every: Sequence[str]) -> dict[int, frozenset[str]]:
    """Return the tests of each line.

    What a fixture runs counts for all tests of its test's file: they may share what it made.
    """
    measured = CoverageData(str(data))
    measured.read()
    of_file: dict[str, set[str]] = {}
    for test in every:
        of_file.setdefault(test.partition("::")[0], set()).add(test)
    found: dict[int, frozenset[str]] = {}
    for line, contexts in measured.contexts_by_lineno(str(file)).items():
        tests: set[str] = set()
        for test, _, phase in (context.rpartition("|") for context in contexts if context):
            tests |= {test} if phase == "run" else of_file.get(test.partition("::")[0], {test})
        found[line] = frozenset(tests)
    return found
