"""Foreign keys: no row refers to a missing row."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from verification.context import CheckContext, ForeignKey
from verification.queries import at, count_rows, key_of, names, offenders
from verification.result import Check, Outcome


def dangling(
    context: CheckContext, table: str, columns: Sequence[str], ref_table: str, ref_columns: Sequence[str]
) -> sql.Composed:
    """Return a query for the keys of the rows whose `columns` refer to no row of `ref_table`."""
    child = context.tables[table]
    # MATCH SIMPLE, the only kind Prisma writes: a key with a null in it refers to nothing.
    present = [sql.SQL("{} IS NOT NULL").format(column) for column in names(columns, "child")]
    query = sql.SQL("SELECT {key} FROM {child} AS child WHERE {present}").format(
        key=key_of(child, "child"), child=at(context, table), present=sql.SQL(" AND ").join(present)
    )
    if ref_table not in context.tables and ref_table in context.emptied:
        return query  # whatever it refers to now, publish empties it
    schema = context.schema if ref_table in context.tables else context.live_schema
    pairs = zip(names(ref_columns, "parent"), names(columns, "child"), strict=True)
    return sql.SQL("{query} AND NOT EXISTS (SELECT FROM {parent} AS parent WHERE {equal})").format(
        query=query,
        parent=sql.Identifier(schema, ref_table),
        equal=sql.SQL(" AND ").join(sql.SQL("{} = {}").format(a, b) for a, b in pairs),
    )


def is_proven(context: CheckContext, key: ForeignKey) -> bool:
    """Return whether the server has checked this key against the rows: then every reference is valid."""
    return ("foreign", key.table, key.name) in context.proven()


def _run(context: CheckContext) -> Outcome:
    outcome = Outcome()
    keys = [key for key in context.foreign_keys if key.table in context.tables]
    rows = {table: count_rows(context, table) for table in {key.table for key in keys}}
    for key in keys:
        outcome.looked_at += rows[key.table]
        if is_proven(context, key):
            continue
        what = f"{key.name}: refers to no row of {key.ref_table}"
        query = dangling(context, key.table, key.columns, key.ref_table, key.ref_columns)
        offenders(context, outcome, key.table, query, what, ", ".join(key.columns))
    return outcome


DANGLING = Check(
    "dangling_keys", "Does every foreign key refer to a row?", _run, of_target=True, of_proof=True
)
