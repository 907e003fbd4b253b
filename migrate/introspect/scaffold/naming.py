"""Makes names for Prisma and PostgreSQL from names of a legacy database: always valid, never twice."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import Final

from migrate.introspect.profile.names import singular, words
from migrate.introspect.scaffold.transliterate import to_ascii

#: PostgreSQL keeps this many bytes of a name.
LONGEST: Final = 63
#: Columns that every table of PostgreSQL has already.
_SYSTEM_COLUMNS: Final = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
#: Names that no model may have: Prisma's own types, and what its client declares or uses in TypeScript.
_TAKEN: Final = frozenset({
    "String", "Boolean", "Int", "BigInt", "Float", "Decimal", "DateTime", "Json", "Bytes",
    "Prisma", "PrismaClient", "Unsupported", "Array", "Date", "Exclude", "Omit", "PrismaPromise",
    "Uint8Array",
})  # fmt: skip
#: Names that no field may have: what every JavaScript object has, which Prisma's client would not override.
_OF_OBJECTS: Final = frozenset({
    "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString",
    "valueOf",
})  # fmt: skip
_SINGULAR: Final = {
    "people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse",
    "indices": "index", "matrices": "matrix", "criteria": "criterion", "media": "media", "data": "data",
    "news": "news", "series": "series", "species": "species", "analytics": "analytics", "stats": "stats",
    "movies": "movie", "cookies": "cookie",
}  # fmt: skip


class Names:
    """Names of one kind within one namespace: each is given once, a second one gets a number."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def take(self, name: str) -> str:
        """Return `name`, or the first of name2, name3 … that is free, and reserve it."""
        return self.first_free(name, lambda n: f"{name}{n}")

    def take_database_name(self, name: str) -> str:
        """Return a free name of at most 63 bytes, as similar to `name` as possible."""
        return self.first_free(shorten(name, LONGEST), lambda n: f"{shorten(name, LONGEST - 4)}_{n}")

    def first_free(self, name: str, numbered: Callable[[int], str]) -> str:
        """Return `name` or the first numbered form that is free, from 2 on."""
        number = 2
        found = name
        while found in self._taken:
            found, number = numbered(number), number + 1
        self._taken.add(found)
        return found


def shorten(name: str, size: int) -> str:
    """Return the longest beginning of `name` that has at most `size` bytes of UTF-8."""
    return name.encode()[:size].decode(errors="ignore")


def database_name(name: str) -> str:
    """Return a name for the target: without the characters that Prisma's engine does not quote."""
    plain = "".join("_" if char == '"' or unicodedata.category(char) == "Cc" else char for char in name)
    plain = plain.encode(errors="replace").decode()
    return f"{plain}_" if plain in _SYSTEM_COLUMNS else plain or "_"


def model_name(table: str) -> str:
    """Return the name of a table's model: PascalCase, singular."""
    *first, last = _words(table) or ["table"]
    name = _starting_with_a_letter("".join(word.capitalize() for word in (*first, singular_of(last))), "N")
    return f"{name}Model" if name in _TAKEN else name


def field_name(column: str) -> str:
    """Return the name of a column's field: camelCase."""
    first, *rest = _words(column) or ["field"]
    name = _starting_with_a_letter(first + "".join(word.capitalize() for word in rest), "n")
    return f"{name}Field" if name in _OF_OBJECTS else name


def many(table: str, model: str) -> str:
    """Return the name for several rows of a table on the other side of a relation."""
    found = _words(table)
    if found and (singular_of(found[-1]) != found[-1] or _SINGULAR.get(found[-1]) == found[-1]):
        return field_name(table)
    name = field_name(model)
    if name.endswith("y") and name[-2:-1] not in set("aeiou"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "ch", "sh", "z")) else f"{name}s"


def one(model: str) -> str:
    """Return the name for one row of a model on the other side of a relation."""
    return field_name(model)


def stem(column: str) -> str:
    """Return a reference's name without its `id`: `client_id`, `clientId`, `id_client` become `client`."""
    found = _words(column)
    while len(found) > 1 and found[-1] in ("id", "uuid", "ref", "fk"):
        found.pop()
    if len(found) > 1 and found[0] in ("id", "fk"):
        del found[0]
    return field_name("_".join(found))


def pascal(name: str) -> str:
    """Return a field's name in the form that continues another name."""
    return name[:1].upper() + name[1:]


def member_name(value: str) -> str:
    """Return Prisma's name of an enum's value: the value itself if that is valid."""
    plain = to_ascii(value)
    plain = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in plain)
    return _starting_with_a_letter(plain.strip("_") or "value", "n")


def singular_of(word: str) -> str:
    """Return the singular of an English word, including irregular ones and those without a plural."""
    return _SINGULAR.get(word) or singular(word)


def _words(name: str) -> list[str]:
    """Return the words of a name in ASCII; letters of a script that has no Latin form fall away."""
    plain = to_ascii(name)
    found = list(words(plain))
    # Of a name in Chinese an `ID` may be left, which is not the key of its own table.
    lost = sum(char.isalpha() for char in plain) < sum(char.isalpha() for char in name)
    return ["field", "id"] if found == ["id"] and lost else found


def _starting_with_a_letter(name: str, letter: str) -> str:
    return name if name[:1].isalpha() else f"{letter}{name}"
