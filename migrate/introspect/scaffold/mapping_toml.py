"""The draft as a mapping.toml, for an operator to review and edit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mappers.declarative.mapping_file import VERSION
from migrate.introspect.scaffold.model import Draft, Line, Section
from migrate.runtime.amount import amount

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_LETTERS: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_HEAD: Final = """\
# The mapping of every source table and every column. `migrate run` reads this
# file; edit it, then run. A section is a source table, a line is a column.
#
#   [tables.NAME]
#   target = "…"        the target table; or left_out = "why it is not migrated"
#   key = […]           the key columns; [] is SQLite's rowid
#   ids = "cuid"        rows get new ids; "keep": the key is kept
#   where = "…"         SQLite expression; rows for which it is not true are left out
#   references = [{ columns = ["a", "b"], of = "…", to = ["x", "y"], dangling = "reject" }]
#                       a reference of several columns, or to a column that is not the key
#   [tables.NAME.columns]
#   old = { to = "new", as = "text" }      or  old = { drop = "why" }
#
# as          id, reference, references, text, integer, boolean, real, decimal (scale, round), timestamp (unit
#             "s", "ms", "us" or "ns" if numbers, format "%d.%m.%Y", zone "Europe/Berlin" if text
#             without one is not UTC), date, json, bytes, enum (values), boolean (values),
#             list (separator, items "integer")
# sql         one SQLite expression over the row gives the value: "first || ' ' || last", "cents / 100.0"
# from        the first of some columns that holds something: ["edited_at", "created_at"]
# constant    the value of every row
# divide      a decimal or real is divided by it: 100 for cents
# mask        for a copy that leaves production: "email", "name", "hash", "null"
# otherwise   if a value does not fit: "reject" the row, "null", "default" (with default = …)
# empty       "null": '' becomes NULL
# of          the source table that a reference refers to; with by, a table for each value of that column
# dangling    if the referenced row is missing: "reject" the row, "null", "placeholder", "keep" the value
# invalid     if a value is not JSON: "reject" the row, "null", "wrap" it as a JSON string
# ids         ids inside JSON: [{ path = "$.items[*].userId", of = "users" }]
# now         if a timestamp is the text CURRENT_TIMESTAMP: "reject", "null", "default"
#
# Read the lines marked with (!): a value or a part of the schema could not be
# migrated exactly as it is.
"""


def write_mapping(draft: Draft) -> str:
    """Return the text of mapping.toml."""
    parts = [_HEAD, f"version = {VERSION}\n"]
    if draft.fleet:
        lines = [f"{key} = {_value(one)}\n" for key, one in draft.fleet.items()]
        parts.append("".join(["[fleet]\n", *lines]))
    parts += ["\n".join(_section(section)) + "\n" for section in draft.sections]
    parts += ["\n".join(_by_hand(heading, lines)) + "\n" for heading, lines in draft.appendix.items()]
    return "\n".join(parts)


def _section(section: Section) -> Iterator[str]:
    rows = amount(section.rows, "row")
    for remark in (rows, *section.remarks):
        yield from _comment(remark)
    name = _key(section.source)
    yield f"[tables.{name}]"
    for key, value in section.options.items():
        yield f"{key} = {_value(value)}"
    if section.lines:
        yield ""
        yield f"[tables.{name}.columns]"
        for line in section.lines:
            yield _line(line)


def _line(line: Line) -> str:
    remark = ("(!) " if line.marked else "") + line.note
    return f"{_key(line.column)} = {_value(line.options)}  {next(_comment(_one_line(remark)))}"


def _by_hand(heading: str, lines: Iterable[str]) -> Iterator[str]:
    yield from _comment(f"{heading}:")
    for line in lines:
        yield from (f"#   {part[2:]}" for part in _comment(line))


def _comment(text: str) -> Iterator[str]:
    """Yield lines of comment; control characters, which TOML forbids in comments, become `?`."""
    for line in text.splitlines() or [""]:
        yield "# " + "".join("?" if ord(char) < 32 or ord(char) == 127 else char for char in line)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml_string(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return toml_string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    assert isinstance(value, list | tuple)
    return "[" + ", ".join(map(_value, value)) + "]"


def toml_string(text: str) -> str:
    """Return a TOML string of one line for any text."""
    return '"' + "".join(map(_letter, text)) + '"'


def _letter(char: str) -> str:
    if char in _LETTERS:
        return _LETTERS[char]
    # splitlines splits at more characters than TOML does: these are escaped
    odd = ord(char) < 32 or 127 <= ord(char) < 160 or char in "\u2028\u2029"
    return f"\\u{ord(char):04X}" if odd else char
