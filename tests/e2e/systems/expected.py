"""What every row of a target should be, in plain Python: the source's row, the mapping file, nothing else.

The new ids are taken from the id map, if they are in it; all other cells are made here, one by one.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import set_json_loads

from migrate.pipeline.ids import Ids
from tests.e2e.systems.schema import quote
from tests.mappers.declarative import python_casts
from tests.mappers.declarative.python_casts import MISFIT

Line = Mapping[str, Any]
_NOW = re.compile(r"\s*\(?(current_(timestamp|date|time)|now)(\(\))?\)?\s*", re.IGNORECASE)
_TYPES = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '',
       ((a.atttypmod - 4) & 65535)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
"""


class Rejected(Exception):
    """The row cannot be migrated."""


@dataclass
class Compared:
    """What is not as it should be: rows to be rejected, rows that the target lacks, and ones too many."""

    rows: int = 0
    rejected: int = 0
    missing: Counter[Any] = field(default_factory=Counter)
    surplus: Counter[Any] = field(default_factory=Counter)


@dataclass(frozen=True)
class Column:
    """A target column: `scale` is that of a numeric."""

    type: str
    not_null: bool
    generated: bool
    scale: int


class Comparison:
    """A source, the mapping file, and the PostgreSQL that they became."""

    def __init__(self, source: Path, mapping: Path, url: str, secret: str) -> None:
        self.tables = {
            name: table
            for name, table in tomllib.loads(mapping.read_text())["tables"].items()
            if "target" in table
        }
        self._source, self._secret = source, Ids(secret)
        with psycopg.connect(url, options="-c TimeZone=UTC") as target:
            set_json_loads(lambda text: json.loads(text, parse_float=Decimal, parse_int=Decimal), target)
            self.types: dict[str, dict[str, Column]] = {}
            for table, column, *rest in target.execute(_TYPES).fetchall():
                self.types.setdefault(table, {})[column] = Column(*rest)
            known = target.execute("SELECT entity, legacy_id, new_id FROM migrate_ledger.id_map").fetchall()
            self._ids = {(entity, key): new for entity, key, new in known}
            self._held = {
                name: self._read(target, table["target"], self.columns(name))
                for name, table in self.tables.items()
            }
        self._keys = {name: self._held_keys(name) for name in self.tables}

    def lines(self, name: str) -> dict[str, Line]:
        """Return the migrated columns of a source table."""
        return {column: line for column, line in self.tables[name]["columns"].items() if "to" in line}

    def columns(self, name: str) -> list[str]:
        """Return the target columns that are compared."""
        types = self.types[self.tables[name]["target"]]
        return [line["to"] for line in self.lines(name).values() if not types[line["to"]].generated]

    def compare(self, name: str) -> Compared:
        """Hold every row of a source table against those of the target."""
        found, expected = Compared(), Counter[Any]()
        for row in self._rows(name):
            found.rows += 1
            try:
                expected[self._made(name, row)] += 1
            except Rejected:
                found.rejected += 1
        held = Counter(self._held[name])
        found.missing, found.surplus = expected - held, held - expected
        return found

    # ---- the target ----------------------------------------------------------------

    def _read(self, target: psycopg.Connection[Any], table: str, columns: list[str]) -> list[Any]:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        rows = target.execute(sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(table))).fetchall()
        lines = {line["to"]: line for name in self.tables for line in self.lines(name).values()
                 if self.tables[name]["target"] == table}  # fmt: skip
        return [tuple(_plain(value, lines[column]) for value, column in zip(row, columns, strict=True))
                for row in rows]  # fmt: skip

    def _held_keys(self, name: str) -> set[Any]:
        key = self.tables[name]["key"]
        line = self.lines(name).get(key[0]) if len(key) == 1 else None
        if line is None:
            return set()
        place = self.columns(name).index(line["to"])
        return {row[place] for row in self._held[name]}

    # ---- the source ----------------------------------------------------------------

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield each row: its cells, and for each reference the keys of the rows that it may name."""
        cells = []
        for column, line in self.lines(name).items():
            cells.append((column, f"c.{quote(column)}"))
            for parent in _parents(line):
                key = quote(self.tables[parent]["key"][0])
                same = f"SELECT p.{key} FROM {quote(parent)} p WHERE p.{key} = +c.{quote(column)} LIMIT 1"
                cells.append((f"{column}\0{parent}", f"({same})"))
        for number, pair in enumerate(self.tables[name].get("references", ())):
            both = zip(pair["to"], pair["columns"], strict=True)
            same = " AND ".join(f"p.{quote(there)} = +c.{quote(here)}" for there, here in both)
            filled = " AND ".join(f"c.{quote(here)} IS NOT NULL" for here in pair["columns"])
            exists = f"EXISTS (SELECT 1 FROM {quote(pair['of'])} p WHERE {same})"
            cells.append((f"pair\0{number}", f"({filled} AND NOT {exists})"))
        selected = ", ".join(f"{cell}, typeof({cell})" for _, cell in cells)
        with closing(sqlite3.connect(self._source)) as connection:
            connection.text_factory = bytes
            for row in connection.execute(f"SELECT {selected} FROM {quote(name)} c"):
                yield {place: _decoded(*row[2 * n : 2 * n + 2]) for n, (place, _) in enumerate(cells)}

    def _made(self, name: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
        table, types = self.tables[name], self.types[self.tables[name]["target"]]
        made = []
        dangling = [pair for number, pair in enumerate(table.get("references", ())) if row[f"pair\0{number}"]]
        if any(pair["dangling"] == "reject" for pair in dangling):
            raise Rejected
        emptied = {column for pair in dangling for column in pair["columns"] if column not in table["key"]}
        for column, line in self.lines(name).items():
            to = types[line["to"]]
            if to.generated:
                continue
            value = self._cell(table, column, line, to, row)
            value = None if column in emptied and not to.not_null else value
            if value is None and to.not_null:
                raise Rejected
            made.append(_plain(value, line))
        return tuple(made)

    def _cell(self, table: Line, column: str, line: Line, to: Column, row: Mapping[str, Any]) -> Any:
        value = row[column]
        if value is None or (value == "" and line.get("empty") == "null"):
            return line.get("default")
        if line["as"] == "id" and table.get("ids") == "cuid":
            if not table["key"]:  # the number of a row is not a key: it is in no map
                return self._secret.derive(table["target"], value)
            return self._ids.get((table["target"], _key(value)))
        if line["as"] == "reference":
            return self._reference(column, line, to, row)
        if line["as"] == "references":
            return self._list(column, line, value)
        if line["as"] == "json" and line.get("ids"):
            return self._document(line, value)
        if line["as"] == "timestamp" and isinstance(value, str) and _NOW.fullmatch(value):
            return self._misfit(line, line.get("now", "reject"))
        made = _cast(line, to, value)
        return self._misfit(line, line.get("otherwise", "reject")) if made is MISFIT else made

    def _misfit(self, line: Line, policy: str) -> Any:
        if policy == "reject":
            raise Rejected
        return line["default"] if policy == "default" else None

    def _reference(self, column: str, line: Line, to: Column, row: Mapping[str, Any]) -> Any:
        of = line["of"]
        if isinstance(of, dict):
            of = of.get(python_casts.text(row[line["by"]])) if row[line["by"]] is not None else None
        found = row[f"{column}\0{of}"] if of is not None else None
        new = None if found is None else self._new_key(of, found)
        if new is not None:
            return new
        match line.get("dangling", "reject"):
            case "keep":
                return _cast({"as": "text"}, to, row[column])
            case "null":
                return None
            case _:
                raise Rejected

    def _new_key(self, parent: str, key: Any) -> Any:
        """Return the new key of a parent's row, None if it is not in the target."""
        root = parent
        while (line := self.lines(root)[self.tables[root]["key"][0]])["as"] == "reference":
            root = line["of"]
        cuid = line["as"] == "id" and self.tables[root].get("ids") == "cuid"
        to = self.types[self.tables[parent]["target"]][
            self.lines(parent)[self.tables[parent]["key"][0]]["to"]
        ]
        new = self._ids.get((self.tables[root]["target"], _key(key))) if cuid else _cast(line, to, key)
        return new if new in self._keys[parent] else None

    def _list(self, _column: str, line: Line, value: Any) -> Any:
        parts = [part.strip() for part in python_casts.text(value).split(line.get("separator", ","))]
        found = [(part, self._named(line["of"], part)) for part in parts]
        kept = [new or part for part, new in found if new or line.get("dangling") == "keep"]
        return line.get("separator", ",").join(map(str, kept))

    def _named(self, parent: str, text: Any) -> Any:
        """Return the new key of the row that a text names."""
        if isinstance(text, str) and re.fullmatch(r"-?[0-9]+", text):
            return self._new_key(parent, int(text)) or self._new_key(parent, text)
        return self._new_key(parent, text)

    def _document(self, line: Line, value: Any) -> Any:
        made = _cast(line, Column("jsonb", False, False, 0), value)
        if made is MISFIT or not isinstance(made, _Json):
            return self._misfit(line, line.get("otherwise", "reject")) if made is MISFIT else made
        found = json.loads(made.text)
        for hidden in line["ids"]:
            steps = re.findall(r"\.([^.\[]+)|(\[\*\])", hidden["path"])
            found = self._remapped(found, [name or "[*]" for name, _ in steps], hidden["of"])
        return _Json(json.dumps(found))

    def _remapped(self, found: Any, steps: list[str], of: str) -> Any:
        if not steps:
            known = isinstance(found, (int, str)) and not isinstance(found, bool)
            return (self._named(of, found) or found) if known else found
        step, *rest = steps
        if step == "[*]" and isinstance(found, list):
            return [self._remapped(one, rest, of) for one in found]
        if isinstance(found, dict) and (step == "*" or step in found):
            wanted = found if step == "*" else (step,)
            return found | {name: self._remapped(found[name], rest, of) for name in wanted}
        return found


