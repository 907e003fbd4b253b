"""Which expressions of SQL mean the time of writing: in a DEFAULT, in a trigger."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Final

#: Functions that an expression about the clock may call: none of them reads or keeps anything.
_KNOWN: Final = frozenset({
    "datetime", "date", "unixepoch", "strftime", "julianday", "cast", "round", "floor", "printf",
    "format", "trunc", "integer", "real", "numeric", "text", "int", "bigint", "as",
})  # fmt: skip
_CLOCK: Final = re.compile(r"current_timestamp|current_date|'now'|\bunixepoch\s*\(|\bnow\s*\(", re.IGNORECASE)
_CALL: Final = re.compile(r"([A-Za-z_]+)\s*\(")
_QUOTED_CLOCK: Final = re.compile(
    r"""^(['"])\s*(current_timestamp|current_date|now\(\))\s*\1$""", re.IGNORECASE
)
_BARE_NOW: Final = re.compile(r"\bnow\s*\(\s*\)", re.IGNORECASE)
#: Modifiers that newer versions of SQLite know, and that change only parts of a second.
_FINER: Final = re.compile(r"\(\s*'subsec(?:ond)?'|,\s*'subsec(?:ond)?'", re.IGNORECASE)
#: `name = expression`, up to a comma that is in no brackets.
_SETTING: Final = re.compile(
    r"""["`\[]?(\w+)["`\]]?\s*=\s*((?:[^,()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+)"""
)
_LOCAL: Final = re.compile(r",\s*'localtime'", re.IGNORECASE)
_LONGEST: Final = 300
#: An expression is the clock where its value is no farther from it than this, in seconds.
_NEAR: Final = 3.0
_DAY: Final = 86_400.0
_JULIAN_EPOCH: Final = 2_440_587.5


def means_now(sql: str | None) -> bool:
    """Return whether an expression gives the time of writing, in any form and unit.

    The expression is computed: `unixepoch() * 1000` means the clock, `unixepoch() + 3600` does not.
    """
    if sql is None or len(sql) > _LONGEST:
        return False
    if _QUOTED_CLOCK.match(sql.strip("() ")):
        return True
    if not _CLOCK.search(sql) or {name.lower() for name in _CALL.findall(_BARE_NOW.sub("", sql))} - _KNOWN:
        return False
    value = _value(sql)
    return value is not None and _is_now(value)


def is_local(sql: str | None) -> bool:
    """Return whether an expression asks for the clock on the wall of the server's place."""
    return sql is not None and _LOCAL.search(sql) is not None


def touched_columns(table: str, triggers: Iterable[str]) -> set[str]:
    """Return the columns, in lower case, that triggers set to the time of each update of a table's row."""
    name = rf"[\"`\[]?{re.escape(table)}[\"`\]]?"
    found = set()
    for sql in triggers:
        head, begin, body = re.sub(r"\s+", " ", sql).partition(" BEGIN ")
        if not begin or not re.search(rf"\bUPDATE\b.*\bON {name}(?: |$)", head, re.IGNORECASE):
            continue
        for settings in re.findall(rf"\bUPDATE {name} SET (.*?)(?: WHERE |;)", body, re.IGNORECASE):
            for column, value in _SETTING.findall(settings):
                if means_now(value):
                    found.add(column.lower())
    return found


def _value(sql: str) -> object:
    plain = _FINER.sub(lambda found: "('now'" if found[0].startswith("(") else "", sql)
    plain = _BARE_NOW.sub("CURRENT_TIMESTAMP", _LOCAL.sub("", plain))
    with closing(sqlite3.connect(":memory:")) as empty, suppress(sqlite3.Error):
        return empty.execute(f"SELECT ({plain})").fetchone()[0]
    return None


def _is_now(value: object) -> bool:
    now = time.time()
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value):
        value = float(value)
    if isinstance(value, int | float):
        seconds = (value, value / 1000, value / 1_000_000, (value - _JULIAN_EPOCH) * _DAY)
        return any(abs(one - now) <= _NEAR for one in seconds)
    if not isinstance(value, str):
        return False
    if value in {datetime.fromtimestamp(now - late, UTC).date().isoformat() for late in (0, _NEAR)}:
        return True
    with suppress(ValueError):
        found = datetime.fromisoformat(value)
        zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
        return abs(zoned.timestamp() - now) <= _NEAR
    return False
