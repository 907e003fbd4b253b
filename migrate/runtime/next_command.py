"""Completes the commands that a message names with the options of the command that runs now.

A message deep in the code says `migrate run --fresh`; the folder and the configuration that were typed are
added when it is printed, so that each command works as it is shown.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

_BOTH: Final = (
    "fleet", "run", "verify", "rehearse", "rollback", "plan", "ids", "psql", "clean", "doctor", "status",
    "report",
)  # fmt: skip
#: The commands that have each option; a test compares them with the command line.
TAKES: Final = {
    "--config": frozenset((*_BOTH, "config", "inspect")),
    "--work": frozenset(_BOTH),
}
_COMMAND: Final = re.compile(r"`migrate (?P<name>[a-z]+)(?P<words>(?: [^`]*)?)`")
_typed: dict[str, str] = {}


def remember(option: str, value: str | None) -> None:
    """Remember what was typed for an option; None if nothing was."""
    if value is None:
        _typed.pop(option, None)
    else:
        _typed[option] = value


def complete(text: str, typed: Mapping[str, str] = _typed) -> str:
    """Return the text with the typed options in each command between backticks that takes them."""
    return _COMMAND.sub(lambda found: _complete(found["name"], found["words"], typed), text)


def _complete(name: str, words: str, typed: Mapping[str, str]) -> str:
    own, separator, passed_on = words.partition(" -- ")
    for option, takers in TAKES.items():
        if name in takers and option in typed and option not in own.split():
            own += f" {option} {shlex.quote(typed[option])}"
    return f"`migrate {name}{own}{separator}{passed_on}`"
