"""The statements of a dump, one by one, and whether the file holds all of them."""

from __future__ import annotations

import mmap
import os
import re
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from migrate.runtime.errors import SourceError

#: what ends a statement, and what may hide a semicolon
_TOKEN: Final = re.compile(
    rb"""'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|;""",
    re.DOTALL,
)
_LITERAL: Final = re.compile(rb"'(?:[^']|'')*'")
#: Blanks, comments and a shell's own commands, such as `.dbconfig defensive off` before a recovery.
_COMMENTS: Final = re.compile(
    rb"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|^\.[a-z][^\n]*(?:\n|\Z))*", re.DOTALL | re.MULTILINE
)
_TRIGGER: Final = re.compile(rb"CREATE\s+(?:TEMP\s+|TEMPORARY\s+)?TRIGGER\b", re.IGNORECASE)
_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")

PRAGMA: Final = re.compile(rb"PRAGMA\b", re.IGNORECASE)
COMMIT: Final = re.compile(rb"(?:COMMIT|END)(?:\s+TRANSACTION)?\s*;\Z", re.IGNORECASE)
_BEGIN: Final = re.compile(rb"(?:BEGIN|SAVEPOINT)\b", re.IGNORECASE)
_COMMIT_AT: Final = re.compile(rb"(?:\A|[;\n])\s*(?:COMMIT|END)(?:\s+TRANSACTION)?\s*;", re.IGNORECASE)
_ROLLED_BACK: Final = re.compile(rb"(?:\A|[;\n])\s*ROLLBACK\s*;[^;]*\Z", re.IGNORECASE)
#: How a statement begins that a dump writes within its transaction.
OF_DUMP: Final = re.compile(
    rb"(?:INSERT|CREATE|UPDATE|DELETE|ALTER|ANALYZE|BEGIN|SAVEPOINT|REPLACE|DROP)\b", re.IGNORECASE
)
#: How the dumps of other databases begin.
_OTHERS: Final = {
    "MySQL or MariaDB": re.compile(rb"^-- (?:MySQL|MariaDB) dump|^-- phpMyAdmin SQL Dump", re.MULTILINE),
    "PostgreSQL": re.compile(rb"^-- PostgreSQL database (?:cluster )?dump", re.MULTILINE),
}
_FIRST_BYTES: Final = 256
_LAST_BYTES: Final = 65_536
_AGAIN: Final = 'make it again with `turso db shell NAME ".dump" > FILE.sql` and see how it ends'


def require_whole(path: Path) -> None:
    """Raise SourceError if the file cannot be a whole dump, by its first and its last bytes.

    A dump that was cut short has no other sign of it: it counts only if its transaction ends, and
    nothing but pragmas, comments and a shell's own words stands behind.
    """
    with path.open("rb") as file:
        start = file.read(_FIRST_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LAST_BYTES))
        end = file.read()
    _require_of_sqlite(path, start)
    if start.startswith(_UTF16) or start[:4].count(b"\0") == 2:
        raise SourceError(
            f"the dump {path} is UTF-16, as PowerShell's > writes it",
            hint="PowerShell may have changed letters on the way: make the dump again without it, with"
            ' `cmd /c "turso db shell NAME .dump > FILE.sql"`, or name the database file itself',
        )
    last = next(reversed(list(_COMMIT_AT.finditer(end))), None)
    behind = end[last.end() :] if last else b""
    if last is not None and not _goes_on(behind):
        return
    if _ROLLED_BACK.search(end):
        raise SourceError(
            f"the dump {path} ends in ROLLBACK: the shell that wrote it met errors, so it is incomplete",
            hint='see what `sqlite3 FILE "PRAGMA integrity_check"` says of the database, then make the dump'
            ' again with `turso db shell NAME ".dump" > FILE.sql`',
        )
    if last is not None:
        raise SourceError(
            f"the dump {path} continues after its COMMIT: it is incomplete, or two dumps in one",
            hint=_AGAIN,
        )
    if not _has_transaction(path):
        raise SourceError(
            f"the dump {path} has no transaction, as Cloudflare D1 exports: nothing shows whether it is"
            " complete",
            hint=f"if it is complete, add the line COMMIT; to its end (`echo 'COMMIT;' >> {path}`) and run"
            " the same command again",
        )
    raise SourceError(f"the dump {path} does not end in COMMIT; it is incomplete", hint=_AGAIN)


def _require_of_sqlite(path: Path, start: bytes) -> None:
    if not start.strip():
        raise SourceError(f"the dump {path} is empty", hint=_AGAIN)
    other = next((name for name, signs in _OTHERS.items() if signs.search(start)), None)
    if other is not None:
        raise SourceError(
            f"the dump {path} is one of {other}, not of SQLite",
            hint="give a Turso URL, an SQLite file, or a dump of one: `turso db shell NAME .dump > FILE.sql`",
        )


def _goes_on(behind: bytes) -> bool:
    """Return whether what stands behind the last COMMIT is the beginning of more rows."""
    at = 0
    while at < len(behind):
        skipped = _COMMENTS.match(behind, at)
        at = skipped.end() if skipped else at
        if OF_DUMP.match(behind, at):
            return True
        line = behind.find(b"\n", at)
        at = len(behind) if line < 0 else line + 1
    return False


def _has_transaction(path: Path) -> bool:
    """Return whether the first statement that is no pragma begins a transaction."""
    for statement in islice(statements(path), 100):
        if not PRAGMA.match(statement):
            return _BEGIN.match(statement) is not None
    return True  # a file without statements was cut, too


def statements(path: Path) -> Iterator[bytes]:
    """Yield the statements of a dump one by one, however large the file is."""
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = len(_BOM) if content[: len(_BOM)] == _BOM else 0
        for token in _TOKEN.finditer(content, start):
            if token.group() != b";":
                continue
            end = token.end()
            skipped = _COMMENTS.match(content, start)
            first = min(end, skipped.end() if skipped else start)
            statement = content[first:end]
            if _TRIGGER.match(statement) and not sqlite3.complete_statement(
                statement.decode(errors="replace")
            ):
                continue
            start = end
            if statement != b";":
                yield statement


def text_of(statement: bytes) -> str:
    """Return a statement as text; literals that are not UTF-8 or contain NUL are written in hex."""
    try:
        text = statement.decode()
        if "\x00" not in text:
            return text
    except UnicodeDecodeError:
        pass
    return _LITERAL.sub(_spelled_out, statement).decode(errors="replace")


def _spelled_out(literal: re.Match[bytes]) -> bytes:
    raw = literal.group()
    try:
        raw.decode()
        if b"\x00" not in raw:
            return raw
    except UnicodeDecodeError:
        pass
    return b"CAST(x'" + raw[1:-1].replace(b"''", b"'").hex().encode() + b"' AS TEXT)"
