"""One SQLite expression over a row of the source: what it reads, and whether it is the same each time.

What SQLite lets into a generated column is let in here: columns of the row, no other table, no aggregate and
nothing that depends on the clock. Of its functions only those are allowed whose value is the same on every
machine.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from mappers.mistakes import near
from mappers.sqlite_sql import quoted

#: Functions that may fail on a row: text that is no JSON, the absolute value of the smallest integer.
_MAY_FAIL: Final = frozenset({
    "->", "->>", "abs", "glob", "json", "json_array", "json_array_length", "json_extract", "json_insert",
    "json_object", "json_patch", "json_quote", "json_remove", "json_replace", "json_set", "json_type", "like",
})  # fmt: skip
_CLOCK: Final = frozenset({"date", "datetime", "julianday", "strftime", "time", "unixepoch"})
_ALLOWED: Final = _MAY_FAIL | _CLOCK | {
    "ceil", "ceiling", "char", "coalesce", "concat", "concat_ws", "floor", "format", "hex", "ifnull", "iif",
    "instr", "json_valid", "length", "lower", "ltrim", "max", "min", "mod", "nullif", "octet_length",
    "printf", "quote", "replace", "round", "rtrim", "sign", "sqrt", "substr", "substring", "trim", "trunc",
    "typeof", "unhex", "unicode", "upper",
}  # fmt: skip
#: Modifiers by which these functions ask the machine for its zone.
_LOCAL: Final = frozenset({"'localtime'", "'utc'"})
#: What these functions read as the time of the run, if a cell holds it.
_NOW: Final = ("now", "subsec", "subsecond")
_TOKEN: Final = re.compile(
    r"""[xX]?'(?:[^']|'')*'|"(?:[^"]|"")*"|\[[^\]]*\]|`(?:[^`]|``)*`"""
    r"""|--[^\n]*|/\*.*?\*/|\s+|\d[\w.]*|[^\W\d][\w$]*|.""",
    re.DOTALL,
)
_COMMENT: Final = re.compile(r"--|/\*")
#: The quotes around a name.
_QUOTES: Final = {'"': '"', "[": "]", "`": "`"}
#: Stands for the alias of the row.
ROW: Final = "\x01"
#: What SQLite says of an expression that it does not take, and what is said of it here.
_SENTENCES: Final = (
    (r"no such column: (.*)", "there is no column {0}"),
    (r"no such function: (.*)", "SQLite has no function {0}()"),
    (r"misuse of (?:aggregate|window function).*", "an expression sees one row; this one asks for many"),
    (r"subqueries prohibited.*", "an expression sees one row; a query inside it is not possible"),
    (r"non-deterministic .*", "it depends on the time of the run; only what depends on the row is possible"),
    (r"Incorrect number of bindings.*", "a ? or a :name stands for nothing here"),
    (r"(?:parameters|the \"\.\" operator) prohibited.*", "only the names of columns are possible here"),
    (r"row value misused|incomplete input|You can only execute one statement.*", "it is not one expression"),
    (r"(near .*)", "it is not one SQLite expression: {0}"),
)


class ExpressionError(ValueError):
    """An expression that cannot be used; its text is the reason."""


@dataclass(frozen=True)
class RowExpression:
    """An expression that SQLite takes; `reads` are the columns that it reads, in the order of the table.

    `may_fail` is true if SQLite may stop with an error on some rows.
    """

    template: str
    reads: tuple[str, ...]
    may_fail: bool
    of_clock: bool

    def over(self, alias: str) -> str:
        """Return SQL for its value in a row that the query calls `alias`."""
        return self.template.replace(ROW, alias)

    def asks_clock(self, alias: str) -> str:
        """Return SQL that is true for a row with a cell that SQLite would read as the time of the run."""
        if not self.of_clock:
            return "0"
        words = ", ".join(f"'{word}'" for word in _NOW)
        return " OR ".join(f"lower(trim({alias}.{quoted(column)})) IN ({words})" for column in self.reads)


