"""Paths into JSON documents: `$.items[*].userId`, `$[*]`, `$.*`, `$."two words"[0]`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_STEP: Final = re.compile(
    r'\.\*|\[\*\]|\.(?P<name>[^.\["*\s]+)|\."(?P<quoted>(?:[^"\\]|\\.)*)"|\[(?P<at>[0-9]+)\]'
)


@dataclass(frozen=True)
class Step:
    """One step: into `key` of an object, `at` of an array or, with neither, into every value."""

    key: str | None = None
    at: int | None = None
    items: bool = False


def steps(path: str) -> tuple[Step, ...]:
    """Return the steps of a path. Raises ValueError if it is not one."""
    if not path.startswith("$"):
        raise ValueError("a path begins with $, such as $.items[*].userId")
    found, place = [], 1
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            raise ValueError(f"{path[place:]} is no step of a path, such as .name, .*, [*] or [0]")
        found.append(_step(step))
        place = step.end()
    return tuple(found)


def _step(found: re.Match[str]) -> Step:
    if found["name"] is not None:
        return Step(key=found["name"])
    if found["quoted"] is not None:
        return Step(key=json.loads(f'"{found["quoted"]}"'))
    if found["at"] is not None:
        return Step(at=int(found["at"]))
    return Step(items=found[0] == "[*]")


def jsonpath(path: str) -> str:
    """Return the path as PostgreSQL's strict jsonpath, which only enters what is named."""
    written = ["strict $"]
    for step in steps(path):
        if step.key is not None:
            written.append("." + json.dumps(step.key))
        elif step.at is not None:
            written.append(f"[{step.at}]")
        else:
            written.append("[*]" if step.items else ".*")
    return "".join(written)


def last_step(path: str, alias: str) -> str:
    """Return SQL that is true for every row of json_tree that the path can end at, and for few others."""
    whole = steps(path)
    if not whole:
        return "1"
    last = whole[-1]
    if last.key is not None:
        return f"{alias}.key = '{last.key.replace(chr(39), chr(39) * 2)}'"
    return f"typeof({alias}.key) = '{'text' if last.at is None and not last.items else 'integer'}'"


def replace_at(document: Any, path: tuple[Step, ...], change: Callable[[Any], Any]) -> Any:
    """Return the document with every value at the end of the path changed, in place if possible."""
    if not path:
        return change(document)
    step, rest = path[0], path[1:]
    if isinstance(document, dict) and not step.items and step.at is None:
        for key in [step.key] if step.key is not None else list(document):
            if key in document:
                document[key] = replace_at(document[key], rest, change)
    if isinstance(document, list) and (step.items or step.at is not None):
        for at in range(len(document)) if step.items else [step.at]:
            if at is not None and at < len(document):
                document[at] = replace_at(document[at], rest, change)
    return document
