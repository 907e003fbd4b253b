"""A saved plan: read again, and compared with what a run would do now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from migrate.runtime import files
from migrate.runtime.errors import UsageError

#: The plan that a run was started with, in its work folder.
FILE: Final = "plan.json"
VERSION: Final = 1
#: What each digest covers, in words.
_WORDS: Final = {
    "source": "the source",
    "target": "the target",
    "configuration": "the configuration",
    "code": "the program's version",
}


def digest(facts: object) -> str:
    """Return the SHA-256 of a JSON value, as 64 hex digits."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def save_plan(facts: Mapping[str, Any], path: Path) -> None:
    """Write a plan's facts to a file that only its owner can read."""
    with files.write_atomically(path) as file:
        file.write(json.dumps(facts, indent=1).encode())


def read_plan(path: Path) -> dict[str, Any]:
    """Return the facts of a saved plan. Raises UsageError if the file is not one."""
    try:
        facts = json.loads(path.read_bytes())
        version, marks = facts["version"], facts["marks"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is not a plan, or is damaged", hint="`migrate plan --out plan.json` writes one"
        ) from error
    if version != VERSION or marks.keys() != _WORDS.keys():
        raise UsageError(f"{path} is a plan of another version of migrate", hint="make a new one")
    return dict(facts)


def require_current(kept: Mapping[str, Any], now: Mapping[str, Any], name: str) -> None:
    """Raise UsageError with the changes if a saved plan is not what a run would do now."""
    changed = [word for mark, word in _WORDS.items() if kept["marks"][mark] != now["marks"][mark]]
    if not changed:
        return
    moved = [
        f"{table}: {was} rows in the plan, {rows} now"
        for kind in ("source_tables", "live_tables")
        for table, was, rows in _differing(kept[kind], now[kind])
    ]
    raise UsageError(
        "\n  ".join([f"the plan {name} is no longer true; changed: {', '.join(changed)}", *moved[:10]]),
        hint="`migrate plan --out plan.json` makes a new one; read it, then run it",
    )


def _differing(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> list[tuple[str, int | None, int | None]]:
    was = {table["name"]: table["rows"] for table in before}
    now = {table["name"]: table["rows"] for table in after}
    return [(name, was.get(name), now.get(name)) for name in {**was, **now} if was.get(name) != now.get(name)]
