"""Hrana 3, the language of libSQL servers: values, results and errors as JSON."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from migrate.runtime.errors import SourceError
from migrate.source.model import Row, Value
from migrate.source.server_errors import Transient, blocked, cell_too_long
from migrate.source.transport import InvalidText, Kind, TooLarge

Cell = dict[str, Any]


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

    If the response holds an error, raises TooLarge, InvalidText, Transient or SourceError.
    """
    try:
        first = body["results"][0]
        if first["type"] == "ok":
            found: dict[str, Any] = first["response"]["result"]
            return found
        error = first["error"]
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    except (KeyError, IndexError, TypeError, AttributeError) as cause:
        raise Transient("an answer that is not Hrana") from cause
    raise failure(code, message, label)


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
    return SourceError(f"{label} refused a statement: {message} ({code or 'no code'})")


def says_invalid_text(message: str) -> bool:
    """Return whether a server's message means that text was not UTF-8."""
    low = message.lower()
    return "invalid utf-8" in low or "invalid utf8" in low or "not valid utf-8" in low


def rows(cells: list[list[Cell]], kinds: Sequence[Kind]) -> list[Row]:
    """Return the rows of a result as tuples of values.

    `kinds` may give the type of each column; a column with other values is read cell by cell.
    """
    if not cells:
        return []
    width = len(cells[0])
    known = kinds if len(kinds) == width else (None,) * width
    return list(zip(*[_column(cells, at, kind) for at, kind in enumerate(known)], strict=True))


def _column(cells: list[list[Cell]], at: int, kind: Kind) -> Sequence[Value]:
    try:
        if kind == "text":
            return [row[at].get("value") for row in cells]
        if kind == "integer":  # "0" is true, and only None is not
            return [text and int(text) for text in [row[at].get("value") for row in cells]]
        if kind == "real":
            numbers = [row[at].get("value") for row in cells]
            return [None if number is None else float(number) for number in numbers]
    except (TypeError, ValueError):
        pass
    return [_BY_TYPE[row[at]["type"]](row[at]) for row in cells]


def _blob(cell: Cell) -> bytes:
    text = cell["base64"]
    return binascii.a2b_base64(text + "=" * (-len(text) % 4))


_BY_TYPE: dict[str, Callable[[Cell], Value]] = {
    "null": lambda _: None,
    "integer": lambda cell: int(cell["value"]),
    "float": lambda cell: None if cell["value"] is None else float(cell["value"]),
    "text": lambda cell: str(cell["value"]),
    "blob": _blob,
}
