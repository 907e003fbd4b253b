"""Defaults: SQLite's DEFAULT, converted for Prisma and PostgreSQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from migrate.introspect.profile.clock import means_now
from migrate.introspect.scaffold.model import Default, Type

_QUOTED: Final = re.compile(r"""'(?P<single>(?:[^']|'')*)'|"(?P<double>(?:[^"]|"")*)\"""", re.DOTALL)
_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)")
_YES: Final = {"1": "true", "true": "true", "0": "false", "false": "false"}
_LETTERS: Final = {
    **_YES, "t": "true", "y": "true", "yes": "true", "on": "true", "f": "false", "n": "false", "no": "false",
    "off": "false",
}  # fmt: skip


def convert_default(sql: str | None, kind: Type) -> Default | None:
    """Return the default of a column of that type; None if there is none or it is not a constant.

    The words CURRENT_TIMESTAMP in quotes, which some tools write, mean the current time as well.
    """
    if sql is None:
        return None
    bare = _bare(sql)
    text = _text(bare)
    if kind.scalar == "DateTime" and kind.enum is None:
        return Default("now") if means_now(sql) else _instant(text, kind)
    if bare.upper() == "NULL" or means_now(bare):
        return None
    constant = bare != text or _NUMBER.fullmatch(bare) or bare.lower() in _YES
    return _constant(text, kind) if constant else None


def _constant(text: str, kind: Type) -> Default | None:
    if kind.enum is not None:
        known = {value for _, value in kind.enum.members}
        return Default("member", text) if text in known else None
    if "\0" in text:
        return None
    match kind.scalar:
        case "String":
            return Default("text", text)
        case "Boolean":
            word = _LETTERS.get(text.lower())
            return Default("plain", word) if word else None
        case "Json":
            return Default("text", text) if _is_json(text) else None
        case "Int" | "BigInt" | "Float" | "Decimal":
            return _number(text, kind)
        case _:
            return None


def _instant(text: str, kind: Type) -> Default | None:
    """Return a fixed timestamp as Prisma's engine prints it, in UTC; None for what is none."""
    if kind.day or "-" not in text[1:]:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" +", "+"))
    except ValueError:
        return None
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    return Default("instant", zoned.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))


def _number(text: str, kind: Type) -> Default | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or not _NUMBER.fullmatch(text):
        return None
    if kind.scalar in ("Int", "BigInt"):
        limit = 2 ** (31 if kind.scalar == "Int" else 63)
        whole = value == value.to_integral_value() and -limit <= value < limit
        return Default("plain", str(int(value))) if whole else None
    plain = f"{value.normalize():f}"
    return Default("plain", plain)


def _bare(sql: str) -> str:
    """Return the expression without the parentheses around all of it."""
    text = sql.strip()
    while text.startswith("(") and text.endswith(")") and _closes_last(text):
        text = text[1:-1].strip()
    return text


def _closes_last(text: str) -> bool:
    depth = 0
    for place, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            return place == len(text) - 1
    return False


def _text(sql: str) -> str:
    """Return the text of a quoted constant, anything else as it is."""
    match = _QUOTED.fullmatch(sql)
    if match is None:
        return sql
    if match["single"] is not None:
        return match["single"].replace("''", "'")
    return str(match["double"]).replace('""', '"')


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return "\\u0000" not in text
