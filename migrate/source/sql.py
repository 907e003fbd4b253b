"""The SELECTs that read a table: column statistics, pages in key order, chunks of a cell."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from migrate.source.model import KeyPart, RawText, Row, Table, Value

#: how many terms the statistics have for each column
BRIEF_TERMS = 3
FULL_TERMS = 4
#: two counts are sent in one sum: SQLite evaluates typeof again in each term
COUNT_PACK = 2**31


def quote(name: str) -> str:
    """Return an identifier quoted for SQLite, whatever its characters are."""
    return '"' + name.replace('"', '""') + '"'


def bind(value: Value) -> tuple[str, Value]:
    """Return the expression for a bound value, and the value to bind.

    Infinities and text that is not UTF-8 cannot be sent as themselves.
    """
    if isinstance(value, float) and math.isinf(value):
        return ("9e999" if value > 0 else "-9e999") + " + 0 * ?", 0
    if isinstance(value, RawText):
        return "CAST(? AS TEXT)", bytes(value)
    return "?", value


def count(table: Table) -> str:
    """Return the statement that counts a table's rows."""
    return f"SELECT count(*) FROM {_rows_of(table)}"  # noqa: S608


def stats(table: Table, terms: Iterable[str]) -> str:
    """Return the statement for the statistics: the number of rows, then the terms."""
    return f"SELECT {', '.join(['count(*)', *terms])} FROM {_rows_of(table)}"  # noqa: S608


def _rows_of(table: Table) -> str:
    """Return what to select from to count rows, past an index of vectors."""
    return f"{quote(table.name)} NOT INDEXED" if table.vectors else quote(table.name)


def brief_stats(column: str, kind: str, *, nullable: bool) -> list[str]:
    """Return the `BRIEF_TERMS` for a column that should hold only one storage class.

    These are the number of cells of another class including nulls, the number of cells that are not null, and
    for text the bytes of the longest. They take a third of the time of `full_stats`.
    """
    name = quote(column)
    filled = f"count({name})" if nullable else "count(*)"
    return [
        f"count(nullif(typeof({name}), '{kind}'))",
        filled,
        f"max({_size(name)})" if kind == "text" else "0",
    ]


def full_stats(column: str) -> list[str]:
    """Return the `FULL_TERMS` for a column that may hold anything.

    These are integers + `COUNT_PACK` * reals, texts + `COUNT_PACK` * blobs, whether the sum of the numbers is
    finite, and the bytes of the longest text or blob.
    """
    name = quote(column)
    return [
        *(
            f"sum(CASE typeof({name}) WHEN '{one}' THEN 1 WHEN '{two}' THEN {COUNT_PACK} END)"
            for one, two in (("integer", "real"), ("text", "blob"))
        ),
        f"coalesce(total({name}) BETWEEN -1e308 AND 1e308, 0)",
        f"max(CASE typeof({name}) WHEN 'text' THEN {_size(name)} WHEN 'blob' THEN length({name}) END)",
    ]


def page(table: Table, outputs: Sequence[str], after: Row | None, limit: int) -> tuple[str, list[Value]]:
    """Return the statement for the next `limit` rows in key order, and what to bind."""
    sql = f"SELECT {', '.join(outputs)} FROM {quote(table.name)}"  # noqa: S608
    if not table.order:
        return sql, []
    args: list[Value] = []
    if after is not None:
        condition, args = _beyond(table, after)
        sql += f" WHERE {condition}"
    return f"{sql} ORDER BY {order_by(table)} LIMIT {limit:d}", args


def packed_page(
    table: Table, columns: Sequence[str], after: Row | None, limit: int, *, blobs: bool
) -> tuple[str, list[Value]]:
    """Return the statement for the next rows as one row: a JSON array for each of `columns`.

    All arrays are in key order. With `blobs` they come as blobs.
    """
    names = [f"migrate:{at}" for at in range(len(columns))]
    outputs = [f"{quote(column)} AS {quote(name)}" for column, name in zip(columns, names, strict=True)]
    sql, args = page(table, outputs, after, limit)
    return f"SELECT {', '.join(_array(name, blobs=blobs) for name in names)} FROM ({sql})", args  # noqa: S608


def packing_proof(*, blobs: bool) -> str:
    """Return the statement for one JSON array of the values that JSON most easily gets wrong."""
    values = ", ".join(f"({value})" for value in _PROOF)
    return f"SELECT {_array('column1', blobs=blobs)} FROM (VALUES {values})"  # noqa: S608


