"""Domains: the values that each column of the live schema allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from verification.context import CheckContext, Column, Table
from verification.queries import ask, at, key_of, offenders
from verification.result import Check, Outcome

_INTEGERS: Final = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}


def _rules(column: Column) -> Iterator[tuple[str, sql.Composed]]:
    """Yield each rule of a column: the fault of a row that breaks it, and the test for it."""
    if column.generated:
        return
    name = sql.Identifier(column.name)
    if column.not_null:
        yield "is NULL but required", sql.SQL("{} IS NULL").format(name)
    if column.enum is not None:
        labels = sql.Literal(list(column.enum))
        yield "is not a value of its enum", sql.SQL("{}::text <> ALL ({}::text[])").format(name, labels)
    if column.max_length is not None:
        what = f"is longer than {column.max_length} characters"
        yield what, sql.SQL("length({}::text) > {}").format(name, sql.Literal(column.max_length))
    if column.precision is not None:
        yield from _numeric(name, column.precision, column.scale or 0)
    if (span := _INTEGERS.get(column.type)) is not None:
        low, high = (sql.Literal(bound) for bound in span)
        yield f"is out of range of {column.type}", sql.SQL("{} NOT BETWEEN {} AND {}").format(name, low, high)
    if column.type.startswith("timestamp"):
        # The range of JavaScript's dates and Prisma; excludes the infinities too.
        yield (
            "is not a date between the years 1 and 9999",
            sql.SQL("NOT ({0} >= '0001-01-01' AND {0} < '10000-01-01')").format(name),
        )


def _numeric(name: sql.Identifier, precision: int, scale: int) -> Iterator[tuple[str, sql.Composed]]:
    limit = sql.Literal(precision - scale)
    yield (
        f"is out of range of numeric({precision},{scale})",
        sql.SQL("({0} = 'NaN' OR abs({0}) >= power(10::numeric, {1}))").format(name, limit),
    )
    yield (
        f"has more than {scale} decimals",
        sql.SQL("{0} <> round({0}, {1})").format(name, sql.Literal(scale)),
    )


def _judge(context: CheckContext, table: Table, outcome: Outcome) -> None:
    rules = [(column.name, what, test) for column in table.columns for what, test in _rules(column)]
    counts = [sql.SQL("count(*) FILTER (WHERE {})").format(test) for _, _, test in rules]
    query = sql.SQL("SELECT count(*), {} FROM {}") if counts else sql.SQL("SELECT count(*){} FROM {}")
    ((rows, *broken),) = ask(context, query.format(sql.SQL(", ").join(counts), at(context, table.name)))
    outcome.looked_at += int(str(rows))
    for (column, what, test), faults in zip(rules, broken, strict=True):
        if faults:
            named = sql.SQL("SELECT {} FROM {} WHERE {}").format(key_of(table), at(context, table.name), test)
            offenders(context, outcome, table.name, named, what, column)


def _run(context: CheckContext) -> Outcome:
    outcome = Outcome()
    for table in context.tables.values():
        _judge(context, table, outcome)
    return outcome


DOMAINS = Check(
    "domains", "Does every value fit its column's NOT NULL, enum, length and range?", _run, of_target=True
)
