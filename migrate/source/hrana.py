"""Hrana 3, the language of libSQL servers: values, results and errors as JSON."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from migrate.runtime.errors import SourceError
from migrate.source.model import Row, Value
from migrate.source.server_errors import Malformed, Transient, blocked, cell_too_long
from migrate.source.transport import InvalidText, Kind, TooLarge, WrongAnswer

Cell = dict[str, Any]
#: characters of a server's own message that are shown
_LONGEST_MESSAGE = 500


def encode(value: Value) -> Cell:
    """Return a value as Hrana writes it, for binding; infinities and `RawText` cannot be bound like this."""
    if value is None:
        return {"type": "null"}
    if isinstance(value, int):
        return {"type": "integer", "value": str(value)}
    if isinstance(value, float):
        return {"type": "float", "value": value}
    if isinstance(value, str):
        return {"type": "text", "value": value}
    return {"type": "blob", "base64": base64.b64encode(value).decode()}


def statement(sql: str, args: Sequence[Value]) -> dict[str, Any]:
    """Return the request for one statement on a stream that is closed after it."""
    execute = {"sql": sql, "args": [encode(value) for value in args], "want_rows": True}
    return {"baton": None, "requests": [{"type": "execute", "stmt": execute}, {"type": "close"}]}


def result(body: Any, label: str) -> dict[str, Any]:
    """Return the result in the response to `statement`.

    Raises the error that the response holds: TooLarge, InvalidText, Transient or SourceError; and
    Malformed if it is not a response of Hrana.
    """
    try:
        first = body["results"][0]
        if first["type"] == "ok":
            found = first["response"]["result"]
            if isinstance(found["rows"], list) and isinstance(found["cols"], list):
                return dict(found)
            raise Malformed("its result has no rows")
        error = first["error"]
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as cause:
        raise Malformed("it is not Hrana") from cause
    raise failure(code, message, label)


def rows_read(found: dict[str, Any]) -> int:
    """Return the rows that the server bills for a result, 0 if it does not say; or raise WrongAnswer."""
    number = found.get("rows_read")
    if number is not None and (type(number) is not int or number < 0):
        raise WrongAnswer("its number of rows read is no number")
    return number or 0


def mark(found: dict[str, Any]) -> str | None:
    """Return the state of the database in a result, None if there is none; or raise WrongAnswer."""
    number = found.get("replication_index")
    if number is not None and type(number) not in (int, str):
        raise WrongAnswer("its replication index is no number")
    return None if number is None else str(number)


def failure(code: str, message: str, label: str) -> Exception:
    """Return the exception for an error that a server gave, by its code."""
    if code == "RESPONSE_TOO_LARGE":
        return TooLarge(message)
    if code == "BLOCKED":
        return blocked(label)
    if code == "SQLITE_TOOBIG":
        return cell_too_long(label)
    if code in ("STREAM_EXPIRED", "SQLITE_BUSY", "SQLITE_LOCKED", "TRANSACTION_TIMEOUT"):
        return Transient(code)
    if says_invalid_text(message):
        return InvalidText(message)
    said = f"{message[:_LONGEST_MESSAGE]} ({code[:_LONGEST_MESSAGE] or 'no code'})"
    return SourceError(f"{label} refused a statement: {said}")


def says_invalid_text(message: str) -> bool:
    """Return whether a server's message means that text was not UTF-8."""
    low = message.lower()
    return "invalid utf-8" in low or "invalid utf8" in low or "not valid utf-8" in low


def rows(found: dict[str, Any], kinds: Sequence[Kind]) -> list[Row]:
    """Return the rows of a result as tuples of values.

    `kinds` may give the type of each column; a column with other values is read cell by cell.
    Raises WrongAnswer if a row is not as wide as the header, or if a cell is not one of Hrana.
    """
    cells: list[list[Cell]] = found["rows"]
    if not cells:
        return []
    width = len(found["cols"])
    if set(map(type, cells)) != {list} or set(map(len, cells)) != {width}:
        raise WrongAnswer(f"it names {width} columns, and not all of its rows are as wide")
    if not width:
        raise WrongAnswer("its rows have no columns")
    known = kinds if len(kinds) == width else (None,) * width
    return list(zip(*[_column(cells, at, kind) for at, kind in enumerate(known)], strict=True))


def _column(cells: list[list[Cell]], at: int, kind: Kind) -> Sequence[Value]:
    try:
        if kind is not None:
            found = [row[at].get("value") for row in cells]
            if set(map(type, found)) <= _FAST[kind]:
                if kind == "text":
                    return found
                if kind == "integer":
                    return [None if text is None else int(text) for text in found]
                return [None if number is None else float(number) for number in found]
    except (TypeError, ValueError, AttributeError, OverflowError):
        pass
    try:
        return [_BY_TYPE[row[at]["type"]](row[at]) for row in cells]
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise WrongAnswer(f"a cell of its column {at + 1} is none of Hrana's") from error


def _value(cell: Cell, *types: type) -> Any:
    value = cell["value"]
    if type(value) not in types:
        raise TypeError
    return value


def _blob(cell: Cell) -> bytes:
    text = cell["base64"]
    return binascii.a2b_base64(text + "=" * (-len(text) % 4))


_BY_TYPE: dict[str, Callable[[Cell], Value]] = {
    "null": lambda _: None,
    "integer": lambda cell: int(_value(cell, str, int)),
    "float": lambda cell: None if cell["value"] is None else float(_value(cell, float, int)),
    "text": lambda cell: str(_value(cell, str)),
    "blob": _blob,
}
#: the types that JSON has for a column of one kind
_FAST: dict[str, set[type]] = {
    "text": {str, type(None)},
    "integer": {str, type(None)},
    "real": {float, int, type(None)},
}
