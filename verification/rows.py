"""Reading rows: of the target through psycopg, of the snapshot through sqlite3."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice

import polars as pl
from psycopg import sql

from verification.report import Outcome
from verification.subject import Subject, Table

#: rows a frame holds that comes out of the target
CHUNK = 50_000


def quoted(name: str) -> str:
    """Return an identifier quoted for SQLite."""
    return '"' + name.replace('"', '""') + '"'


def at(subject: Subject, table: str) -> sql.Composable:
    """Return the qualified name of a migrated table."""
    return sql.Identifier(subject.schema, table)


def names(columns: Sequence[str], prefix: str | None = None) -> list[sql.Composable]:
    """Return column names quoted, each with the table alias `prefix` where one is given."""
    return [sql.Identifier(c) if prefix is None else sql.Identifier(prefix, c) for c in columns]


def key_of(table: Table, prefix: str | None = None) -> sql.Composable:
    """Return an expression for what a person calls a row: its primary key as text, joined with `:`."""
    columns = names(table.primary_key, prefix) or names(["ctid"], prefix)
    texts = [sql.SQL("{}::text").format(column) for column in columns]
    return texts[0] if len(texts) == 1 else sql.SQL("concat_ws(':', {})").format(sql.SQL(", ").join(texts))


def ask(subject: Subject, query: sql.SQL | sql.Composed, *values: object) -> list[tuple[object, ...]]:
    """Return all rows of a query over the target."""
    with subject.target.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()


def count(subject: Subject, query: sql.Composed, *values: object) -> int:
    """Return the one number that a query over the target gives."""
    ((number,),) = ask(subject, query, *values)
    return int(str(number))


def count_rows(subject: Subject, table: str) -> int:
    """Return how many rows a migrated table has."""
    return count(subject, sql.SQL("SELECT count(*) FROM {}").format(at(subject, table)))


def source_count(subject: Subject, table: str) -> int:
    """Return how many rows a table of the snapshot has."""
    query = f"SELECT count(*) FROM main.{quoted(table)}"  # noqa: S608  quoted
    return int(subject.snapshot.execute(query).fetchone()[0])


def source_tables(subject: Subject) -> list[str]:
    """Return the names of the snapshot's tables, sorted."""
    query = (
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return sorted(name for (name,) in subject.snapshot.execute(query))


def copy_out(subject: Subject, query: sql.Composed, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield a query over the target as frames of text columns; null and '' stay apart.

    `columns` names the query's columns in order.
    """
    wanted = {name: pl.String() for name in columns}
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
    with subject.target.cursor() as cursor, cursor.copy(statement) as copy:
        stream = iter(copy)
        while block := b"".join(islice(stream, CHUNK)):
            yield pl.read_csv(io.BytesIO(block), has_header=False, schema=wanted)


def offenders(
    subject: Subject,
    outcome: Outcome,
    table: str,
    query: sql.Composed,
    what: str,
    column: str | None = None,
) -> None:
    """Record the rows that `query` selects (one column: the key) as faults of `table`."""
    counted = sql.SQL("SELECT count(*) FROM ({}) AS wrong").format(query)
    total = count(subject, counted)
    if total:
        limited = sql.SQL("SELECT * FROM ({}) AS wrong (key) ORDER BY key LIMIT {}")
        keys = ask(subject, limited.format(query, sql.Literal(outcome.room)))
        outcome.found_many(table, [str(key) for (key,) in keys], what, column, total)
