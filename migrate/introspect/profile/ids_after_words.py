"""Ids behind a word in a text: `people:2`, `user_12`, `gid://app/Post/7`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.inspection import ColumnReport, HiddenReference
from migrate.introspect.profile.references import Target, Targets
from migrate.source.sql import quote

#: How many words of one column are looked at, those with the most rows first.
_MOST_WORDS: Final = 200
#: What stands between a word and its id.
_BETWEEN: Final = ":#/_-"
#: Digits of the longest id.
_DIGITS: Final = 19


def ids_after_words(
    database: InspectedDatabase, table: str, column: ColumnReport, targets: Targets
) -> Iterator[HiddenReference]:
    """Yield a reference for each word that names a table and has ids of its rows behind it.

    At least half of the numbers behind a word must be ids: `room-12` is no row of rooms by its name alone.
    """
    cell, name = quote(column.name), quote(table)
    before = f"rtrim({cell}, '0123456789')"
    words = database.rows(
        f"SELECT {before} AS w, count(*) FROM {name} WHERE {cell} GLOB '[A-Za-z]*[{_BETWEEN}][0-9]*'"  # noqa: S608
        f" AND instr('{_BETWEEN}', substr({before}, -1)) > 0"
        f" AND length({cell}) - length({before}) BETWEEN 1 AND {_DIGITS}"
        f" AND {before} NOT GLOB '*[^A-Za-z0-9_:#/.-]*' GROUP BY w ORDER BY 2 DESC, w LIMIT {_MOST_WORDS}"
    )
    for word, rows in words:
        target = targets.of_class(str(word).rstrip(_BETWEEN)) if str(word).strip(_BETWEEN) else None
        if target is None:
            continue
        found = _found(database, table, column.name, str(word), target)
        if found * 2 >= rows:
            yield HiddenReference(
                table, column.name, "text", f"{word}{{id}}", target.table, target.column, "name and values",
                rows, rows - found,
            )  # fmt: skip


def _found(database: InspectedDatabase, table: str, column: str, word: str, target: Target) -> int:
    """Return how many cells are a word and the key of a row."""
    cell, key = quote(column), quote(target.column)
    return int(
        database.number(
            f"SELECT count(*) FROM {quote(table)} WHERE rtrim({cell}, '0123456789') = ?1"  # noqa: S608
            f" AND substr({cell}, length(?1) + 1) IN"
            f" (SELECT CAST({key} AS TEXT) FROM {quote(target.table)} WHERE {key} IS NOT NULL)",
            (word,),
        )
    )
