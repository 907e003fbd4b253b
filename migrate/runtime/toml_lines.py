"""The line of each key of a TOML file, for errors that name one by its path (`tables.users.columns.id`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Final

_NAME: Final = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_NAMES: Final = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER: Final = re.compile(rf"\s*\[{{1,2}}\s*({_NAMES})\s*\]{{1,2}}")
_KEY: Final = re.compile(rf"\s*({_NAMES})\s*=")


def with_lines(path: object, text: str, mistakes: Iterable[str]) -> list[str]:
    """Return mistakes that begin with a path in the TOML file, after `path:LINE` as editors read it.

    A mistake about something that the file does not have is placed at the table that lacks it; one whose
    beginning is no path stays as it is.
    """
    lines = key_lines(text)
    return [_placed(str(path), lines, mistake) for mistake in mistakes]


def key_lines(text: str) -> Mapping[str, int]:
    """Return the number of the first line of each key, by its path with dots; {} for text that is no TOML."""
    found: dict[str, int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if (header := _HEADER.match(line)) is not None:
            table = _parts(header[1])
            found.setdefault(".".join(table), number)
        elif (key := _KEY.match(line)) is not None:
            found.setdefault(".".join((*table, *_parts(key[1]))), number)
    return found


def _parts(names: str) -> tuple[str, ...]:
    """Return the parts of a key as TOML reads them."""
    try:
        found: Any = tomllib.loads(f"{names} = 0")
    except tomllib.TOMLDecodeError:
        return (names,)
    parts = []
    while isinstance(found, dict):
        ((name, found),) = found.items()
        parts.append(name)
    return tuple(parts)


def _placed(path: str, lines: Mapping[str, int], mistake: str) -> str:
    place = max((one for one in lines if _begins(mistake, one)), key=len, default=None)
    return mistake if place is None else f"{path}:{lines[place]}: {mistake}"


def _begins(mistake: str, place: str) -> bool:
    return mistake.startswith(place) and mistake[len(place) : len(place) + 1] in (".", ":", " ", "")
