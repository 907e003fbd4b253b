"""A legacy database with every hard value, and how to compare two of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

QUOTED = "sp ace \"quoted\" 'x'"
#: tables that a snapshot leaves out
LEFT_OUT = {"_litestream_seq", "sqlite_sequence"}

_SCHEMA = """
CREATE TABLE ints (id INTEGER PRIMARY KEY, v INTEGER, "any");
CREATE TABLE floats (id INTEGER PRIMARY KEY, v REAL);
CREATE TABLE texts (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE blobs (id INTEGER PRIMARY KEY, v BLOB);
CREATE TABLE mixed (id INTEGER PRIMARY KEY, v);
CREATE TABLE empty (id INTEGER PRIMARY KEY, v);
CREATE TABLE pair (a TEXT, b INTEGER, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE folded (a TEXT COLLATE NOCASE, b TEXT, v, PRIMARY KEY (a COLLATE BINARY, b DESC)) WITHOUT ROWID;
CREATE TABLE nokey (v, w TEXT);
CREATE TABLE "sp ace ""quoted"" 'x'" (id INTEGER PRIMARY KEY, "co l" TEXT, "q""uo'te" TEXT, "order");
CREATE TABLE gen (id INTEGER PRIMARY KEY, a INTEGER, b TEXT GENERATED ALWAYS AS ('n' || a) VIRTUAL,
  c INTEGER GENERATED ALWAYS AS (a * 2) STORED, d TEXT);
CREATE TABLE textkey (k TEXT PRIMARY KEY, v);
CREATE TABLE rowidcol (rowid TEXT, v);
CREATE TABLE hidden (rowid TEXT, _rowid_ TEXT, oid TEXT, v);
CREATE TABLE pointing (id INTEGER PRIMARY KEY, to_ints INTEGER NOT NULL REFERENCES ints (id));
CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v);
CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq);
CREATE INDEX texts_v ON texts (v);
CREATE VIEW view_of_ints AS SELECT * FROM ints;
CREATE TRIGGER after_ints AFTER INSERT ON ints BEGIN SELECT 1; SELECT 2; END;
CREATE VIRTUAL TABLE search USING fts5 (x);
"""
_INF = float("inf")
_ROWS: dict[str, list[tuple[object, ...]]] = {
    "ints": [
        (1, 2**63 - 1, "12"), (2, -(2**63), 12), (3, 0, 12.0), (4, None, b"12"),
        (2**62, 2**53 + 1, None), (-5, 1, ""),
    ],
    "floats": [
        (1, 0.1), (2, 1e308), (3, 5e-324), (4, _INF), (5, -_INF), (6, -0.0), (7, 1 / 3), (8, 3.0), (9, None),
        (10, 123456789012345680.0), (11, "text"), (12, 1.7976931348623157e308),
    ],
    "texts": [
        (1, ""), (2, None), (3, "a\0b"), (4, "\0"), (5, "😀é"), (6, "q'uo\"te\n;\r\n--x"), (7, "\ufffd"),
        (8, "\u2028"), (13, "semi;\ncolon;\\n"), (14, "inf"), (15, ",inf,"),
    ],
    "blobs": [
        (1, b""), (2, b"\0"), (3, bytes(range(256))), (4, None), (5, "text in a blob column"), (6, b"abc"),
    ],
    "mixed": [(1, 1), (2, 1.0), (3, "1"), (4, b"1"), (5, None), (6, _INF), (7, "é"), (8, ""), (9, b"")],
    "pair": [
        *((a, b, f"{a}{b}") for a in ("", "a", "A", "é", "z", "n\0l") for b in (-1, 0, 2**62)),
        (b"\xff", 1, "blob in a key"), (b"\xff", 2, "blob in a key"), ("b", "text", "x"),
        ("b", _INF, "y"), ("b", -_INF, "z"),
    ],
    "folded": [(a, b, 1) for a in ("a", "A", "b", "B") for b in ("1", "2", "3")],
    "nokey": [(1, "x"), (1, "x"), (None, None), ("1", "y")],
    QUOTED: [(1, "a", "b", "c"), (2, "d", "e", None)],
    "textkey": [("b", 1), ("a", 2), (None, 3), ("é", 4), (None, 5)],
    "rowidcol": [("x", 1), ("x", 2)],
    "hidden": [("x", "x", "x", 1), ("y", "y", "y", 2)],
    "pointing": [(1, 404)],
    "auto": [(7, "y")],
    "_litestream_seq": [(1, 1)],
    "search": [("hello",)],
}  # fmt: skip
#: text that is not UTF-8: the table, its other values around, the bytes
_INVALID = (
    "INSERT INTO texts VALUES (9, CAST(x'ff41' AS TEXT)), (10, CAST(x'e9' AS TEXT)),"
    " (11, CAST(x'eda080' AS TEXT)), (12, CAST(x'00ff00' AS TEXT))",
    "INSERT INTO mixed VALUES (10, CAST(x'c3' AS TEXT))",
    "INSERT INTO pair VALUES (CAST(x'ff' AS TEXT), 1, 'raw key'), (CAST(x'ff' AS TEXT), 2, 'raw key')",
)


def make(path: Path) -> Path:
    """Make the database at `path` and return it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_SCHEMA)
        for table, rows in _ROWS.items():
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {_quote(table)} VALUES ({marks})", rows)
        connection.execute("DELETE FROM nokey WHERE rowid = 2")
        connection.executemany("INSERT INTO gen (id, a, d) VALUES (?, ?, ?)", [(1, 5, "x"), (2, None, "y")])
        for statement in _INVALID:
            connection.execute(statement)
        connection.commit()
    return path


