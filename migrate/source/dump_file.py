"""A `.sql` dump, as `turso db shell NAME ".dump"` writes it, loaded into a private SQLite file."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from migrate.runtime import files
from migrate.runtime.errors import SourceError, UsageError
from migrate.runtime.settings.source import SourceSettings
from migrate.source import private_copy
from migrate.source.dump_statements import COMMIT, OF_DUMP, PRAGMA, require_whole, statements, text_of
from migrate.source.local_transport import LocalTransport
from migrate.source.sqlite_file import open_copy
from migrate.source.url import Address

#: how a dump writes a virtual table: straight into the schema, without running its module
_VIRTUAL = re.compile(
    rb"INSERT\s+INTO\s+sqlite_(?:schema|master)\s*(?:\(type,name,tbl_name,rootpage,sql\)\s*)?"
    rb"VALUES\s*\('table',\s*('(?:[^']|'')*'),\s*\1,\s*0,\s*'(CREATE\s+VIRTUAL\s+TABLE\b.*)'\);\Z",
    re.IGNORECASE | re.DOTALL,
)
#: the same as a script of a person or a tool has it
_PLAIN_VIRTUAL = re.compile(
    rb"""(CREATE\s+VIRTUAL\s+TABLE)\s+(?:IF\s+NOT\s+EXISTS\s+)?"""
    rb"""("(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|'(?:[^']|'')*'|[^\s("'`\[]+)\s+(USING\b.*);\Z""",
    re.IGNORECASE | re.DOTALL,
)
_INSERT_VIRTUAL = (
    "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', ?1, ?1, 0, ?2)"
)
#: quotes that close within DDL
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]")
#: libSQL writes infinite reals as bare words
_INFINITE = re.compile(r"('(?:[^']|'')*')|(?<=[,(])(-?)inf(?=[,)])", re.IGNORECASE)
_WORDS = re.compile(rb"[A-Za-z]+")

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
        require_whole(path)
        os.close(os.open(copy, os.O_CREAT | os.O_RDWR, files.FILE_MODE))
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            _load(path, connection)
        return mark

    copy, give_back = private_copy.borrow(path, lambda: private_copy.stamp_of([path]), make)
    return open_copy(copy, give_back, address, settings)


def _load(path: Path, connection: sqlite3.Connection) -> None:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    # Newer shells write control characters with this function.
    connection.create_function("unistr", 1, _unistr, deterministic=True)
    # Of an index of vectors only its name counts: with it its shadow tables are known for such.
    connection.create_function("libsql_vector_idx", -1, lambda *_: None, deterministic=True)
    connection.set_authorizer(_authorize)
    number, statement, whole = 0, b"", False
    try:
        for statement in statements(path):
            number += 1
            if whole and not OF_DUMP.match(statement):
                continue  # what a shell writes behind a dump
            _execute(connection, statement)
            whole = COMMIT.match(statement) is not None and not connection.in_transaction
    except sqlite3.Error as error:
        # SQLite's message may contain the text of a row: only its name is shown.
        words = b" ".join(_WORDS.findall(statement[:100])[:2]).decode()
        raise SourceError(
            f"statement {number} of the dump {path} ({words} …) was refused ({error.sqlite_errorname})",
            hint="a dump holds CREATE and INSERT only, and is incomplete if a statement has no end; "
            'make it again with `turso db shell NAME ".dump" > FILE.sql`',
        ) from None
    if connection.in_transaction:
        raise SourceError(
            f"the dump {path} does not end its transaction",
            hint='make it again with `turso db shell NAME ".dump" > FILE.sql`',
        )
    connection.set_authorizer(None)


def _execute(connection: sqlite3.Connection, statement: bytes) -> None:
    if PRAGMA.match(statement) or (COMMIT.match(statement) and not connection.in_transaction):
        return  # what pragmas set is of no account to rows
    text = text_of(statement)
    virtual = _VIRTUAL.match(statement)
    if virtual is not None:
        name, ddl = (part.decode(errors="replace") for part in virtual.groups())
        _add_virtual(connection, name[1:-1].replace("''", "'"), _ddl_within_quotes(ddl))
        return
    plain = _PLAIN_VIRTUAL.match(statement)
    if plain is not None:
        begin, name, using = (part.decode(errors="replace") for part in plain.groups())
        quote = name[:1] if name[:1] in "\"'`[" else ""
        bare = name[1:-1].replace(quote * 2, quote) if quote else name
        _add_virtual(connection, bare, f"{begin} {name} {using}")
        return
    try:
        connection.execute(text)
    except sqlite3.OperationalError as error:
        if str(error).lower() != "no such column: inf":
            raise
        connection.execute(_INFINITE.sub(lambda m: m[1] or f"{m[2]}9e999", text))


def _add_virtual(connection: sqlite3.Connection, name: str, ddl: str) -> None:
    """Write a virtual table into the schema, without running its module."""
    connection.set_authorizer(None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(_INSERT_VIRTUAL, (name, ddl))
    connection.execute("PRAGMA writable_schema = OFF")
    connection.set_authorizer(_authorize)


def _ddl_within_quotes(written: str) -> str:
    """Return DDL that stands as a literal of SQL: SQLite doubles the quotes in it, libSQL does not."""
    single = written.replace("''", "'")
    return single if "'" not in written.replace("''", "") and "'" not in _QUOTED.sub("", single) else written


def _authorize(action: int, _: str | None, second: str | None, *_more: str | None) -> int:
    """Allow what dumps do, but not attaching files, loading extensions or setting pragmas."""
    if action == sqlite3.SQLITE_FUNCTION and second in ("load_extension", "fts3_tokenizer"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _unistr(text: str) -> str:
    r"""Return the text with `\XXXX`, `\uXXXX`, `\UXXXXXXXX`, `\+XXXXXX` and `\\` replaced, as SQLite does."""

    def one(match: re.Match[str]) -> str:
        digits = match.group(1)
        return "\\" if digits is None else chr(int(digits.lstrip("uU+"), 16))

    return re.sub(r"\\(?:\\|(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\+[0-9A-Fa-f]{6}|[0-9A-Fa-f]{4}))", one, text)
