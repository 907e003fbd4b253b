"""Kills a dry run at every named point and resumes it; the result must be as without a kill.

Two rehearsals in child processes, both into an embedded PostgreSQL with the schema of the live one. The first
one is not disturbed and records the points that it reaches. The second one is killed at each of them in turn,
and resumes from there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from migrate import __version__
from migrate.pipeline.dry_run import DATABASE
from migrate.pipeline.state import REHEARSAL, State
from migrate.postgres.catalog import introspect
from migrate.postgres.connection import connect, parse_url
from migrate.postgres.embedded import THROWAWAY, EmbeddedServer
from migrate.postgres.table_checksum import Content, measure_all
from migrate.runtime import files, system
from migrate.runtime.amount import amount
from migrate.runtime.clock import now
from migrate.runtime.errors import CheckError, MigrateError
from migrate.runtime.failpoints import TRACE, VARIABLE
from migrate.runtime.lockfile import lock_folder

RECEIPT: Final = "rehearsal.json"
LOG: Final = "rehearsal.log"
#: The last point at which a dry run is unfinished: after it, the next rehearsal would start from the
#: beginning.
_LAST: Final = "publish:dropped"
OnProgress = Callable[[str, int, int], None]


@dataclass
class CrashTestResult:
    """The result: the content of both rehearsals by table, and the points at which the second one was
    killed.
    """

    code: str
    at: str
    points: list[str]
    killed: list[str]
    undisturbed: dict[str, Content]
    disturbed: dict[str, Content]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def identical(self) -> bool:
        """Return whether the rehearsal that was killed left the same content."""
        return self.undisturbed == self.disturbed

    def facts(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        return {"version": 1, "identical": self.identical, **asdict(self)}


def run(work: Path, words: Sequence[str], on_progress: OnProgress) -> CrashTestResult:
    """Rehearse twice, the second time with a kill at every point, and write the result.

    `words` are the options of the dry run. Raises the error of a failed rehearsal, and CheckError if the two
    contents differ.
    """
    files.make_folder(work)
    began = time.monotonic()
    on_progress("undisturbed", 0, 0)
    points = _trace(work, words)
    undisturbed = _content(work)
    between = time.monotonic()
    killed, ends = [], []
    for number, point in enumerate(points, 1):
        on_progress(point, number, len(points))
        if _is_killed(work, words, {VARIABLE: point}):
            killed.append(point)
        elif not _open(work):
            # A background task had passed the point already: the next rehearsal starts from the beginning.
            ends.append(_content(work))
    if _open(work):
        on_progress("to the end", len(points), len(points))
        _is_killed(work, words, {})
    receipt = CrashTestResult(
        code=__version__, at=now(), points=points, killed=killed, undisturbed=undisturbed,
        disturbed=next((end for end in ends if end != undisturbed), _content(work)),
        seconds={
            "undisturbed": round(between - began, 1),
            "disturbed": round(time.monotonic() - between, 1),
        },
    )  # fmt: skip
    with files.write_atomically(work / RECEIPT) as file:
        file.write(json.dumps(receipt.facts(), indent=1).encode())
    if not receipt.identical:
        wrong = [name for name, one in undisturbed.items() if receipt.disturbed.get(name) != one]
        raise CheckError(
            f"killed {amount(len(killed), 'time')} and resumed, the rehearsal left other rows in "
            f"{', '.join(wrong)}",
            hint=f"do not run the migration; report this with {work / RECEIPT} and {work / LOG}",
        )
    return receipt


def _trace(work: Path, words: Sequence[str]) -> list[str]:
    """Rehearse undisturbed, from the beginning, and return the points in the order they were reached."""
    folder = work / REHEARSAL
    with lock_folder(folder):
        state = State.load(folder)
        if state is not None and state.document.outcome == "open":
            state.conclude("rolled_back")  # an interrupted one would only resume
    trace = work / "rehearsal.points"
    trace.unlink(missing_ok=True)
    try:
        _is_killed(work, words, {TRACE: str(trace)})
        reached = list(dict.fromkeys(trace.read_text(encoding="utf-8").splitlines()))
    finally:
        trace.unlink(missing_ok=True)
    return reached[: reached.index(_LAST) + 1]


def _is_killed(work: Path, words: Sequence[str], variables: dict[str, str]) -> bool:
    """Rehearse in a child process; return whether it killed itself, raise its error if it failed."""
    command = [sys.executable, "-m", "migrate", "verify", "--work", str(work), *words]
    log = work / LOG
    with log.open("a", encoding="utf-8") as output:
        log.chmod(files.FILE_MODE)
        done = subprocess.run(
            command, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        output.write(done.stderr)
    if done.returncode == -system.KILL and VARIABLE in variables:
        return True
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        error = MigrateError(
            f"the rehearsal failed: {errors[-1].removeprefix('error: ') if errors else done.returncode}",
            hint=f"read {log}",
        )
        error.exit_code = max(done.returncode, 1)
        raise error
    return False


def _open(work: Path) -> bool:
    state = State.load(work / REHEARSAL)
    return state is not None and state.document.outcome == "open"


def _content(work: Path) -> dict[str, Content]:
    """Return the content of every table of the rehearsal's live schema."""
    with EmbeddedServer(work / REHEARSAL, settings=THROWAWAY) as server:
        schema = _schema(work)
        with connect(parse_url(server.url(DATABASE)), read_only=True) as connection:
            return measure_all(connection, schema, sorted(introspect(connection, schema).tables))


def _schema(work: Path) -> str:
    state = State.load(work / REHEARSAL)
    assert state is not None
    return str(state.document.binding["schema"])
