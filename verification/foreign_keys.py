"""Foreign keys: no row points to a row that is not there."""

from __future__ import annotations

from psycopg import sql

from verification.context import ForeignKey, Subject
from verification.queries import at, count_rows, key_of, names, offenders
from verification.result import Check, Outcome


def dangling(subject: Subject, key: ForeignKey) -> sql.Composed:
    """Return a query for the keys of the rows that point to no row."""
    child = subject.tables[key.table]
    # MATCH SIMPLE, the only kind Prisma writes: a key with a null in it points nowhere.
    present = [sql.SQL("{} IS NOT NULL").format(column) for column in names(key.columns, "child")]
    query = sql.SQL("SELECT {key} FROM {child} AS child WHERE {present}").format(
        key=key_of(child, "child"), child=at(subject, key.table), present=sql.SQL(" AND ").join(present)
    )
    if key.to_table not in subject.tables and key.to_table in subject.emptied:
        return query  # whatever it points to now, publish empties it
    schema = subject.schema if key.to_table in subject.tables else subject.live_schema
    pairs = zip(names(key.to_columns, "parent"), names(key.columns, "child"), strict=True)
    return sql.SQL("{query} AND NOT EXISTS (SELECT FROM {parent} AS parent WHERE {equal})").format(
        query=query,
        parent=sql.Identifier(schema, key.to_table),
        equal=sql.SQL(" AND ").join(sql.SQL("{} = {}").format(a, b) for a, b in pairs),
    )


def is_proven(subject: Subject, key: ForeignKey) -> bool:
    """Tell whether the server has held this very key against the rows: then none of them points nowhere."""
    return ("foreign", key.table, key.name) in subject.proven()


def _run(subject: Subject) -> Outcome:
    outcome = Outcome()
    keys = [key for key in subject.foreign_keys if key.table in subject.tables]
    rows = {table: count_rows(subject, table) for table in {key.table for key in keys}}
    for key in keys:
        outcome.looked_at += rows[key.table]
        if is_proven(subject, key):
            continue
        what = f"{key.name}: points to no row of {key.to_table}"
        offenders(subject, outcome, key.table, dangling(subject, key), what, ", ".join(key.columns))
    return outcome


DANGLING = Check(
    "dangling_keys", "Does every foreign key point to a row?", _run, of_target=True, of_proof=True
)