@dataclass(frozen=True)
class _Json:
    text: str


def _parents(line: Line) -> list[str]:
    of = line.get("of", {}) if line["as"] == "reference" else {}
    return [of] if isinstance(of, str) else list(dict.fromkeys(of.values()))


def _decoded(value: Any, storage: bytes) -> Any:
    if storage != b"text":
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("cp1252", errors="replace")


def _key(value: Any) -> str:
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return f"x'{value.hex().upper()}'" if isinstance(value, bytes) else str(value)


def _cast(line: Line, to: Column, value: Any) -> Any:
    match line["as"]:
        case "boolean":
            return python_casts.boolean(value)
        case "real":
            return python_casts.real(value)
        case "decimal":
            return python_casts.decimal(value, min(to.scale, line.get("scale", to.scale)))
        case "timestamp":
            return python_casts.moment(value)
        case "json":
            text = python_casts.document(value)
            if text is not MISFIT:
                return _Json(text)
            return (
                _Json(json.dumps(python_casts.text(value)))
                if line.get("invalid", "wrap") == "wrap"
                else MISFIT
            )
        case "bytes":
            return python_casts.raw(value)
        case "enum" if line.get("values"):
            return line["values"].get(python_casts.text(value), MISFIT)
    if to.type in ("integer", "bigint", "smallint"):
        bits = {"smallint": 15, "integer": 31, "bigint": 63}[to.type]
        return python_casts.integer(value, -(2**bits), 2**bits - 1)
    return python_casts.text(value)


def _plain(value: Any, line: Line) -> Any:
    """Return a value so that equal ones compare as equal, whichever side they are from."""
    if isinstance(value, _Json):
        value = json.loads(value.text, parse_float=Decimal, parse_int=Decimal)
    if line["as"] == "json":
        return None if value is None else ("json", _frozen(value))
    if line["as"] == "references" and isinstance(value, str):
        return tuple(part.strip() for part in value.split(line.get("separator", ",")) if part.strip())
    if line["as"] == "decimal" and value is not None:
        return Decimal(value)
    return value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return ("object", frozenset((name, _frozen(part)) for name, part in value.items()))
    if isinstance(value, list):
        return ("array", tuple(map(_frozen, value)))
    return (type(value).__name__, value)
