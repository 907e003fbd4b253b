"""Copies the rows from a staged table to its live one, and sets the sequences afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from psycopg import sql

from migrate.postgres.catalog import Table, introspect
from migrate.postgres.connection import Connection
from migrate.postgres.ddl import Step
from migrate.postgres.table_checksum import Content, measure
from migrate.publish.drop_and_rebuild import plan_rebuild
from migrate.runtime.amount import amount
from migrate.runtime.errors import TargetError

#: Called with the current action and the object's name.
OnProgress = Callable[[str, str], None]


@dataclass(frozen=True)
class Move:
    """The copy of one table: `columns` are copied, `drawn` get values from the column's own sequence.

    `content` is what the live table must hold afterwards; None if values are drawn, because it can be
    measured only then.
    """

    table: str
    columns: tuple[str, ...]
    drawn: tuple[str, ...]
    content: Content | None
    rows: int


def plan_moves(
    conn: Connection,
    schema: str,
    staging: str,
    tables: Sequence[str],
    known: Mapping[str, Content] = MappingProxyType({}),
) -> list[Move]:
    """Return how each staged table is copied, measured now, before any live table is locked.

    `known` is the content of some of them, measured since their last row was written.

    Raises TargetError if a staged table is missing or differs in shape from the live one.
    """
    live, staged = introspect(conn, schema).tables, introspect(conn, staging).tables
    moves = []
    for table in tables:
        if table not in live or table not in staged:
            raise TargetError(
                f"the table {table} is missing in {schema if table not in live else staging}",
                hint="start again with `migrate run --fresh`",
            )
        if _shape(live[table]) != _shape(staged[table]):
            raise TargetError(
                f"the live table {table} was changed after its staging was created",
                hint="start again with `migrate run --fresh`",
            )
        moves.append(_plan(conn, live[table], staging, known.get(table)))
    return moves


def _shape(table: Table) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in table.columns]


def _plan(conn: Connection, table: Table, staging: str, known: Content | None) -> Move:
    name = sql.Identifier(staging, table.name)
    drawn = []
    for column in table.columns:
        if column.identity or column.sequence:
            given = sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE {} IS NOT NULL)").format(
                name, sql.Identifier(column.name)
            )
            row = conn.execute(given).fetchone()
            if row is not None and not row[0]:
                drawn.append(column.name)
    content = known or measure(conn, staging, table.name)
    columns = tuple(column for column in table.writable if column not in drawn)
    return Move(table.name, columns, tuple(drawn), None if drawn else content, content.rows)


def move_rows(conn: Connection, schema: str, staging: str, move: Move) -> Content:
    """Copy the rows and return the content of the live table.

    Raises TargetError if the staged rows are not those that were measured.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, move.columns))
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
        sql.Identifier(schema, move.table), columns, columns, sql.Identifier(staging, move.table)
    )
    moved = conn.execute(statement).rowcount
    if moved != move.rows:
        raise TargetError(f"{amount(moved, 'row')} of {move.table} copied, but {move.rows:,} staged")
    return move.content or measure(conn, schema, move.table)


def move_tables(
    conn: Connection,
    schema: str,
    staging: str,
    moves: Sequence[Move],
    emptied: Sequence[str],
    *,
    strict: bool,
    on_progress: OnProgress,
) -> dict[str, Content]:
    """Delete the old rows, copy the staged ones, rebuild keys and indexes; return the content of each table.

    Called in a transaction that has locked the tables against all others.
    """
    # No deferred check may be pending when a table is altered.
    conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    managed = [*dict.fromkeys([*(move.table for move in moves), *emptied])]
    plan = plan_rebuild(conn, schema, managed, strict=strict)
    _run(conn, on_progress, "loosen", plan.loosen)
    for table in managed:
        on_progress("delete", table)
        conn.execute(sql.SQL("DELETE FROM ONLY {}").format(sql.Identifier(schema, table)))
    _run(conn, on_progress, "strip", plan.strip)
    contents = {table: Content(0, "0") for table in emptied}
    for move in moves:
        on_progress("insert", move.table)
        contents[move.table] = move_rows(conn, schema, staging, move)
    _run(conn, on_progress, "rebuild", plan.restore)
    return {table: contents[table] for table in managed}


def _run(conn: Connection, on_progress: OnProgress, doing: str, steps: Sequence[Step]) -> None:
    for step in steps:
        on_progress(doing, step.what)
        for statement in step.statements:
            conn.execute(statement.encode())
