"""Indexes that Prisma's schema cannot describe and PostgreSQL has: without case, of a part, on lower()."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from migrate.introspect.profile.inspection import Index as SourceIndex
from migrate.introspect.scaffold.model import Model, SqlIndex
from migrate.introspect.scaffold.naming import Names

#: SQLite folds the letters of ASCII alone, and so does lower() under this collation.
_FOLDED: Final = 'lower("{}" COLLATE "C")'
_RAISED: Final = 'upper("{}" COLLATE "C")'
_CALL: Final = re.compile(r"(lower|upper)\s*\(\s*(.+?)\s*\)", re.IGNORECASE | re.DOTALL)
_ENDING: Final = re.compile(r"\s+(ASC|DESC)\s*$", re.IGNORECASE)
_COLLATE: Final = re.compile(r"\s+COLLATE\s+[\"'`]?(\w+)[\"'`]?\s*$", re.IGNORECASE)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<quoted>"[^"]+"|`[^`]+`|\[[^\]]+\])|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<sign><>|!=|<=|>=|==|=|<|>|\(|\)|,)|(?P<word>\w+))""",
    re.DOTALL,
)
_WORDS: Final = frozenset({"AND", "OR", "NOT", "IS", "NULL", "IN"})
_SIGNS: Final = {"==": "=", "!=": "<>"}
#: Types whose values are the same on both sides, so that a condition or a key means the same.
_SAME: Final = frozenset({"String", "Int", "BigInt", "Boolean"})


class Terms:
    """The columns of a target's table as the SQL of a source's index names them."""

    def __init__(self, model: Model, to: Mapping[str, str], renewed: frozenset[str]) -> None:
        self._model = model
        self._to = {source.lower(): target for source, target in to.items()}
        #: columns of the target whose values are new ids
        self._renewed = renewed

    def column(self, name: str) -> str | None:
        """Return the target's column of that name whose values mean the same there."""
        bare = name.strip()
        if bare[:1] in '"`[' and len(bare) > 1:
            bare = bare[1:-1]
        target = self._to.get(bare.lower())
        if target is None or self._model.field(target).type.scalar not in _SAME:
            return None
        return target

    def is_text(self, target: str) -> bool:
        """Return whether a column holds text as it was."""
        type_ = self._model.field(target).type
        return type_.scalar == "String" and type_.enum is None and target not in self._renewed

    def term(self, sql: str) -> str | None:
        """Return a term of an index in PostgreSQL's words, None if it is none that is known."""
        ending = _ENDING.search(sql)
        bare = _ENDING.sub("", sql).strip()
        collation = _COLLATE.search(bare)
        bare = _COLLATE.sub("", bare).strip()
        call = _CALL.fullmatch(bare)
        target = self.column(call[2] if call else bare)
        if target is None or (call and not self.is_text(target)):
            return None
        if call:
            made = (_FOLDED if call[1].lower() == "lower" else _RAISED).format(target)
        elif collation and collation[1].upper() == "NOCASE" and self.is_text(target):
            made = _FOLDED.format(target)
        else:
            made = f'"{target}"'
        return made + (" DESC" if ending and ending[1].upper() == "DESC" else "")

    def condition(self, sql: str) -> str | None:
        """Return the WHERE of a partial index in PostgreSQL's words, None if it says more than that.

        Columns are compared with constants of their type, or asked for NULL.
        """
        parts: list[str] = []
        place, subject, literals = 0, None, 0
        while place < len(sql.rstrip()):
            found = _TOKEN.match(sql, place)
            if found is None:
                return None
            place = found.end()
            word = found["word"]
            if word and word.upper() in _WORDS:
                parts.append(word.upper())
            elif word or found["quoted"]:
                subject = self.column(word or found["quoted"])
                if subject is None:
                    return None
                parts.append(f'"{subject}"')
            elif found["sign"]:
                parts.append(_SIGNS.get(found["sign"], found["sign"]))
            else:
                literal = self._literal(subject, found["text"], found["number"])
                if literal is None:
                    return None
                parts.append(literal)
                literals += 1
        said = " ".join(parts)
        return said if literals or " NULL" in said else None

    def _literal(self, subject: str | None, text: str | None, number: str | None) -> str | None:
        if subject is None or subject in self._renewed:
            return None
        scalar = self._model.field(subject).type.scalar
        if scalar == "Boolean" and number in ("0", "1"):
            return "true" if number == "1" else "false"
        if scalar in ("Int", "BigInt") and number is not None and "." not in number:
            return number
        return text if scalar == "String" else None


def sql_index(index: SourceIndex, terms: Terms, model: Model, relations: Names) -> SqlIndex | None:
    """Return an index of the source that only SQL can describe, None where PostgreSQL has none such."""
    split = _split(index.sql or "")
    if split is None:
        return None
    columns, where = split
    made = [terms.term(part) for part in columns]
    condition = terms.condition(where) if where else ""
    if condition is None or any(part is None for part in made):
        return None
    return _made(index, [str(part) for part in made], condition, model, relations)


def without_case(index: SourceIndex, terms: Terms, model: Model, relations: Names) -> SqlIndex | None:
    """Return the index that keeps a key apart without case, as COLLATE NOCASE does; None for any other."""
    made = []
    for column, collation in zip(index.columns, index.collations, strict=False):
        target = terms.column(f'"{column}"')
        if target is None:
            return None
        folded = collation.upper() == "NOCASE" and terms.is_text(target)
        made.append(_FOLDED.format(target) if folded else f'"{target}"')
    if not any(part.startswith("lower(") for part in made):
        return None
    return _made(index, made, "", model, relations)


def _made(
    index: SourceIndex, terms: Sequence[str], condition: str, model: Model, relations: Names
) -> SqlIndex:
    ending = "key" if index.unique else "idx"
    bare = "_".join(
        re.findall(r'"([^"]+)"(?: DESC| COLLATE "C"\)(?: DESC)?|$)', "\n".join(terms), re.MULTILINE)
    )
    word = "lower" if any("(" in term for term in terms) else "part"
    name = relations.take_database_name(f"{model.table}_{bare}_{word}_{ending}")
    unique = "UNIQUE INDEX" if index.unique else "INDEX"
    where = f" WHERE {condition}" if condition else ""
    sql = f'CREATE {unique} "{name}" ON "{model.table}"({", ".join(terms)}){where};'
    return SqlIndex(name, sql, index.unique, tuple(terms), condition)


def _split(sql: str) -> tuple[list[str], str] | None:
    """Return the terms of a CREATE INDEX and its WHERE ('' for none)."""
    found = re.search(r"\bON\s+(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[\w.]+)\s*\(", sql, re.IGNORECASE)
    if found is None:
        return None
    parts = list(_parts(sql[found.end() :]))
    if not parts:
        return None
    *columns, rest = parts
    where = re.fullmatch(r"\s*(?:WHERE\s+(.*?))?\s*;?\s*", rest, re.IGNORECASE | re.DOTALL)
    return None if where is None else (columns, where[1] or "")


def _parts(sql: str) -> Iterator[str]:
    """Yield what stands between commas up to the closing bracket, then what is behind it."""
    depth, start, quote = 0, 0, ""
    for place, char in enumerate(sql):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char == ")":
            yield sql[start:place].strip()
            yield sql[place + 1 :]
            return
        elif char == "," and not depth:
            yield sql[start:place].strip()
            start = place + 1
