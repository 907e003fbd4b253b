"""The facts of profile rows that frames can hold unchanged: nearly all of them, whole columns at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import polars as pl

from mappers import cleaning
from mappers.base import Query, Workspace
from mappers.sqlite_sql import quoted, sql

#: Rows of `profile` that SQL statements process: of later ids, of people with several rows, of bytes that are
#: not UTF-8. A fact is kept unchanged.
_REST: Final = "CREATE TABLE x.rest (number INTEGER PRIMARY KEY)"
_LATER: Final = """
INSERT INTO x.rest SELECT number FROM x.profile_row
WHERE position > 0 OR person IN (
  SELECT person FROM x.profile_row WHERE position = 0 GROUP BY person HAVING count(*) > 1) ORDER BY number"""
_ROWS: Final = """
SELECT r.number AS number, r.person AS person, r.source_id AS source_id, $columns
FROM x.profile_row AS r CROSS JOIN profile AS p ON p.rowid = r.number
WHERE r.position = 0 AND r.number NOT IN (SELECT number FROM x.rest) AND r.number > ?1
ORDER BY r.number LIMIT min(?2, 2000)"""
#: A driver allocates memory for every column.
_AT_ONCE: Final = 100


def add_plain_profiles(
    workspace: Workspace, columns: Sequence[str], dropped: Collection[str]
) -> tuple[str, ...]:
    """Add the facts of profile rows to x.fact, which is empty, and create x.rest of the other rows.

    Returns the columns left out, for all rows: those with numbers, which SQLite converts to text.
    """
    workspace.execute(_REST)
    workspace.execute(_LATER)
    kept = [column for column in columns if column not in dropped]
    left_out = tuple(column for column in kept if _holds_reals(workspace, column))
    texts = [column for column in kept if column not in left_out]
    for start in range(0, len(texts), _AT_ONCE):
        for rows in workspace.read(_query(texts[start : start + _AT_ONCE])):
            plain = rows
            if "invalid_utf8" in rows.columns:
                plain = rows.filter(pl.col("invalid_utf8").is_null())
                odd = rows.filter(pl.col("invalid_utf8").is_not_null()).select("number")
                workspace.write("rest", odd)
            workspace.write("fact", _facts(plain, texts[start : start + _AT_ONCE]))
    return left_out


def _holds_reals(workspace: Workspace, column: str) -> bool:
    found = workspace.scalar(
        sql("SELECT 1 FROM profile AS p WHERE typeof(p.$column) = 'real' LIMIT 1", column=quoted(column))
    )
    return found is not None


def _query(columns: Sequence[str]) -> Query:
    named = {f"c{n}": f"p.{quoted(column)} AS c{n}" for n, column in enumerate(columns)}
    return Query(
        sql=sql(_ROWS, columns=", ".join(named.values())),
        key="number",
        columns={
            "number": "integer",
            "person": "integer",
            "source_id": "text",
            **dict.fromkeys(named, "text"),
        },
        count="SELECT count(*) FROM x.profile_row WHERE position = 0",
    )


def _facts(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return a row for each cell that is not empty after cleaning."""
    names = [f"c{n}" for n in range(len(columns))]
    cells = rows.unpivot(
        on=names, index=["person", "source_id"], variable_name="key", value_name="value"
    ).filter(pl.col("value") != "")
    cells = cells.with_columns(pl.col("key").replace_strict(names, list(columns), return_dtype=pl.String))
    # Only values without a letter or digit, or with an entity, can be empty after cleaning.
    suspect = ~pl.col("value").str.contains("[0-9A-Za-z]") | pl.col("value").str.contains("&", literal=True)
    suspects = cells.filter(suspect).filter(cleaning.text(pl.col("value")).is_not_null())
    return (
        pl.concat([cells.filter(~suspect), suspects])
        .sort("person", "key")
        .select("person", "key", "value", pl.lit("profile").alias("source"), "source_id")
    )
