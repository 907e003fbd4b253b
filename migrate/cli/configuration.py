"""The configuration of a command: the file that was given, that of the run, or config.toml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from migrate.pipeline.state import ConfigRecord
    from migrate.runtime.config import Config

DEFAULT: Final = Path("config.toml")


def load_settings(given: Path | None, work: Path | None = None) -> Config:
    """Return the configuration of a command.

    It is read from the file that was given, otherwise from the one with which
    the run in the work folder was begun, otherwise from config.toml in the
    current folder, if there is one. Raises UsageError if it cannot be read.
    """
    from migrate.runtime.config import load_config

    if given is not None:
        return load_config(given)
    recorded = None if work is None else _recorded(work)
    if recorded is not None and recorded.file is not None:
        return load_config(Path(recorded.file))
    return load_config(DEFAULT if DEFAULT.is_file() else None)


def load_for_rollback(given: Path | None, work: Path) -> Config:
    """Return the configuration of a rollback, which needs nothing but the target.

    If the file of the run is gone, the target is reached as the state file
    says, with the URL from the environment.
    """
    from migrate.runtime.config import target_only

    recorded = None if given is not None else _recorded(work)
    if recorded is None or recorded.file is None or Path(recorded.file).is_file():
        return load_settings(given, work)
    return target_only(recorded.target)


def _recorded(work: Path) -> ConfigRecord | None:
    """Return what the state file says of the configuration; a damaged one is reported later."""
    from migrate.pipeline.state import State
    from migrate.runtime.errors import StateMismatch

    try:
        state = State.load(work)
    except StateMismatch:
        return None
    return None if state is None else state.document.config
