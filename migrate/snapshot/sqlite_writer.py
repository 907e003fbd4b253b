"""Tables and rows of the source, written into an SQLite file of ours."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable

from migrate.source import catalog
from migrate.source.model import Page, RawText, Row, Table
from migrate.source.sql import quote

_DDL = re.compile(r"\s*CREATE\s+TABLE\s+[^\s(]*\s*\(", re.IGNORECASE)


def create_table(connection: sqlite3.Connection, table: Table, untyped: Collection[str] = ()) -> bool:
    """Create a table by its own DDL; if SQLite does not know all of that, by its columns. Return whether it
    was its own DDL.

    `untyped` columns get no type, so that SQLite stores every value in its own class. A server may call
    anything a table's DDL: nothing but CREATE TABLE with a list of columns is run.
    """
    if untyped:
        connection.execute(_plain_ddl(table, untyped))
        return False
    try:
        if not _DDL.match(catalog.bare(table.sql)):
            raise sqlite3.OperationalError
        connection.execute(table.sql)
    except sqlite3.OperationalError:
        # libSQL's own keywords, or a function in a default or check that is not built in here.
        connection.execute(_plain_ddl(table))
        return False
    return True


def _plain_ddl(table: Table, untyped: Collection[str] = ()) -> str:
    parts = []
    for column in table.stored:
        declared = "" if column.name in untyped else re.sub(r"[^\w(), ]", " ", column.declared)
        parts.append(f"{quote(column.name)} {declared}{' NOT NULL' if column.not_null else ''}")
    key = sorted((column for column in table.columns if column.key), key=lambda column: column.key)
    if key:
        parts.append(f"PRIMARY KEY ({', '.join(quote(column.name) for column in key)})")
    end = " WITHOUT ROWID" if table.without_rowid else ""
    return f"CREATE TABLE {quote(table.name)} ({', '.join(parts)}){end}"


def insertion(table: Table, page: Page) -> tuple[str, Iterable[Row]]:
    """Return the INSERT for a page, and its rows, with a flag for each cell that is `RawText`."""
    names = [column.name for column in table.stored]
    if table.bare_rowid:
        names.insert(0, table.key[0])
    width = len(names)
    flags = sorted(page.raw)
    terms = []
    for at in range(width):
        if at in page.raw:
            flag = width + flags.index(at) + 1
            terms.append(f"CASE WHEN ?{flag} THEN CAST(?{at + 1} AS TEXT) ELSE ?{at + 1} END")
        else:
            terms.append(f"?{at + 1}")
    columns = ", ".join(quote(name) for name in names)
    sql = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({', '.join(terms)})"  # noqa: S608
    if not flags:
        return sql, page.rows
    return sql, ((*row, *(isinstance(row[at], RawText) for at in flags)) for row in page.rows)


def is_of_rows(error: sqlite3.Error) -> bool:
    """Return whether SQLite refused rows or a definition, and not for want of the disk or the file."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in (
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_RANGE,
    )
