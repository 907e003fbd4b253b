"""The secret from which new ids are derived: configured, or kept in the ledger."""

from __future__ import annotations

from pathlib import Path

from migrate.pipeline.live_target import LiveTarget
from migrate.pipeline.state import REHEARSAL, State
from migrate.postgres.connection import connect
from migrate.runtime.config import Config
from migrate.runtime.errors import StateMismatch
from migrate.staging.ledger import Ledger


def secret_of(config: Config, state: State) -> str:
    """Return the id secret of a run: the configured one, otherwise the one that the run keeps."""
    if config.ids.secret is not None:
        return config.ids.secret.get_secret_value()
    return state.document.id_secret


def known_secret(config: Config, target: LiveTarget, work: Path) -> str | None:
    """Return the id secret that an earlier run or rehearsal keeps: in the ledger, otherwise in a state
    file.
    """
    with connect(target.address, read_only=True) as connection:
        ledger = Ledger(connection, config.target.ledger_schema)
        kept = ledger.secret() if ledger.exists() else None
    for folder in (work, work / REHEARSAL):
        if kept is None:
            kept = _secret_in(folder)
    return kept


def _secret_in(folder: Path) -> str | None:
    try:
        state = State.load(folder)
    except StateMismatch:
        return None  # a damaged state file is reported when its run is resumed
    return state.document.id_secret or None if state else None