def copied_tables(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the tables that a snapshot holds."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL TABLE%'"
    )
    return sorted(name for (name,) in found if name not in LEFT_OUT and not name.startswith("search"))


def content(path: Path, *, rowids: bool = True) -> dict[str, list[str]]:
    """Return all rows of all copied tables, storage classes and bytes included, comparable."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        for table in copied_tables(connection):
            expressions = [
                f"typeof({c}), CASE typeof({c}) WHEN 'real' THEN {c} ELSE hex(CAST({c} AS BLOB)) END"
                for c in map(_quote, _columns(connection, table))
            ]
            if rowids and _has_rowid(connection, table):
                expressions.append("_rowid_")
            sql = f"SELECT {', '.join(expressions)} FROM {_quote(table)}"
            found[table] = sorted(map(repr, connection.execute(sql)))
    return found


def write_dump(database: Path, path: Path) -> Path:
    """Write a dump of the database as the sqlite shell does, bytes as they are; return its path."""
    with closing(sqlite3.connect(database)) as connection:
        path.write_bytes(b"\n".join(_dump_lines(connection)) + b"\n")
    return path


def _dump_lines(connection: sqlite3.Connection) -> Iterator[bytes]:
    yield from (b"PRAGMA foreign_keys=OFF;", b"BEGIN TRANSACTION;")
    for table in copied_tables(connection):
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        yield sql.encode() + b"; -- a comment; with a semicolon"
        stored = [c for c in _columns(connection, table) if (table, c) not in (("gen", "b"), ("gen", "c"))]
        names = ",".join(map(_quote, stored)).encode()
        expressions = [
            f"typeof({c}), CASE typeof({c}) WHEN 'real' THEN {c} ELSE CAST({c} AS BLOB) END"
            for c in map(_quote, stored)
        ]
        for row in connection.execute(f"SELECT {', '.join(expressions)} FROM {_quote(table)}"):
            values = [_literal(row[at], row[at + 1]) for at in range(0, len(row), 2)]
            yield b"INSERT INTO %s(%s) VALUES(%s);" % (_quote(table).encode(), names, b",".join(values))
    for sql in connection.execute("SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger', 'view')"):
        if sql[0]:
            yield sql[0].encode() + b";"
    yield b"COMMIT;"


def _literal(kind: str, raw: Any) -> bytes:
    if kind == "null" or raw is None:
        return b"NULL"
    if kind == "text":
        return b"'" + raw.replace(b"'", b"''") + b"'"
    if kind == "blob":
        return b"X'" + raw.hex().encode() + b"'"
    if kind == "real":
        return {_INF: b"1e999", -_INF: b"-1e999"}.get(raw) or repr(raw).encode()
    return raw


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_xinfo({_quote(table)})")]


def _has_rowid(connection: sqlite3.Connection, table: str) -> bool:
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return "WITHOUT ROWID" not in sql and table != "hidden"
