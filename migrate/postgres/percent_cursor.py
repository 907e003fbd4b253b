"""A cursor that takes names with a percent sign.

psycopg reads `%` in a statement with parameters as the begin of a placeholder, in a quoted name
too: `UPDATE "50% off" SET x = %s` is refused. Here names and literals of a composed statement
have it doubled, as psycopg's documentation asks for a literal `%`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import AdaptContext, Params


def _parts(query: sql.Composable, context: AdaptContext | None) -> Iterator[bytes]:
    if isinstance(query, sql.Composed):
        for part in query:
            yield from _parts(part, context)
    elif isinstance(query, (sql.Identifier, sql.Literal)):
        yield query.as_bytes(context).replace(b"%", b"%%")
    else:
        yield query.as_bytes(context)


class PercentCursor(psycopg.Cursor[Any]):
    """psycopg's cursor; a composed statement with parameters may hold names and literals with `%`."""

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> PercentCursor:
        """Execute as `psycopg.Cursor.execute` does."""
        if params is not None and isinstance(query, sql.Composed):
            query = b"".join(_parts(query, self))
        return super().execute(query, params, **options)