#: in the order of `json_pages.PROOF`
_PROOF = (
    "9223372036854775807",
    "-9223372036854775807",
    "9007199254740993",
    "NULL",
    "''",
    "'12'",
    "'null'",
    "'[1]'",
    "char(97, 0, 98)",
    "char(34, 92, 47, 8, 9, 10, 12, 13, 31, 127)",
    "char(233, 8232, 65279, 65533, 128512)",
)


def _array(name: str, *, blobs: bool) -> str:
    array = f"json_group_array({quote(name)})"
    return f"CAST({array} AS BLOB)" if blobs else array


def order_by(table: Table, *, reverse: bool = False) -> str:
    """Return the terms of the table's own order."""
    return ", ".join(
        _operand(table, part) + (" DESC" if part.descending is not reverse else "") for part in table.order
    )


def witnessed(column: str, longest: int) -> tuple[str, str, str]:
    """Return three expressions that carry any value over any server.

    They are its storage class; the value, text as a blob, null if it is infinite or longer than `longest`
    bytes; and a hint: the bytes of a text or blob, the text of an infinite real.
    """
    name = quote(column)
    size = _size(name)
    infinite = f"{name} IN (9e999, -9e999)"
    value = (
        f"CASE typeof({name}) "
        f"WHEN 'text' THEN CASE WHEN {size} <= {longest:d} THEN CAST({name} AS BLOB) END "
        f"WHEN 'blob' THEN CASE WHEN {size} <= {longest:d} THEN {name} END "
        f"WHEN 'real' THEN CASE WHEN NOT {infinite} THEN {name} END "
        f"ELSE {name} END"
    )
    clue = (
        f"CASE typeof({name}) WHEN 'text' THEN {size} WHEN 'blob' THEN {size} "
        f"WHEN 'real' THEN CASE WHEN {infinite} THEN printf('%!.17g', {name}) END END"
    )
    return f"typeof({name})", value, clue


def chunk(table: Table, column: str, key: Row, start: int, length: int) -> tuple[str, list[Value]]:
    """Return the statement for `length` bytes of one cell, from byte `start` (1 is the first)."""
    conditions, args = [], []
    for part, value in zip(table.order, key, strict=True):
        term, bound = bind(value)
        conditions.append(f"{_operand(table, part)} = {term}")
        args.append(bound)
    return (
        f"SELECT substr(CAST({quote(column)} AS BLOB), {start:d}, {length:d}) "  # noqa: S608
        f"FROM {quote(table.name)} WHERE {' AND '.join(conditions)}",
        args,
    )


def _size(name: str) -> str:
    return f"length(CAST({name} AS BLOB))"


def _plain(table: Table) -> bool:
    """Return whether the columns' own collations are those of the key, so that row values are safe."""
    return not table.without_rowid or (
        all(part.collation == "BINARY" and not part.descending for part in table.order)
        and re.search("collate", table.sql, re.IGNORECASE) is None
    )


def _operand(table: Table, part: KeyPart) -> str:
    name = quote(part.column)
    return name if _plain(table) else f"{name} COLLATE {quote(part.collation)}"


def _beyond(table: Table, after: Row) -> tuple[str, list[Value]]:
    bound = [bind(value) for value in after]
    if _plain(table):
        names = ", ".join(quote(part.column) for part in table.order)
        terms = ", ".join(term for term, _ in bound)
        row = f"({names}) > ({terms})" if len(bound) > 1 else f"{names} > {terms}"
        return row, [value for _, value in bound]
    # Row values use each column's own collation and one direction. So the terms are written out, with the
    # first term alone once more, so that the index is used.
    alternatives: list[str] = []
    args: list[Value] = []
    for last in range(len(table.order)):
        terms_of_one = []
        for position, part in enumerate(table.order[: last + 1]):
            sign = "=" if position < last else "<" if part.descending else ">"
            terms_of_one.append(f"{_operand(table, part)} {sign} {bound[position][0]}")
            args.append(bound[position][1])
        alternatives.append("(" + " AND ".join(terms_of_one) + ")")
    first = table.order[0]
    sign = "<=" if first.descending else ">="
    lead = f"{_operand(table, first)} {sign} {bound[0][0]}"
    return f"{lead} AND ({' OR '.join(alternatives)})", [bound[0][1], *args]
