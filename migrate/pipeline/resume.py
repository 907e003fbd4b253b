"""Compares the state file with ledger and configuration, and makes a lost one again from the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from migrate import __version__
from migrate.pipeline.id_secret import rule_of
from migrate.pipeline.ids import HEX
from migrate.pipeline.run_mode import RunMode
from migrate.pipeline.state import NAME, State
from migrate.runtime.errors import MigrateError, StateMismatch, UsageError
from migrate.staging import ledger_queries
from migrate.staging.ledger import Ledger

#: What a rollback rests on. It reads no source and maps no row, so the rest may have changed.
_TARGET: Final = ("target", "schema", "staging_schema", "ledger_schema")
WITHOUT_FOLDER: Final = (
    "give the folder of the run with --work; if it is lost, a copy of its backup and the target's ledger are "
    "enough: `migrate rollback --backup FOLDER`"
)
#: What the ledger calls the source of a fleet.
FLEET: Final = "a fleet of tenants"
WITHOUT_RUN: Final = "give the folder of the run with --work; `migrate run` begins a new one"


def load_recorded(work: Path, ledger: Ledger, binding: dict[str, Any], mode: RunMode) -> State:
    """Return the state of the recorded run.

    If it is missing or damaged, a rollback takes the latest run that the
    ledger knows. Raises UsageError if there is none, StateMismatch if the state
    file is damaged.
    """
    hint = WITHOUT_FOLDER if mode is RunMode.ROLLBACK else WITHOUT_RUN
    lost: MigrateError = UsageError(f"there is no run in {work}", hint=hint)
    try:
        state = State.load(work)
    except StateMismatch as error:
        if mode is not RunMode.ROLLBACK:
            raise
        state, lost = None, error
    if state is not None:
        return state
    found = _from_ledger(work, ledger, binding) if mode is RunMode.ROLLBACK else None
    return found or _refuse(lost)


def _refuse(error: MigrateError) -> State:
    raise error


def _from_ledger(work: Path, ledger: Ledger, binding: dict[str, Any]) -> State | None:
    """Write a state file for the latest run that the ledger knows; None if it knows none."""
    run_id = ledger.latest_run() if ledger.exists() else None
    if run_id is None:
        return None
    if (work / NAME).exists():
        (work / NAME).replace(work / f"damaged-{NAME}")
    state = State.begin(
        work,
        run_id=run_id,
        code=__version__,
        binding=binding,
        id_secret=ledger.secret() or "",
        id_rule=rule_of(ledger) or HEX,
    )
    if ledger_queries.publication_of(ledger.conn, ledger, run_id) is not None:
        state.conclude("published" if ledger_queries.is_live(ledger.conn, ledger, run_id) else "rolled_back")
    return state


def require_ledger(state: State | None, ledger: Ledger) -> None:
    """Raise StateMismatch if a run is recorded, but its target has no ledger any more."""
    if state is None or ledger.exists():
        return
    restore = (
        "without it `migrate rollback` cannot work; docs/rollback.md, Without this program, shows how "
        "pg_restore brings the rows of the backup back"
    )
    again = "start again with `migrate run --fresh`; the live tables are untouched"
    raise StateMismatch(
        f"the ledger of the run in {state.folder} is gone: the target has no schema {ledger.schema}",
        hint="check [target] url; " + (again if state.document.outcome == "open" else restore),
    )


def require_kind(state: State | None, ledger: Ledger, source: str, mode: RunMode) -> None:
    """Raise UsageError if the run is one of a fleet and the command is not, or the other way round."""
    if state is None or mode is RunMode.FRESH:
        return
    facts = ledger.facts(state.document.run_id) or state.document.binding
    of_fleet = facts.get("source") == FLEET
    if of_fleet != (source == FLEET):
        raise UsageError(
            f"the run in {state.folder} is {'one' if of_fleet else 'not one'} of a fleet",
            hint="`migrate fleet status` shows its tenants, `migrate fleet rollback` takes them back"
            if of_fleet
            else "give another folder with --work",
        )


def require_same_run(state: State, binding: dict[str, Any], ledger: Ledger, mode: RunMode) -> None:
    """Raise if configuration, program or ledger are not those that the run was begun with.

    Of a rollback only the target must be the same. Raises StateMismatch for
    program and ledger, UsageError for the configuration.
    """
    document, back = state.document, mode is RunMode.ROLLBACK
    if document.code != __version__ and not back:
        raise StateMismatch(
            f"this run was started with migrate {document.code}; version {__version__} could map "
            "rows differently",
            hint=f"use migrate {document.code}, or start again with `migrate run --fresh`",
        )
    before = document.binding
    known = ledger.facts(document.run_id) is not None
    keys = set(_TARGET) if back else before.keys() | binding.keys()
    changed = sorted(key for key in keys if before.get(key) != binding.get(key))
    if back and known and changed == ["target"]:
        changed = []  # the same database under another name: its ledger knows the run
    if changed == ["target"]:
        raise UsageError(
            f"this run was started with the target {before.get('target')}; now it is {binding['target']}",
            hint="if both are the same server, use the name of then; else give another folder with --work"
            + ("" if back else ", or start again with `migrate run --fresh`"),
        )
    if changed:
        raise UsageError(
            f"this run was started with another configuration; different: {', '.join(changed)}",
            hint="give the same --config FILE as for this run; or undo the change; or give another "
            "folder with --work" + ("" if back else "; or start again with `migrate run --fresh`"),
        )
    if not known:
        raise StateMismatch(
            f"the target's ledger does not know the run of {state.folder}: "
            "it is another database, or was restored from a backup",
            hint="check [target] url" + ("" if back else "; or start again with `migrate run --fresh`"),
        )
