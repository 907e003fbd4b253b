"""From the shapes of all cells to what a column is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from migrate.introspect.profile import names
from migrate.introspect.profile.model import Reading
from migrate.introspect.profile.value_patterns import FORMS, UNIX

_WHOLE: Final = frozenset({"int", "bool", "unix_s", "unix_ms"})
_WHOLE_TEXT: Final = frozenset({"digits", "digits_bool", "digits_s", "digits_ms"})
_WHOLE_REAL: Final = frozenset({"real_whole", "real_s", "real_ms"})
_NUMBER: Final = _WHOLE | _WHOLE_TEXT | _WHOLE_REAL | {"real", "decimal"}
_BOOLEAN: Final = frozenset({"bool", "digits_bool", "bool_word"})
_CALENDAR: Final = frozenset(FORMS) - UNIX
_JSON: Final = frozenset({"json_object", "json_array"})
_WORDS: Final = frozenset({"text", "bool_word", "blank"})
#: what text also looks like, when it stands among other text
_TEXTS: Final = _WORDS | _WHOLE_TEXT | {"decimal", "email", "url", "uuid", "cuid", "ulid"}


def read(
    name: str, declared: str, shapes: Mapping[str, int], *, pure_key: bool, closed: bool
) -> tuple[Reading, bool]:
    """Return what a column is, and whether its name, its type or the values alone make that certain.

    `shapes` counts all cells that are neither NULL nor ''.
    """
    seen = set(shapes)
    if not seen:
        return "empty", False
    if closed:
        return ("boolean", True) if seen == {"bool_word"} else ("closed_set", True)
    for only, reading in _SINGLE.items():
        if seen == {only}:
            return reading, True
    if seen <= _JSON:
        return "json", True
    if seen & _CALENDAR and seen <= set(FORMS):
        return "timestamp", True
    if seen <= _BOOLEAN and not pure_key and not names.is_id(name):
        return _boolean(name, declared, seen)
    if seen <= _NUMBER:
        return _number(name, declared, seen, pure_key=pure_key)
    if seen <= _TEXTS:
        return "text", True
    return "mixed", True


_SINGLE: Final[Mapping[str, Reading]] = {
    "uuid": "uuid", "cuid": "cuid", "ulid": "ulid", "email": "email", "url": "url", "blob": "blob",
    "text": "text", "blank": "text", "json_broken": "text",
}  # fmt: skip


def _boolean(name: str, declared: str, seen: set[str]) -> tuple[Reading, bool]:
    if names.says_flag(name, declared) or seen == {"bool_word"}:
        return "boolean", True
    if names.says_count(name) or "bool_word" in seen:
        return ("mixed", True) if "bool_word" in seen else ("integer", False)
    return "boolean", False


def _number(name: str, declared: str, seen: set[str], *, pure_key: bool) -> tuple[Reading, bool]:
    if seen <= UNIX and not pure_key and names.says_time(name, declared):
        return "timestamp", True
    fractions = bool(seen & {"real", "decimal"})
    money = names.says_money(name, declared)
    if fractions or (money and seen & _WHOLE_REAL):
        return ("decimal", True) if money or "decimal" in seen else ("real", True)
    if seen <= _WHOLE_TEXT and not names.is_id(name) and not pure_key:
        return "text", False  # numbers of phones and posts begin with zeros
    if pure_key or names.is_id(name):
        return "integer_id", True
    return "integer", True
