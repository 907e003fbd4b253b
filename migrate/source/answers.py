"""What an answer must be like before anything is made of it: width, types, order of keys."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from operator import ge
from typing import Final, Protocol

from migrate.source.model import RawText, Row, Table, Value
from migrate.source.transport import WrongAnswer

NAME: Final = (str,)
#: Text that may be missing, or not be UTF-8.
TEXT: Final = (str, RawText, bytes, type(None))
NUMBER: Final = (int,)
#: A count, a sum or a maximum; the sum of nothing is null.
TOTAL: Final = (int, float, type(None))

Types = tuple[type, ...]


class Ask(Protocol):
    """Runs a statement whose answer must have one value of each of `types` in every row."""

    def __call__(self, sql: str, args: Sequence[Value] = (), *, types: Sequence[Types]) -> Sequence[Row]:
        """Return the rows; raise WrongAnswer if they are others."""
        ...


def check_width(rows: Sequence[Row], width: int) -> None:
    """Raise WrongAnswer unless every row has `width` values."""
    found = set(map(len, rows)) - {width}
    if found:
        raise WrongAnswer(f"a row of {min(found)} values where {width} were asked for")


def check_types(rows: Sequence[Row], types: Sequence[Types]) -> Sequence[Row]:
    """Return the rows; raise WrongAnswer unless each has one value of each of `types`."""
    check_width(rows, len(types))
    for at, (column, allowed) in enumerate(zip(zip(*rows, strict=True), types, strict=False)):
        wrong = set(map(type, column)) - set(allowed)
        if wrong:
            raise WrongAnswer(f"value {at + 1} of a row is {_name(min(wrong, key=_name))}, "
                              f"not {_name(allowed[0])}")  # fmt: skip
    return rows


def single(rows: Sequence[Row], types: Sequence[Types]) -> Row:
    """Return the only row; raise WrongAnswer if there is none, another one, or of other types."""
    if len(rows) != 1:
        raise WrongAnswer(f"{len(rows)} rows where one was asked for")
    return check_types(rows, types)[0]


def check_order(table: Table, keys: Sequence[Value], after: Row | None) -> None:
    """Raise WrongAnswer unless the keys of a page grow, from the last one of the page before.

    `keys` are the values of the first key column. Integers alone are compared: how text is ordered,
    the table's own collation decides. Keys that come twice are refused when they are written.
    """
    if len(table.order) != 1 or table.order[0].descending:
        return
    column = [*(after or ()), *keys]
    if set(map(type, column)) == {int} and any(map(ge, column, islice(column, 1, None))):  # type: ignore[arg-type]
        raise WrongAnswer("its keys do not grow from row to row")


def _name(kind: type) -> str:
    return {str: "text", int: "an integer", float: "a real", type(None): "null"}.get(kind, "a blob")
