"""Reads rows: of the target through psycopg, of the snapshot through sqlite3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from psycopg import sql

from verification.context import CheckContext, Table
from verification.result import Outcome

#: rows of a frame that is read from the target
CHUNK = 25_000


def quoted(name: str) -> str:
    """Return an identifier quoted for SQLite."""
    return '"' + name.replace('"', '""') + '"'


def at(context: CheckContext, table: str) -> sql.Composable:
    """Return the qualified name of a migrated table."""
    return sql.Identifier(context.schema, table)


def names(columns: Sequence[str], prefix: str | None = None) -> list[sql.Composable]:
    """Return column names quoted, each with the table alias `prefix` if one is given."""
    return [sql.Identifier(c) if prefix is None else sql.Identifier(prefix, c) for c in columns]


def key_of(table: Table, prefix: str | None = None) -> sql.Composable:
    """Return an expression for a row's name for a person: its primary key as text, joined with `:`."""
    columns = names(table.primary_key, prefix) or names(["ctid"], prefix)
    texts = [sql.SQL("{}::text").format(column) for column in columns]
    return texts[0] if len(texts) == 1 else sql.SQL("concat_ws(':', {})").format(sql.SQL(", ").join(texts))


def ask(context: CheckContext, query: sql.SQL | sql.Composed, *values: object) -> list[tuple[object, ...]]:
    """Return all rows of a query over the target."""
    with context.target.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()


def count(context: CheckContext, query: sql.Composed) -> int:
    """Return the one number that a query over the target returns; queried once in one view."""

    def find() -> int:
        ((number,),) = ask(context, query)
        return int(str(number))

    return context.query_cache.once(query.as_string(context.target), find)


def count_rows(context: CheckContext, table: str) -> int:
    """Return how many rows a migrated table has."""
    return count(context, sql.SQL("SELECT count(*) FROM {}").format(at(context, table)))


def source_count(context: CheckContext, table: str) -> int:
    """Return how many rows a table of the snapshot has."""
    query = f"SELECT count(*) FROM main.{quoted(table)}"  # noqa: S608  quoted
    return context.query_cache.once(query, lambda: int(context.snapshot.execute(query).fetchone()[0]))


def source_tables(context: CheckContext) -> list[str]:
    """Return the names of the snapshot's tables, sorted."""
    query = (
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return sorted(name for (name,) in context.snapshot.execute(query))


def stream(
    context: CheckContext, query: sql.Composed, schema: Mapping[str, pl.DataType]
) -> Iterator[pl.DataFrame]:
    """Yield a query over the target as frames of `CHUNK` rows; `schema` names its columns in order.

    Uses a cursor on the server: COPY transfers row by row, which takes three times as long.
    """
    with context.target.cursor(name="rows") as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(CHUNK):
            yield pl.DataFrame(rows, schema=dict(schema), orient="row")


def texts(*names: str) -> dict[str, pl.DataType]:
    """Return the schema of a frame of text columns."""
    return dict.fromkeys(names, pl.String())


def offenders(
    context: CheckContext,
    outcome: Outcome,
    table: str,
    query: sql.Composed,
    what: str,
    column: str | None = None,
) -> None:
    """Record the rows that `query` selects (one column: the key) as faults of `table`."""
    counted = sql.SQL("SELECT count(*) FROM ({}) AS wrong").format(query)
    total = count(context, counted)
    if total:
        limited = sql.SQL("SELECT * FROM ({}) AS wrong (key) ORDER BY key LIMIT {}")
        keys = ask(context, limited.format(query, sql.Literal(outcome.room)))
        outcome.found_many(table, [str(key) for (key,) in keys], what, column, total)
