"""Indexes and unique keys: those of the source that Prisma can declare, with the names it would give them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

from migrate.introspect.profile.inspection import Index as SourceIndex
from migrate.introspect.profile.inspection import TableReport
from migrate.introspect.scaffold import constraint_names
from migrate.introspect.scaffold.model import Index, Model, SqlIndex
from migrate.introspect.scaffold.naming import Names
from migrate.introspect.scaffold.sql_indexes import Terms, sql_index, without_case
from migrate.runtime.amount import amount

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
    renewed: frozenset[str] = frozenset(),
) -> tuple[list[Index], list[SqlIndex], list[str]]:
    """Return a table's indexes in the target, unique ones first, those that only SQL describes, and remarks.

    `renewed` are the target's columns whose values are new ids, `twice` the columns of unique keys
    under which 1 and '1' both stand: in the target they are one.
    """
    found: dict[tuple[tuple[str, ...], bool, frozenset[str]], Index] = {}
    terms = Terms(model, to, renewed)
    extra: list[SqlIndex] = []
    remarks = []
    for index in sorted(
        (*table.indexes, *_lost_key(table, model, to)),
        key=lambda index: (not index.unique, index.columns == (), index.name),
    ):
        if index.partial or not index.columns or None in index.columns:
            made = sql_index(index, terms, model, relations)
            extra += [made] if made else []
            remarks += (
                [_in_sql(index, made)] if made else [f"(!) index {index.name} is not migrated: {index.sql}"]
            )
            continue
        why = _obstacle(index, table, to, twice)
        if why:
            mark = "(!) unique " if index.unique else ""
            remarks.append(f"{mark}index {index.name} is not migrated: {why}")
            continue
        columns = tuple(to[str(column)] for column in index.columns)
        descending = frozenset(to[column] for column in index.descending)
        same = {(columns, True), (columns, index.unique)} & {(known, unique) for known, unique, _ in found}
        if not (columns == model.key and not descending) and not (same and not descending):
            made_index = _index(model, columns, index.unique, relations)
            found[columns, index.unique, descending] = replace(made_index, descending=descending)
        folded = without_case(index, terms, model, relations) if "NOCASE" in index.collations else None
        if folded is not None:
            extra.append(folded)
            remarks.append(_in_sql(index, folded))
    return list(found.values()), extra, remarks


def with_relation_indexes(model: Model, relations: Names) -> Model:
    """Return a model with an index for each foreign key that none begins with, as Prisma advises.

    PostgreSQL makes none by itself, and looks through the whole table if a row of the other is deleted.
    """
    begins = [model.key, *(index.columns for index in model.indexes)]
    for relation in model.relations:
        if not any(columns[: len(relation.columns)] == relation.columns for columns in begins):
            model = replace(
                model,
                indexes=(*model.indexes, _index(model, relation.columns, unique=False, relations=relations)),
            )
            begins.append(relation.columns)
    return model


def _in_sql(index: SourceIndex, made: SqlIndex) -> str:
    name = f"index {index.name}" if index.sql else "unique key"
    return f"(!) {name}: schema.prisma cannot describe it, init.sql makes it: {made.sql}"


def _lost_key(table: TableReport, model: Model, to: Mapping[str, str]) -> Iterator[SourceIndex]:
    """Yield the source's primary key if the target has another: it is unique except for its NULLs."""
    if table.key and tuple(to.get(column) for column in table.key) != model.key:
        yield SourceIndex("of the primary key", table.key, unique=True, partial=False, sql=None)
    elif any(table.column(column).collation == "NOCASE" for column in table.key):
        collations = tuple(table.column(column).collation for column in table.key)
        yield SourceIndex("of the primary key", table.key, True, False, None, collations)


def _index(model: Model, columns: tuple[str, ...], unique: bool, relations: Names) -> Index:
    usual = (constraint_names.unique_key if unique else constraint_names.index)(model.table, columns)
    name = relations.take_database_name(usual)
    return Index(columns, unique, name, name != usual)


def _obstacle(
    index: SourceIndex, table: TableReport, to: Mapping[str, str], twice: Collection[frozenset[str]]
) -> str:
    columns = [str(column) for column in index.columns]
    if any(column not in to for column in columns):
        return "one of its columns is dropped"
    if len(set(columns)) < len(columns):
        return "it has a column twice"
    if len(columns) > MOST_COLUMNS:
        return f"PostgreSQL allows {amount(MOST_COLUMNS, 'column')} at most"
    if sum(table.column(column).longest_bytes for column in columns) > LONGEST_ENTRY:
        return "values are too long for an index of PostgreSQL"
    if index.unique and frozenset(columns) in twice:
        return "values that SQLite distinguishes are equal as text"
    return ""
