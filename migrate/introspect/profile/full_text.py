"""Full-text tables of SQLite, and what replaces them in PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from psycopg import sql

from migrate.introspect.profile.table_findings import FullText

_NAME: Final = r"""(?:"(?:[^"]|"")*"|\[[^\]]*\]|`[^`]*`|'[^']*'|[^\s("'\[`]+)"""
_VIRTUAL: Final = re.compile(
    rf"CREATE\s+VIRTUAL\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}\s+USING\s+(fts[345])\s*\((.*)\)\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_ARGUMENT: Final = re.compile(r"""(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|\[[^\]]*\]|`[^`]*`|\([^)]*\)|[^,])+""")
_OPTION: Final = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*$", re.DOTALL)
#: Tokenizers that reduce English words to their stems; the others keep the words.
_STEMS: Final = "porter"
_PIECE: Final = sql.SQL("coalesce({}::text, '')")
_BLANK: Final = sql.SQL(" || ' ' || ")
_STATEMENTS: Final = sql.SQL("""ALTER TABLE {table} ADD COLUMN {column} tsvector
  GENERATED ALWAYS AS (to_tsvector({language}, {text})) STORED;
CREATE INDEX {index} ON {table} USING GIN ({column});
-- to search: SELECT … FROM {table} WHERE {column} @@ websearch_to_tsquery({language}, $1)""")


def full_text_tables(virtual: Iterable[tuple[str, str]]) -> tuple[FullText, ...]:
    """Return the full-text tables among virtual ones, given as pairs of name and DDL."""
    return tuple(found for name, ddl in virtual if (found := _read(name, ddl)) is not None)


def _read(name: str, ddl: str) -> FullText | None:
    match = _VIRTUAL.match(ddl.strip())
    if match is None:
        return None
    columns, options = [], {}
    for argument in _ARGUMENT.findall(match[2]):
        option = _OPTION.match(argument)
        if option:
            options[option[1].lower()] = _bare(option[2])
        elif column := re.match(_NAME, argument.strip()):
            unindexed = "UNINDEXED" in argument.strip()[column.end() :].upper()
            columns += [] if unindexed else [_bare(column[0])]
    content = options.get("content")
    language = "english" if _STEMS in options.get("tokenize", "").lower() else "simple"
    return FullText(
        name=name,
        sql=ddl,
        columns=tuple(columns),
        content=content or None,
        holds_text=content is None,
        instead=_before(name, columns, content) + _suggest(content or name, columns, language),
    )


def _before(name: str, columns: list[str], content: str | None) -> str:
    """Return the comment above the statements if they are for no table of the target."""
    if content is None:
        made = sql.SQL("CREATE TABLE {} ({});").format(
            sql.Identifier(name),
            sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(column)) for column in columns),
        )
        return f"-- its text is in it alone: save it by hand\n{made.as_string(None)}\n"
    return "" if content else "-- it holds no text: for the table and the columns that it was filled from\n"


def _bare(text: str) -> str:
    """Return a name or a value without its quotes, if it has some."""
    for opening, closing in (('""', '"'), ("''", "'"), ("[]", "]"), ("``", "`")):
        if len(text) > 1 and (text[0], text[-1]) == (opening[0], opening[1]):
            return text[1:-1].replace(closing * 2, closing)
    return text


def _suggest(table: str, columns: list[str], language: str) -> str:
    pieces = [_PIECE.format(sql.Identifier(column)) for column in columns or ["…"]]
    return _STATEMENTS.format(
        table=sql.Identifier(table),
        column=sql.Identifier("search"),
        index=sql.Identifier(f"{table}_search_idx"),
        language=sql.Literal(language),
        text=_BLANK.join(pieces),
    ).as_string(None)
