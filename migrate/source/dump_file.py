"""A `.sql` dump, as `turso db shell NAME ".dump"` writes it, loaded into a private SQLite file."""

from __future__ import annotations

import mmap
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from migrate.runtime import files
from migrate.runtime.errors import SourceError, UsageError
from migrate.runtime.source_settings import SourceSettings
from migrate.source import private_copy
from migrate.source.local_transport import LocalTransport
from migrate.source.sqlite_file import open_copy
from migrate.source.url import Address

#: what ends a statement, and what may hide a semicolon
_TOKEN = re.compile(
    rb"""'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|;""",
    re.DOTALL,
)
_LITERAL = re.compile(rb"'(?:[^']|'')*'")
_COMMENTS = re.compile(rb"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
_TRIGGER = re.compile(rb"CREATE\s+(?:TEMP\s+|TEMPORARY\s+)?TRIGGER\b", re.IGNORECASE)
#: how a dump writes a virtual table: directly into the schema, without running its module
_VIRTUAL = re.compile(
    rb"INSERT\s+INTO\s+sqlite_(?:schema|master)\s*\(type,name,tbl_name,rootpage,sql\)\s*"
    rb"VALUES\('table',('(?:[^']|'')*'),\1,0,'CREATE VIRTUAL TABLE (?:[^']|'')*'\);\Z",
    re.IGNORECASE,
)
_WRITABLE_SCHEMA = re.compile(rb"PRAGMA\s+writable_schema\s*=", re.IGNORECASE)
#: libSQL writes infinite reals as bare words
_INFINITE = re.compile(r"('(?:[^']|'')*')|(?<=[,(])(-?)inf(?=[,)])", re.IGNORECASE)
_WORDS = re.compile(rb"[A-Za-z]+")
_LAST = re.compile(rb"(?:COMMIT|END)(?:\s+TRANSACTION)?\s*;\s*\Z", re.IGNORECASE)
_LAST_BYTES = 4096

_ALLOWED = frozenset(
    {
        sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_DELETE, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_READ,
        sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_REINDEX, sqlite3.SQLITE_ANALYZE, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_ALTER_TABLE,
    }
)  # fmt: skip


def open_dump(address: Address, settings: SourceSettings) -> LocalTransport:
    """Return a transport to a private database that was loaded from the dump.

    Raises UsageError if the file does not exist, SourceError if the dump is truncated or holds a statement
    that no dump contains.
    """
    path = Path(address.url)

    def make(copy: Path) -> str:
        try:
            mark = files.digest_file(path)
        except OSError as error:
            raise UsageError(f"the dump {path} cannot be read: {error.strerror}") from error
        _require_complete(path)
        os.close(os.open(copy, os.O_CREAT | os.O_RDWR, files.FILE_MODE))
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            _load(path, connection)
        return mark

    copy, give_back = private_copy.borrow(path, lambda: private_copy.stamp_of([path]), make)
    return open_copy(copy, give_back, address, settings)


def _require_complete(path: Path) -> None:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LAST_BYTES))
        end = file.read()
    if _LAST.search(end) is None:
        raise SourceError(
            f"the dump {path} does not end in COMMIT; it is incomplete",
            hint='make it again with `turso db shell NAME ".dump" > FILE.sql` and check its last line',
        )


def _load(path: Path, connection: sqlite3.Connection) -> None:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    # Newer shells write control characters with this function.
    connection.create_function("unistr", 1, _unistr, deterministic=True)
    connection.set_authorizer(_authorize)
    number, statement = 0, b""
    try:
        for statement in _statements(path):
            number += 1
            _execute(connection, statement)
    except sqlite3.Error as error:
        # SQLite's message may contain the text of a row: only its name is shown.
        words = b" ".join(_WORDS.findall(statement[:100])[:2]).decode()
        raise SourceError(
            f"statement {number} of the dump {path} ({words} …) was refused ({error.sqlite_errorname})",
            hint="a dump holds CREATE and INSERT only, and is cut short where a statement has no end; "
            'make it again with `turso db shell NAME ".dump" > FILE.sql`',
        ) from None
    if connection.in_transaction:
        raise SourceError(
            f"the dump {path} does not end its transaction",
            hint='make it again with `turso db shell NAME ".dump" > FILE.sql`',
        )
    connection.set_authorizer(None)


def _execute(connection: sqlite3.Connection, statement: bytes) -> None:
    if _WRITABLE_SCHEMA.match(statement):
        return
    text = _text(statement)
    if _VIRTUAL.match(statement):
        connection.set_authorizer(None)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(text)
        connection.execute("PRAGMA writable_schema = OFF")
        connection.set_authorizer(_authorize)
        return
    try:
        connection.execute(text)
    except sqlite3.OperationalError as error:
        if str(error).lower() != "no such column: inf":
            raise
        connection.execute(_INFINITE.sub(lambda m: m[1] or f"{m[2]}9e999", text))


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Allow what dumps do, but not attaching files, loading extensions or setting pragmas."""
    if action == sqlite3.SQLITE_PRAGMA:
        return sqlite3.SQLITE_OK if first == "foreign_keys" and second else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and second in ("load_extension", "fts3_tokenizer"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _statements(path: Path) -> Iterator[bytes]:
    """Yield the statements of a dump one by one; the file may be larger than the memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = 0
        for token in _TOKEN.finditer(content):
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


def _text(statement: bytes) -> str:
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


def _unistr(text: str) -> str:
    r"""Return the text with `\XXXX`, `\uXXXX`, `\UXXXXXXXX`, `\+XXXXXX` and `\\` replaced, as SQLite does."""

    def one(match: re.Match[str]) -> str:
        digits = match.group(1)
        return "\\" if digits is None else chr(int(digits.lstrip("uU+"), 16))

    return re.sub(r"\\(?:\\|(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\+[0-9A-Fa-f]{6}|[0-9A-Fa-f]{4}))", one, text)
