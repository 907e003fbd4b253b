"""Primary keys and unique indexes: no two rows share a value."""

from __future__ import annotations

from psycopg import sql

from verification.report import Check, Outcome
from verification.rows import at, count_rows, key_of, names, offenders
from verification.subject import Key, Subject, Table


def _shared(subject: Subject, table: Table, key: Key) -> sql.Composed:
    # Expressions and predicates are the catalogue's own texts, never a person's.
    parts = [*names(key.columns), *(sql.SQL(text) for text in key.expressions)]
    rules = [sql.SQL("({}) IS NOT NULL").format(part) for part in parts if key.nulls_distinct]
    if key.predicate is not None:
        rules.append(sql.SQL("({})").format(sql.SQL(key.predicate)))
    where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(rules) if rules else sql.SQL("")
    return sql.SQL("SELECT min({key}) FROM {table}{where} GROUP BY {parts} HAVING count(*) > 1").format(
        key=key_of(table), table=at(subject, table.name), where=where, parts=sql.SQL(", ").join(parts)
    )


def _run(subject: Subject) -> Outcome:
    outcome = Outcome()
    for table in subject.tables.values():
        outcome.looked_at += count_rows(subject, table.name) if table.keys else 0
        for key in table.keys:
            what = f"{key.name}: another row has the same value"
            column = ", ".join(key.columns) or None
            offenders(subject, outcome, table.name, _shared(subject, table, key), what, column)
    return outcome


UNIQUENESS = Check("uniqueness", "Is every primary key and unique value there once?", _run)
