"""Infers the type of a column from the patterns of all its cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile import declared_type, names
from migrate.introspect.profile.inspection import Reading
from migrate.introspect.profile.known_columns import KnownType
from migrate.introspect.profile.value_patterns import FORMS, NUMBER, UNIX, WHOLE_REAL, WHOLE_TEXT

_MILLISECONDS: Final = frozenset({"unix_ms", "real_ms"})
_BOOLEAN: Final = frozenset({"bool", "digits_bool", "bool_word"})
_CALENDAR: Final = frozenset(FORMS) - UNIX
_JSON: Final = frozenset({"json_object", "json_array", "blob_json"})
_WORDS: Final = frozenset({"text", "bool_word", "bool_letter", "blank"})
#: what text can also look like if it is among other text
_TEXTS: Final = _WORDS | WHOLE_TEXT | {"decimal", "email", "url", "uuid", "cuid", "ulid"}


@dataclass(frozen=True)
class Signs:
    """The evidence for a column's type in addition to its values.

    `known` is what a library is known to read there, `clock` is true if its default is the time of writing,
    `pure_key` that it alone is the primary key, `closed` that it holds one of a few words, `fractional` that
    one of its numbers has a fraction.
    """

    name: str
    declared: str
    known: KnownType | None = None
    clock: bool = False
    pure_key: bool = False
    closed: bool = False
    fractional: bool = False

    @property
    def family(self) -> declared_type.Family:
        """The kind of values that the declared type is meant for."""
        return declared_type.family(self.declared)

    @property
    def times(self) -> bool:
        """Whether numbers in the column are instants for sure, be they of any size."""
        return not self.pure_key and (self.known == "timestamp" or self.family in ("timestamp", "date"))

    @property
    def names_time(self) -> bool:
        """Whether numbers in the column are instants if they look like it."""
        if self.pure_key or self.known == "integer" or _has_scale(self.declared):
            return False
        return self.times or self.clock or names.suggests_time(self.name, self.declared)

    @property
    def names_other(self) -> bool:
        """Whether the name speaks of numbers that are no instants."""
        if self.pure_key or self.known is not None or self.family not in ("integer", ""):
            return True
        about = names.is_id(self.name) or names.suggests_count(self.name) or names.is_private(self.name)
        return about or names.says_code(self.name) or names.suggests_money(self.name, self.declared)


def read(signs: Signs, shapes: Mapping[str, int]) -> tuple[Reading, bool]:
    """Return what a column is, and whether its name, its type or the values alone make that certain.

    `shapes` counts all cells that are neither NULL nor ''.
    """
    seen = set(shapes)
    if not seen:
        return "empty", False
    if signs.family == "boolean" and seen <= _BOOLEAN | {"bool_letter"} and not signs.pure_key:
        return "boolean", True
    if signs.closed:
        return ("boolean", True) if seen == {"bool_word"} else ("closed_set", True)
    for only, reading in _SINGLE.items():
        if seen == {only}:
            return reading, True
    if seen <= _JSON:
        return "json", True
    numbers = seen & NUMBER
    if seen & _CALENDAR and seen <= set(FORMS) | (numbers if signs.times else set()):
        return "timestamp", True
    if seen <= _BOOLEAN and not signs.pure_key and not names.is_id(signs.name) and not _is_moment(signs):
        return _boolean(signs, seen)
    if seen <= NUMBER:
        return _number(signs, seen)
    if seen <= _TEXTS:
        return "text", True
    return "mixed", True


_SINGLE: Final[Mapping[str, Reading]] = {
    "uuid": "uuid", "cuid": "cuid", "ulid": "ulid", "email": "email", "url": "url", "blob": "blob",
    "text": "text", "blank": "text", "json_broken": "text", "bool_letter": "text",
}  # fmt: skip


def _has_scale(declared: str) -> bool:
    sized = declared_type.size(declared)
    return declared_type.family(declared) == "decimal" and sized is not None and sized[1] > 0


def _is_moment(signs: Signs) -> bool:
    """Return whether 0 and 1 are instants: some keep a flag in the `email_verified` of a library."""
    flag = signs.known == "timestamp" and names.suggests_flag(signs.name, signs.declared)
    return signs.times and not (flag and signs.family not in ("timestamp", "date"))


def _boolean(signs: Signs, seen: set[str]) -> tuple[Reading, bool]:
    flag = names.suggests_flag(signs.name, signs.declared) and signs.known != "integer"
    if flag or signs.known == "boolean" or signs.family == "boolean" or seen == {"bool_word"}:
        return "boolean", True
    if names.suggests_count(signs.name) or "bool_word" in seen or signs.known == "integer":
        return ("mixed", True) if "bool_word" in seen else ("integer", signs.known is not None)
    return "boolean", False


def _number(signs: Signs, seen: set[str]) -> tuple[Reading, bool]:
    if signs.times or (seen <= UNIX and signs.names_time):
        return "timestamp", True
    if seen <= _MILLISECONDS and not signs.names_other:
        return "timestamp", False  # 13 digits, all of them within a century
    money = names.suggests_money(signs.name, signs.declared)
    if signs.fractional or seen & {"real", "decimal"} or (money and seen & WHOLE_REAL):
        return ("decimal", True) if money or "decimal" in seen else ("real", True)
    if seen <= WHOLE_TEXT and not names.is_id(signs.name) and not signs.pure_key:
        return "text", False  # phone numbers and postal codes begin with zeros
    if signs.pure_key or names.is_id(signs.name):
        return "integer_id", True
    return "integer", True
