"""CHECK constraints: what they require, and how many rows break them.

SQLite does not check rows that were written with `ignore_check_constraints` or before a CHECK was declared.
On a read-only connection its integrity_check skips them. So each CHECK is evaluated over the rows by a query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.table_findings import CheckReport
from migrate.runtime.errors import StateMismatch
from migrate.source.sql import quote

_REMARKS: Final = ("--", "/*")
_TOKEN: Final = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\w+|[()]|\s+|.""",
    re.DOTALL,
)


def check_constraints(database: InspectedDatabase, table: str, ddl: str) -> Iterator[CheckReport]:
    """Yield the CHECK constraints of a table, in the order of its DDL."""
    for expression in expressions(ddl):
        try:
            broken: int | None = database.number(
                f"SELECT count(*) FROM {quote(table)} WHERE NOT ({expression}\n)"  # noqa: S608  the source's own
            )
        except StateMismatch:  # it calls a function that only the application has
            broken = None
        yield CheckReport(table, expression, broken)


def expressions(ddl: str) -> Iterator[str]:
    """Yield the text in the parentheses of each CHECK of a CREATE TABLE statement, as it is written."""
    tokens = [
        match for match in _TOKEN.finditer(ddl) if not match[0].isspace() and match[0][:2] not in _REMARKS
    ]
    for at, token in enumerate(tokens[:-1]):
        if token[0].upper() == "CHECK" and tokens[at + 1][0] == "(":
            opening = tokens[at + 1]
            yield ddl[opening.end() : _closing(tokens[at + 1 :], len(ddl))].strip()


def _closing(tokens: list[re.Match[str]], end: int) -> int:
    """Return the position where the parenthesis that the first token opens is closed."""
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return token.start()
    return end
