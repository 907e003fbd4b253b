"""Which column of a target table a source column goes to, by its name, and how its values are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mappers.declarative.mapping_columns import Kind
from mappers.declarative.target_columns import family
from migrate.introspect.profile.inspection import TableReport
from migrate.introspect.profile.names import fold
from migrate.postgres.catalog import Column, Table


def pair_columns(source: TableReport, target: Table) -> dict[str, str]:
    """Return the target's column of each source column that has its name in any form."""
    columns = [column.name for column in source.columns if not column.generated]
    return pair(columns, [column.name for column in target.columns if not column.generated])


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
    if column.type.endswith("[]"):
        return "list" if family(column) in ("texts", "list") else None
    return _KINDS.get(column.type.partition("(")[0].rpartition(".")[2])


_KINDS: Mapping[str, Kind] = {
    "text": "text", "character varying": "text", "character": "text", "citext": "text", "uuid": "text",
    "smallint": "integer", "integer": "integer", "bigint": "integer", "boolean": "boolean",
    "real": "real", "double precision": "real", "numeric": "decimal", "date": "date",
    "timestamp": "timestamp", "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamp", "json": "json", "jsonb": "json", "bytea": "bytes",
    "vector": "vector",
}  # fmt: skip
