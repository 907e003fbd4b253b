"""The database that an inspection works on: the frozen snapshot, and a scratch file of ours."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from mappers.declarative.casts.date_casts import is_other_form
from migrate.runtime.errors import StateMismatch
from migrate.snapshot.failing_rows import failing_rows
from migrate.snapshot.workspace import database_uri

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_]{0,39}\Z")
_KEYS: Final = re.compile(r'\[\d+\]|\."((?:[^"\\]|\\.)*)"|\.([^.\["]+)')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class InspectedDatabase:
    """Runs SQL over the snapshot (read-only) with a scratch schema `s`, whose file may grow on disk.

    SQL functions in addition to SQLite's own: `broken_text(blob)` for bytes that are no UTF-8,
    `jsonb_refuses(blob)` for JSON that PostgreSQL would not take, `path_of(fullkey)` for the place of an atom
    without its positions, `other_form(text)` for a timestamp in a less usual form.
    """

    def __init__(self, snapshot: Path, scratch: Path) -> None:
        self._snapshot = snapshot
        scratch.touch(mode=0o600)
        self._connection = sqlite3.connect(database_uri(snapshot, "mode=ro"), uri=True, isolation_level=None)
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        self._connection.execute("ATTACH DATABASE ? AS s", (database_uri(scratch, "mode=rw"),))
        for pragma in ("s.journal_mode=OFF", "s.synchronous=OFF", "temp_store=FILE", "cache_size=-32768"):
            self._connection.execute(f"PRAGMA {pragma}")
        for name, function in (
            ("broken_text", broken_text),
            ("jsonb_refuses", jsonb_refuses),
            ("path_of", path_of),
            ("other_form", is_other_form),
        ):
            self._connection.create_function(name, 1, function, deterministic=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StateMismatch(
                f"{self._snapshot.name} cannot be inspected: {error}",
                hint="free disk space, then run the same command again",
            ) from error

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query with a small result."""
        with self._faults():
            return self._connection.execute(sql, tuple(parameters)).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
        """Return the one row of an aggregate."""
        return self.rows(sql, parameters)[0]

    def number(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Return the one number that a query counts."""
        return int(self.row(sql, parameters)[0] or 0)

    def failing(self, value: str, number: str, rows: str) -> Iterator[int]:
        """Yield the `number` of each of the `rows` on which SQLite cannot compute `value`, ascending."""
        with self._faults():
            yield from failing_rows(self._connection, value, number, rows)

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement on the scratch schema."""
        with self._faults():
            self._connection.execute(sql, tuple(parameters))


def broken_text(raw: bytes) -> bool:
    """Return whether bytes are not UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False


def jsonb_refuses(raw: bytes) -> bool:
    """Return whether JSON that is valid for SQLite is refused by PostgreSQL's jsonb."""
    try:
        text = raw.decode()
        found = json.loads(text)
    except (ValueError, RecursionError):
        return True
    # Written out again, pairs of surrogates have become characters; the remaining ones are single.
    plain = json.dumps(found, ensure_ascii=False)
    return _SURROGATE.search(plain) is not None or re.search(r"(?<!\\)(?:\\\\)*\\u0000", plain) is not None


def path_of(fullkey: str) -> str:
    """Return the path of an atom, `$[3].user."a b"` as `$[*].user.*`, without positions and odd keys."""

    def part(match: re.Match[str]) -> str:
        if match[0].startswith("["):
            return "[*]"
        key = match[1] if match[1] is not None else match[2]
        return f".{key}" if _NAME.match(key) else ".*"

    return "$" + _KEYS.sub(part, fullkey[1:])
