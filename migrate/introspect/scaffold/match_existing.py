"""Matches source tables to the tables of an existing target, and columns to columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mappers.declarative.mapping_columns import Kind
from migrate.introspect.profile.inspection import Inspection, TableReport
from migrate.introspect.profile.names import fold
from migrate.postgres.catalog import Column, LiveSchema, Table

#: Prisma's own table, which is never written.
PRISMA: Final = "_prisma_migrations"


@dataclass(frozen=True)
class Match:
    """A source table and its target table; `columns` maps source columns to target columns."""

    source: TableReport
    target: Table
    columns: Mapping[str, Column]

    @property
    def free(self) -> tuple[Column, ...]:
        """Return the target's columns that rows can be written to and that match no source column."""
        taken = {column.name for column in self.columns.values()}
        return tuple(
            column for column in self.target.columns if not (column.generated or column.name in taken)
        )


def match_tables(inspection: Inspection, live: LiveSchema) -> dict[str, Match]:
    """Return the target table of each source table that has one: left-over tables have none."""
    tables = {table.name: table for table in inspection.tables if not table.leftover}
    found = pair(tables, [name for name in live.tables if name != PRISMA])
    return {source: match_columns(tables[source], live.tables[name]) for source, name in found.items()}


def match_columns(source: TableReport, target: Table) -> Match:
    """Return the match of two tables; a key of one column matches the other's, whatever its name."""
    columns = [column.name for column in source.columns if not column.generated]
    known = {column.name: column for column in target.columns if not column.generated}
    found = pair(columns, known)
    if len(source.key) == 1 and len(target.primary_key) == 1:
        key, to = source.key[0], target.primary_key[0]
        if key not in found and to not in found.values() and key in columns:
            found[key] = to
    return Match(source, target, {column: known[name] for column, name in found.items()})


def pair(sources: Iterable[str], targets: Iterable[str]) -> dict[str, str]:
    """Return the target's name for each source name that has one.

    First match equal names, then names that differ only in case, then names that are the same in snake,
    camel, singular and plural. No name is used twice; if two could be meant, none is used.
    """
    names, free = sorted(sources), set(targets)
    found: dict[str, str] = {}
    for form in (str, str.lower, fold):
        for name in names:
            meant = [one for one in sorted(free) if form(one) == form(name) != ""]
            rivals = [one for one in names if one not in found and form(one) == form(name)]
            if name not in found and len(meant) == 1 and rivals == [name]:
                found[name] = meant[0]
                free.discard(meant[0])
    return found


def kind_for(column: Column) -> Kind | None:
    """Return how values for a column of the target are read; None for a type that no kind fits."""
    if column.enum is not None:
        return "enum"
    return _KINDS.get(column.type.partition("(")[0])


_KINDS: Mapping[str, Kind] = {
    "text": "text", "character varying": "text", "character": "text", "citext": "text", "uuid": "text",
    "smallint": "integer", "integer": "integer", "bigint": "integer", "boolean": "boolean",
    "real": "real", "double precision": "real", "numeric": "decimal", "date": "date",
    "timestamp": "timestamp", "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamp", "json": "json", "jsonb": "json", "bytea": "bytes",
}  # fmt: skip
