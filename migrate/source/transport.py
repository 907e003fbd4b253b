"""The interface of a transport to a database: run a SELECT, return its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from migrate.source.model import Row, Value

#: What a result column is known to hold, apart from nulls; None if it is mixed or unknown.
Kind = Literal["integer", "real", "text"] | None


class TooLarge(Exception):
    """The result does not fit into one response; ask for fewer rows."""


class InvalidText(Exception):
    """The result holds text that is not UTF-8, which the server cannot send as text."""


class WrongAnswer(Exception):
    """The result is not what the statement asks for; the text says how, without a value of a row."""


@dataclass(frozen=True)
class QueryResult:
    """The result of one statement.

    `bytes` is the size of the response, `rows_read` what the server bills, `mark` the version of the database
    (equal versions mean equal content) or None. `cut` is true if the rows stop early because they grew too
    large; `raw` are the positions of `RawText`.
    """

    rows: Sequence[Row]
    bytes: int
    rows_read: int = 0
    mark: str | None = None
    cut: bool = False
    raw: frozenset[int] = frozenset()


class Transport(Protocol):
    """A transport to a database."""

    label: str
    identity: str
    #: values arrive exactly as they are stored, whatever they are
    exact: bool
    #: text must be asked for as blobs, because text that is not UTF-8 ends the connection
    text_as_blobs: bool
    #: the server bills for the rows it reads
    bills: bool
    #: responses should not be longer than this, in bytes
    most_bytes: int
    #: an SQLite file of ours that is the whole database, if there is one
    copy: Path | None

    def run(self, sql: str, args: Sequence[Value] = (), kinds: Sequence[Kind] = ()) -> QueryResult:
        """Run one SELECT or PRAGMA and return its rows.

        `kinds`, one for each result column, make reading faster if given. Raises TooLarge, InvalidText,
        WrongAnswer, SourceError, SourceUnavailable.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
