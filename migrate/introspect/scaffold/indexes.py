"""Indexes and unique keys: those of the source that Prisma can declare, with the names it would give them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from migrate.introspect.profile.model import Index as SourceIndex
from migrate.introspect.profile.model import TableReport
from migrate.introspect.scaffold import constraint_names
from migrate.introspect.scaffold.model import Index, Model
from migrate.introspect.scaffold.naming import Names

#: An entry of a btree is at most a third of a page (2,704 bytes); longer ones cannot be indexed.
LONGEST_ENTRY: Final = 2_600
#: INDEX_MAX_KEYS of PostgreSQL.
MOST_COLUMNS: Final = 32


def draft_indexes(
    table: TableReport,
    model: Model,
    to: Mapping[str, str],
    relations: Names,
    twice: Collection[frozenset[str]],
) -> tuple[list[Index], list[str]]:
    """Return a table's indexes in the target, unique ones first, and remarks on those that are not migrated.

    `twice` are the columns of unique keys that hold both 1 and '1': in the target they are the same value.
    """
    found: dict[tuple[tuple[str, ...], bool], Index] = {}
    remarks = []
    for index in sorted(
        (*table.indexes, *_lost_key(table, model, to)),
        key=lambda index: (not index.unique, index.columns == (), index.name),
    ):
        why = _obstacle(index, table, to, twice)
        if why:
            remarks.append(f"{'unique ' if index.unique else ''}index {index.name} is not carried: {why}")
            continue
        columns = tuple(to[str(column)] for column in index.columns)
        known = columns == model.key or (columns, True) in found or (columns, index.unique) in found
        if not known:
            found[columns, index.unique] = _index(model, columns, index.unique, relations)
    return list(found.values()), remarks


def _lost_key(table: TableReport, model: Model, to: Mapping[str, str]) -> Iterator[SourceIndex]:
    """Yield the source's primary key if the target has another: it is unique except for its NULLs."""
    if table.key and tuple(to.get(column) for column in table.key) != model.key:
        yield SourceIndex("of the primary key", table.key, unique=True, partial=False, sql=None)


def _index(model: Model, columns: tuple[str, ...], unique: bool, relations: Names) -> Index:
    usual = (constraint_names.unique_key if unique else constraint_names.index)(model.table, columns)
    name = relations.take_database_name(usual)
    return Index(columns, unique, name, name != usual)


def _obstacle(
    index: SourceIndex, table: TableReport, to: Mapping[str, str], twice: Collection[frozenset[str]]
) -> str:
    if index.partial:
        return "Prisma knows no partial index"
    if not index.columns or None in index.columns:
        return "Prisma knows no index on an expression"
    columns = [str(column) for column in index.columns]
    if any(column not in to for column in columns):
        return "a column of it is dropped"
    if len(set(columns)) < len(columns):
        return "a column is in it twice"
    if len(columns) > MOST_COLUMNS:
        return f"PostgreSQL's have {MOST_COLUMNS} columns at most"
    if sum(table.column(column).longest_bytes for column in columns) > LONGEST_ENTRY:
        return "values are longer than an index of PostgreSQL takes"
    if index.unique and frozenset(columns) in twice:
        return "values that SQLite keeps apart are the same as text"
    return ""
