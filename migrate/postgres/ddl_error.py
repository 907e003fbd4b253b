"""Where PostgreSQL refuses a file of DDL: its own words, and the line of the statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import psycopg

from migrate.postgres.connection import Connection

#: What a semicolon inside does not end: strings, names, bodies of functions, comments.
_PIECE: Final = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$).*?\1|--[^\n]*|/\*.*?\*/|;|[^'"$/;-]+|.""", re.DOTALL
)
#: What must not be tried in a transaction that is rolled back.
_ENDS: Final = re.compile(r"(?:abort|begin|commit|end|release|rollback|savepoint|start)\b", re.I)
_COMMENTS: Final = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)


def refused_line(conn: Connection, text: str, error: psycopg.Error) -> int | None:
    """Return the line of the statement that PostgreSQL refused, None if it is not known.

    The server names a place for some errors only; for the others the statements are tried one by one in the
    transaction of `conn`, which must be rolled back then.
    """
    if error.diag.statement_position is not None:
        return text.count("\n", 0, int(error.diag.statement_position) - 1) + 1
    for line, statement in _statements(text):
        if _ENDS.match(statement):
            return None
        try:
            with conn.transaction():
                conn.execute(statement.encode())
        except psycopg.Error as again:
            same = (again.sqlstate, again.diag.message_primary) == (
                error.sqlstate,
                error.diag.message_primary,
            )
            return line if same else None
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with the line on which it begins."""
    begin = 0
    for piece in _PIECE.finditer(text + ";"):
        if piece[0] == ";":
            blank = _COMMENTS.match(text, begin)
            start = blank.end() if blank else begin
            if start < piece.start():
                yield text.count("\n", 0, start) + 1, text[start : piece.start()]
            begin = piece.end()
