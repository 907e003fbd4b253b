"""The steps of a publication in words, for the reporter."""

from __future__ import annotations

from typing import Final

from migrate.runtime import announce
from migrate.runtime.failpoints import hit

_WORDS: Final = {
    "build": "building",
    "built": "checking what was built in",
    "lock": "waiting for the locks of",
    "compare with the backup": "comparing with the backup:",
    "exchange": "swapping",
    "exchanged": "checking the schema after the swap of",
    "delete": "deleting the old rows of",
    "loosen": "removing",
    "strip": "removing",
    "rebuild": "building",
    "insert": "copying the new rows of",
    "analyze": "collecting statistics of",
    "commit": "committing in schema",
}


def show_step(command: str, doing: str, what: str) -> None:
    """Announce a step of the publication of `run` or `rollback`, and pass its failpoint."""
    announce.doing(f"{_WORDS.get(doing, doing)} {what}")
    hit(f"{command}:{doing}")