@functools.cache
def read_expression(text: str, table: str, columns: tuple[str, ...]) -> RowExpression:
    """Return the expression over the rows of a table. Raises ExpressionError with what is wrong in it."""
    tokens = [" " if _COMMENT.match(token) else token for token in _TOKEN.findall(text)]
    raw, template = f"({''.join(tokens)})", f"({''.join(_qualified(tokens, columns))})"
    try:
        reads, functions = _compiled(raw, table, columns)
        for name in sorted(functions - _ALLOWED):
            raise ExpressionError(_not_allowed(name))
        if functions & _CLOCK and _LOCAL & {token.lower() for token in tokens}:
            raise ExpressionError(
                'the zone of the machine is none of the source\'s; as = "timestamp" has `zone`'
            )
        _compute(raw, table, columns)
        if _compiled(template.replace(ROW, "c"), table, columns) != (reads, functions):
            raise ExpressionError('a name in it has two meanings; write columns as "name"')
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise ExpressionError(_sentence(str(error), columns)) from error
    return RowExpression(
        template,
        tuple(column for column in columns if column in reads),
        bool(functions & (_MAY_FAIL | _CLOCK)),
        bool(functions & _CLOCK),
    )


def _qualified(tokens: Sequence[str], columns: Iterable[str]) -> list[str]:
    """Return the tokens with the alias of the row in front of each column."""
    names = {column.lower(): column for column in columns}
    places = [place for place, token in enumerate(tokens) if not token.isspace()]
    found = list(tokens)
    for before, place, behind in zip([None, *places], places, [*places[1:], None], strict=False):
        token = tokens[place]
        column = names.get(_bare(token).lower())
        if token[0] == '"' and column is None:
            raise ExpressionError(f"there is no column {token}{near(_bare(token), columns)}; text is in '…'")
        if column is None or not (token[0] in _QUOTES or _is_name(token)):
            continue
        after_a_word = before is not None and tokens[before].lower() in (".", "as", "collate")
        if not after_a_word and (behind is None or tokens[behind] not in (".", "(")):
            found[place] = f"{ROW}.{quoted(column)}"
    return found


@functools.cache
def _is_name(word: str) -> bool:
    """Return whether SQLite takes a word for a name if it is not in quotes: it is no keyword."""
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            row = connection.execute(f"SELECT {word} FROM (SELECT 7 AS {quoted(word)})").fetchone()  # noqa: S608
    except sqlite3.Error:
        return False
    return bool(row == (7,))


def _bare(token: str) -> str:
    """Return a name without its quotes."""
    if len(token) > 1 and _QUOTES.get(token[0]) == token[-1]:
        return token[1:-1].replace(token[-1] * 2, token[-1])
    return token


def _compiled(value: str, table: str, columns: Sequence[str]) -> tuple[set[str], set[str]]:
    """Return the columns that an expression reads and the functions that it calls."""
    reads: set[str] = set()
    functions: set[str] = set()

    def note(action: int, _one: str | None, two: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and two:
            reads.add(two)
        elif action == sqlite3.SQLITE_FUNCTION and two:
            functions.add(two.lower())
        return sqlite3.SQLITE_OK

    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE {quoted(table)} ({', '.join(map(quoted, columns))})")
        connection.set_authorizer(note)
        # An aggregate is an error behind WHERE.
        connection.execute(f"EXPLAIN SELECT 1 FROM {quoted(table)} AS c WHERE {value} IS NULL")  # noqa: S608
    return reads, functions


def _compute(value: str, table: str, columns: Sequence[str]) -> None:
    """Compute an expression as a generated column over a row of NULLs: SQLite takes none that may change."""
    made = quoted("".join(["made", *columns]))
    with closing(sqlite3.connect(":memory:")) as connection:
        names = ", ".join(map(quoted, columns))
        connection.execute(f"CREATE TABLE {quoted(table)} ({names}, {made} AS ({value}))")
        connection.execute(f"INSERT INTO {quoted(table)} DEFAULT VALUES")
        connection.execute(f"SELECT {made} FROM {quoted(table)}").fetchall()  # noqa: S608


def _not_allowed(name: str) -> str:
    why = "since its value may be another one each time or elsewhere"
    return f"{name}() is not allowed, {why}{near(name, _ALLOWED)}"


def _sentence(error: str, columns: Sequence[str]) -> str:
    for pattern, sentence in _SENTENCES:
        if (found := re.fullmatch(pattern, error)) is not None:
            said = sentence.format(*found.groups())
            known = columns if "column" in error[:15] else _ALLOWED if "function:" in error else ()
            return said + (near(found[1], known) if known else "")
    return f"it fails on every row: {error}"
