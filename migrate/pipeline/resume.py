"""Holds the state file against ledger and configuration, and makes a lost one again from the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from migrate import __version__
from migrate.pipeline.state import NAME, State
from migrate.runtime.errors import MigrateError, StateMismatch, UsageError
from migrate.staging import ledger_queries
from migrate.staging.ledger import Ledger

#: What a way back rests on. It reads no source and maps no row, so the rest may have changed.
_TARGET: Final = ("target", "schema", "staging_schema", "ledger_schema")


def load_recorded(work: Path, ledger: Ledger, binding: dict[str, Any], *, back: bool) -> State:
    """Return the state of the recorded run.

    Where it is missing or damaged a way back (`back`) takes up the latest run
    that the ledger knows; anything else is refused with UsageError or
    StateMismatch.
    """
    lost: MigrateError = UsageError(
        f"there is no run in {work}", hint="give the folder of the run with --work"
    )
    try:
        state = State.load(work)
    except StateMismatch as error:
        if not back:
            raise
        state, lost = None, error
    if state is not None:
        return state
    return (_from_ledger(work, ledger, binding) if back else None) or _refuse(lost)


def _refuse(error: MigrateError) -> State:
    raise error


def _from_ledger(work: Path, ledger: Ledger, binding: dict[str, Any]) -> State | None:
    """Write a state file for the latest run that the ledger knows; None where it knows none."""
    run_id = ledger.latest_run() if ledger.exists() else None
    if run_id is None:
        return None
    if (work / NAME).exists():
        (work / NAME).replace(work / f"damaged-{NAME}")
    state = State.begin(
        work, run_id=run_id, code=__version__, binding=binding, id_secret=ledger.secret() or ""
    )
    if ledger_queries.publication_of(ledger.conn, ledger, run_id) is not None:
        state.conclude("published" if ledger_queries.is_live(ledger.conn, ledger, run_id) else "rolled_back")
    return state


def require_same_run(state: State, binding: dict[str, Any], ledger: Ledger, *, back: bool = False) -> None:
    """Raise where configuration, program or ledger are not those that the run was begun with.

    A way back is held to the target alone.
    """
    document = state.document
    if document.code != __version__ and not back:
        raise StateMismatch(
            f"this run was started with migrate {document.code}; version {__version__} could map "
            "rows differently",
            hint=f"use migrate {document.code}, or start again with `migrate run --fresh`",
        )
    before = document.binding
    keys = set(_TARGET) if back else before.keys() | binding.keys()
    changed = sorted(key for key in keys if before.get(key) != binding.get(key))
    if changed:
        raise UsageError(
            f"the configuration is not the one that this run was begun with; changed: {', '.join(changed)}",
            hint="restore the right one, or give another folder with --work"
            + ("" if back else ", or start again with `migrate run --fresh`"),
        )
    if ledger.facts(document.run_id) is None:
        raise StateMismatch(
            f"the target's ledger does not know the run of {state.folder}: "
            "it is another database, or was restored from a backup",
            hint="check [target] url" + ("" if back else "; or start again with `migrate run --fresh`"),
        )
