"""Collects the data of a report from the files of the work folder; uses no database."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from migrate.pipeline import crash_test
from migrate.pipeline.plan.plan_file import FILE as PLAN
from migrate.pipeline.stages.verify import REPORT as CHECKS
from migrate.pipeline.state import NAME, REHEARSAL, StageRecord, State
from migrate.pipeline.state import Document as Recorded
from migrate.pipeline.summary import summary
from migrate.report import attention, endpoints, receipt, row_samples
from migrate.report.report_facts import Command, Document, ManualWork, Rehearsal, StageLine
from migrate.report.tables import figures
from migrate.report.verdict import judge
from migrate.runtime.clock import now
from migrate.runtime.errors import UsageError
from migrate.runtime.next_command import complete
from migrate.snapshot.manifest import FACTS_NAME

_Json = dict[str, Any]
_WHOLE: Final = {field.name for field in fields(summary.Summary)}
_COMMANDS: Final = {
    "published": (
        ("check the live rows again", "verify --published"),
        ("check every cell again", "verify --published --deep"),
        ("restore the earlier rows", "rollback"),
    ),
    "rolled_back": (("migrate again", "run"), ("undo the rollback", "rollback --undo")),
    "open": (("continue", "run"), ("discard the run", "rollback")),
}


def find_folder(work: Path) -> Path:
    """Return the folder of the run in `work`, otherwise of its dry run.

    Raises UsageError if there is neither.
    """
    for folder in (work, work / REHEARSAL):
        if (folder / NAME).is_file():
            return folder
    raise UsageError(
        f"there is no run in {work}", hint="give the folder of the run with --work, or `migrate verify` first"
    )


def collect(folder: Path, *, with_samples: bool = False) -> Document:
    """Return the report of the run in `folder`; with samples it includes the values of the named rows.

    Raises UsageError if there is no run, StateMismatch if its state file is damaged.
    """
    state = State.load(folder)
    if state is None:
        raise UsageError(f"there is no run in {folder}", hint="give the folder of the run with --work")
    document = state.document
    dry = folder.name == REHEARSAL
    counted = _load(folder / summary.FILE)
    if counted.get("run_id") != document.run_id or not counted.keys() >= _WHOLE:
        counted = {}  # of an earlier run in the same folder, or of an older program
    snapshot = _load(folder / FACTS_NAME)
    checks = _load(folder / CHECKS)
    shown = figures(counted, document, row_samples.reader(folder, snapshot) if with_samples else None)
    by_hand = tuple(ManualWork(**one) for one in _load(folder / PLAN).get("by_hand", ()))
    finished = [record.finished for record in document.stages.values() if record.finished]
    return Document(
        made=now(),
        run_id=document.run_id,
        code=document.code,
        dry=dry,
        outcome=document.outcome,
        begun=document.created,
        finished=max(finished, default=None),
        verdict=judge(document, counted, checks, dry=dry),
        source=endpoints.source(document, snapshot),
        target=endpoints.target(document, counted, _load(folder / receipt.FILE)),
        ids=endpoints.ids(document, counted),
        counted=bool(counted),
        samples=with_samples,
        attention=attention.of_run(
            shown, checks, by_hand, proven=_is_proven(document), ledger=_ledger(document)
        ),
        **shown,
        stages=tuple(_stage(name, record) for name, record in document.stages.items()),
        checked=checks.get("schema"),
        checks=tuple(checks.get("checks", ())),
        rehearsal=_rehearsal(folder.parent if dry else folder),
        by_hand=by_hand,
        commands=_commands(folder, document, dry=dry),
    )


def _load(path: Path) -> _Json:
    """Return a JSON document, empty if it is missing or damaged: only the page depends on it."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_proven(document: Recorded) -> bool:
    backup = document.stages.get("backup")
    return backup is None or bool(backup.facts.get("proven", True))


def _ledger(document: Recorded) -> str:
    return str(document.binding.get("ledger_schema", "migrate_ledger"))


def _stage(name: str, record: StageRecord) -> StageLine:
    rows = record.facts.get("rows")
    if isinstance(rows, Mapping):
        rows = sum(rows.values())
    elif rows is None and "checks" in record.facts:
        rows = sum(record.facts["checks"].values())
    elif rows is None and "replaced" in record.facts:
        rows = None  # the rows that cleanup counts are copied by publish
    return StageLine(name, record.status, rows, record.seconds, record.facts.get("peak_mb"))


def _rehearsal(work: Path) -> Rehearsal | None:
    proof = _load(work / crash_test.RECEIPT)
    if not proof:
        return None
    there = proof["disturbed"]
    return Rehearsal(
        identical=proof["identical"],
        at=proof["at"],
        code=proof["code"],
        points=len(proof["points"]),
        killed=len(proof["killed"]),
        seconds=proof["seconds"],
        tables=tuple(
            (name, content["rows"], there.get(name) == content)
            for name, content in proof["undisturbed"].items()
        ),
    )


def _commands(folder: Path, recorded: Recorded, *, dry: bool) -> tuple[Command, ...]:
    """Return the commands that work in any folder: a run's own folder knows its configuration."""
    typed = {"--work": str(folder.parent if dry else folder)}
    if dry and recorded.config is not None and recorded.config.file is not None:
        typed["--config"] = recorded.config.file
    known = (("rehearse again", "verify"), ("migrate", "run")) if dry else _COMMANDS[recorded.outcome]
    known = (*known, ("see the progress", "status"), ("write this report again", "report"))
    found = tuple(Command(purpose, complete(f"`migrate {words}`", typed)[1:-1]) for purpose, words in known)
    sealed = folder / receipt.FILE
    if not sealed.is_file():
        return found
    return (*found, Command("check the receipt", f"migrate receipt {shlex.quote(str(sealed))}"))
