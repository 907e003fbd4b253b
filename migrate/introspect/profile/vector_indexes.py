"""libSQL's indexes of vectors, and what replaces them in a PostgreSQL with the extension pgvector."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from psycopg import sql

_NAME: Final = r"""("(?:[^"]|"")*"|\[[^\]]*\]|`[^`]*`|[^\s("\[`,)]+)"""
_INDEX: Final = re.compile(
    rf"CREATE\s+INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}\s+ON\s+{_NAME}\s*"
    rf"\(\s*libsql_vector_idx\s*\(\s*{_NAME}(.*)\)\s*\)",
    re.IGNORECASE | re.DOTALL,
)
_EUCLIDEAN: Final = re.compile(r"metric\s*=\s*l2", re.IGNORECASE)
_STATEMENT: Final = sql.SQL("CREATE INDEX {index} ON {table} USING hnsw ({column} {operators})")


def vector_indexes(indexes: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return (name, the statement that makes it with pgvector) of those indexes that are of vectors.

    Names are the source's. libSQL compares by the cosine unless an index says `metric=l2`.
    """
    found = []
    for name, ddl in indexes:
        match = _INDEX.match(ddl.strip())
        if match is not None:
            _, table, column, options = match.groups()
            operators = "vector_l2_ops" if _EUCLIDEAN.search(options) else "vector_cosine_ops"
            made = _STATEMENT.format(
                index=sql.Identifier(name),
                table=sql.Identifier(_bare(table)),
                column=sql.Identifier(_bare(column)),
                operators=sql.SQL(operators),
            )
            found.append((name, made.as_string(None)))
    return tuple(found)


def _bare(name: str) -> str:
    if name[0] == '"':
        return name[1:-1].replace('""', '"')
    return name[1:-1] if name[0] in "[`" else name
