"""Columns: what the report says about each is compared with what the mappers read and write.

SQLite reports the columns that a query reads when it compiles it, so no row is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from psycopg import sql

from verification.context import CheckContext, Lineage, MapperColumns, Table
from verification.queries import ask, at
from verification.result import Check, Outcome

_DROPPED: Final = "dropped:"
_PRIMARY_KEYS: Final = """
SELECT m.name, c.name FROM main.sqlite_schema m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND c.pk > 0"""

Place = tuple[str, str]


def _run(context: CheckContext) -> Outcome:
    lineage = context.lineage
    if lineage is None:
        return Outcome.not_applicable("the mapping reports no columns")
    outcome = Outcome()
    outcome.looked_at = len(lineage.went_to)
    readers = {
        mapper.name: (mapper, _columns_read(context.snapshot, mapper.sql)) for mapper in context.mappers
    }
    for place, went in lineage.went_to.items():
        names = [name for name, (_, read) in readers.items() if place in read]
        _compare(context, place, went, names, readers, outcome)
    _compare_written(context, lineage, outcome)
    return outcome


def _columns_read(snapshot: sqlite3.Connection, query: str) -> frozenset[Place]:
    """Return the (table, column) of the snapshot that a query reads."""
    found: set[Place] = set()

    def note(action: int, table: str | None, column: str | None, schema: str | None, _: str | None) -> int:
        if action == sqlite3.SQLITE_READ and schema == "main" and table and column is not None:
            found.add((table, column))
        return sqlite3.SQLITE_OK

    snapshot.set_authorizer(note)
    try:
        snapshot.execute(f"EXPLAIN {query}", (0, 0)).close()
    finally:
        snapshot.set_authorizer(None)
    return frozenset(found)


def _compare(
    context: CheckContext,
    place: Place,
    went: str,
    names: list[str],
    readers: Mapping[str, tuple[MapperColumns, frozenset[Place]]],
    outcome: Outcome,
) -> None:
    """Compare the reported targets of one source column with the mappers that read it."""
    assert context.lineage is not None
    table, column = place
    settled = place in _settled(context)
    if went.startswith(_DROPPED):
        if place in context.lineage.deciding or place in _named_by(context) or not column:
            return  # SQLite names the column '' if a query reads none of a table's
        if names or settled:
            who = f"the mapper {names[0]}" if names else "the crosswalk"
            outcome.found(table, None, f"is reported as {went}, but {who} reads it", column)
    elif not names and not settled:
        outcome.found(table, None, f"is reported to go to {went}, but no mapper reads it", column)
    elif not settled:
        filled = {target for name in names for target in readers[name][0].writes}
        for target, into in _targets(went, context):
            if target not in filled:
                what = f"is reported to go to {target}.{into}, but no mapper that fills {target} reads it"
                outcome.found(table, None, what, column)


def _settled(context: CheckContext) -> frozenset[Place]:
    """Return the source columns that the crosswalk is built from."""
    query = "SELECT source_table, source_column FROM x.source_read"
    return context.query_cache.once(query, lambda: frozenset(context.snapshot.execute(query)))


def _named_by(context: CheckContext) -> frozenset[Place]:
    """Return the columns of primary keys: a row that is not migrated is identified by them."""
    return context.query_cache.once(_PRIMARY_KEYS, lambda: frozenset(context.snapshot.execute(_PRIMARY_KEYS)))


def _targets(went: str, context: CheckContext) -> Iterable[Place]:
    """Yield the target columns that an entry of the report names; names may hold dots and commas."""
    known = context.query_cache.once("names of the target", lambda: _by_name(context))
    for target in [went] if went in known else went.split(", "):
        table, _, column = target.partition(".")
        if column:
            yield known.get(target, (table, column))


def _by_name(context: CheckContext) -> Mapping[str, Place]:
    return {
        f"{one.name}.{column.name}": (one.name, column.name)
        for one in context.tables.values()
        for column in one.columns
    }


def _compare_written(context: CheckContext, lineage: Lineage, outcome: Outcome) -> None:
    """Compare the target columns that are reported with those that the mappers write."""
    written: dict[Place, str] = {}
    for mapper in context.mappers:
        for table, columns in mapper.writes.items():
            written.update({(table, column): mapper.name for column in columns})
    for (table, column), name in written.items():
        if (table, column) not in lineage.written:
            what = f"is written by the mapper {name}, but the report does not say what it is made from"
            outcome.found(table, None, what, column)
    reported = {
        target: place
        for place, went in lineage.went_to.items()
        if not went.startswith(_DROPPED)
        for target in _targets(went, context)
    }
    for (table, column), (source, of) in reported.items():
        if (table, column) not in written:
            what = f"is reported to come from {source}.{of}, but no mapper writes it"
            outcome.found(table, None, what, column)
    if context.schema != context.live_schema:  # there the application may have filled them since
        for filled in context.tables.values():
            _find_values(context, filled, written, outcome)


def _find_values(context: CheckContext, table: Table, written: Mapping[Place, str], outcome: Outcome) -> None:
    """Find values in the columns that no mapper writes and PostgreSQL does not fill."""
    left = [
        column.name
        for column in table.columns
        if (table.name, column.name) not in written
        and not (column.generated or column.default or column.identity)
    ]
    if not left:
        return
    filled = sql.SQL(", ").join(
        sql.SQL("coalesce(bool_or({} IS NOT NULL), false)").format(sql.Identifier(name)) for name in left
    )
    (found,) = ask(context, sql.SQL("SELECT {} FROM {}").format(filled, at(context, table.name)))
    for name, has_values in zip(left, found, strict=True):
        if has_values:
            outcome.found(table.name, None, "holds values, but no mapper writes it", name)


LINEAGE = Check("lineage", "Do the mappers read and write what the report says of each column?", _run)
