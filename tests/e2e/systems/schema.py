"""The schema of a system: read from its JSON, and written as DDL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_PLAIN_DEFAULT = re.compile(r"'(?:[^']|'')*'|[-+]?[0-9.]+|true|false|null|CURRENT_\w+", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    name: str
    declared: str
    not_null: bool
    key: int
    autoincrement: bool
    default: str | None
    boolean: bool


@dataclass(frozen=True)
class ForeignKey:
    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]
    on_delete: str | None


@dataclass(frozen=True)
class Index:
    name: str
    columns: tuple[str, ...]
    unique: bool


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...]
    indexes: tuple[Index, ...]
    unique: tuple[tuple[str, ...], ...]
    left_over: bool

    @property
    def key(self) -> tuple[Column, ...]:
        return tuple(sorted((column for column in self.columns if column.key), key=lambda one: one.key))

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def uniques(self) -> tuple[tuple[str, ...], ...]:
        """Every set of columns that is unique, but for the primary key."""
        found = [*self.unique, *(index.columns for index in self.indexes if index.unique)]
        return tuple(columns for columns in found if columns != tuple(one.name for one in self.key))


@dataclass(frozen=True)
class System:
    """`views` and `triggers` by name, triggers with their table; `fts` with its columns and content table."""

    name: str
    tables: tuple[Table, ...]
    views: tuple[str, ...]
    triggers: Mapping[str, str]
    fts: Mapping[str, tuple[str, ...]]

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)


def read_system(name: str) -> System:
    """Return the system whose schema lies in `name`.json in this folder."""
    found = json.loads((_HERE / f"{name}.json").read_text(encoding="utf-8"))
    return System(
        name=name,
        tables=tuple(_table(table) for table in found["tables"]),
        views=tuple(found.get("views", ())),
        triggers={one["name"]: one["table"] for one in found.get("triggers", ())},
        fts={
            one["name"]: tuple(argument.rstrip(",") for argument in one["arguments"])
            for one in found.get("virtual_tables", ())
        },
    )


def _table(found: Mapping[str, Any]) -> Table:
    columns = tuple(
        Column(
            one["name"], one["type"], one.get("not_null", False), one.get("primary_key", 0),
            one.get("autoincrement", False), one.get("default"), one.get("boolean", False),
        )
        for one in found["columns"]
    )  # fmt: skip
    foreign_keys = tuple(
        ForeignKey(tuple(one["columns"]), one["table"], tuple(one["references"]), one.get("on_delete"))
        for one in found.get("foreign_keys", ())
    )
    indexes = tuple(
        Index(one["name"], tuple(one["columns"]), one.get("unique", False))
        for one in found.get("indexes", ())
    )
    unique = tuple(tuple(columns) for columns in found.get("unique", ()))
    return Table(found["name"], columns, foreign_keys, indexes, unique, found.get("left_over", False))


def quote(name: str) -> str:
    """Return a name as SQL writes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def table_ddl(table: Table, checks: Sequence[str] = ()) -> str:
    """Return the statement that makes a table; `checks` are conditions that its rows should meet."""
    parts = [_column_ddl(column) for column in table.columns]
    if table.key and not any(column.autoincrement for column in table.key):
        parts.append(f"PRIMARY KEY ({_names(column.name for column in table.key)})")
    parts += [f"UNIQUE ({_names(columns)})" for columns in table.unique]
    parts += [_reference(key) for key in table.foreign_keys]
    parts += [f"CHECK ({check})" for check in checks]
    return f"CREATE TABLE {quote(table.name)} (\n  " + ",\n  ".join(parts) + "\n)"


def index_ddl(table: Table) -> Iterator[str]:
    for index in table.indexes:
        kind = "UNIQUE INDEX" if index.unique else "INDEX"
        yield f"CREATE {kind} {quote(index.name)} ON {quote(table.name)} ({_names(index.columns)})"


def _column_ddl(column: Column) -> str:
    parts = [quote(column.name), column.declared]
    if column.autoincrement:
        parts.append("PRIMARY KEY AUTOINCREMENT")
    if column.default is not None:
        plain = _PLAIN_DEFAULT.fullmatch(column.default)
        parts.append(f"DEFAULT {column.default}" if plain else f"DEFAULT ({column.default})")
    if column.not_null:
        parts.append("NOT NULL")
    return " ".join(parts)


def _reference(key: ForeignKey) -> str:
    action = f" ON DELETE {key.on_delete.upper()}" if key.on_delete else ""
    parent = f"{quote(key.table)} ({_names(key.references)})"
    return f"FOREIGN KEY ({_names(key.columns)}) REFERENCES {parent}{action}"


def _names(names: Any) -> str:
    return ", ".join(map(quote, names))
