"""The secret from which new ids are derived, configured or kept in the ledger, and the rule of the ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from migrate.pipeline.ids import BASE36, HEX, Rule
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


@dataclass(frozen=True)
class KnownIds:
    """What an earlier run or rehearsal keeps of its ids: the secret and the rule, None if it does not."""

    secret: str | None = field(default=None, repr=False)
    rule: Rule | None = None


NOTHING_KNOWN: Final = KnownIds()


def known_ids(config: Config, target: LiveTarget, work: Path) -> KnownIds:
    """Return what is kept in the ledger, otherwise in a state file."""
    with connect(target.address, read_only=True) as connection:
        ledger = Ledger(connection, config.target.ledger_schema)
        there = ledger.exists()
        secret, rule = (ledger.secret(), rule_of(ledger)) if there else (None, None)
    for folder in (work, work / REHEARSAL):
        kept = _kept_in(folder)
        secret, rule = secret or kept.secret, rule or kept.rule
    return KnownIds(secret, rule)


def rule_of(ledger: Ledger) -> Rule | None:
    """Return the rule of the ids that were given out in the ledger; None before its first run."""
    kept = ledger.id_rule()
    if kept is None:
        return None
    if kept not in (HEX, BASE36):
        raise StateMismatch(
            f"the ledger {ledger.schema} keeps an id rule that this version does not know: {kept}",
            hint="use the version of migrate that began its last run",
        )
    return HEX if kept == HEX else BASE36


def _kept_in(folder: Path) -> KnownIds:
    try:
        state = State.load(folder)
    except StateMismatch:
        return KnownIds()  # a damaged state file is reported when its run is resumed
    return KnownIds(state.document.id_secret or None, state.document.id_rule) if state else KnownIds()
