"""A small legacy database with everything in it that could do harm on its way."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from tests.mappers.studio.runner import SCHEMA

LARGEST: Final = 2**63 - 1
SMALLEST: Final = -(2**63)
LONG: Final = 20_000_000

#: Text that some program on the way might obey.
NASTY: Final = (
    "'; DROP TABLE users; --",
    '"; DROP SCHEMA public CASCADE; --',
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "tab\tbell\x07backspace\x08delete\x7fcsi\x9b31m",
    "[bold red]markup[/] [/nothing] \\[bold]",
    "%s %d {} {0} $1 :name ?1 \\N \\. \\",
    "\u202eright to left\u2066 \u2028line\u2029 \ufeff",
    'comma,"quoted"\r\nline\rline',
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "\U0001f399\U0010ffff\ufffd",
)
#: Bytes that are no UTF-8: Latin-1, a lone surrogate, a pair of them, a truncated character, an overlong one.
BROKEN: Final = (b"caf\xe9 \xff", b"\xed\xa0\x80", b"\xed\xa0\xbc\xed\xbe\x99", b"x\xe2\x82", b"\xc0\xaf")

#: Names of tables, each with a row, that no rule knows.
TABLES: Final = (
    'say "what"; DROP TABLE users;--',
    "it's",
    "a b]c",
    "[bold]loud[/bold]",
    "[/closing]",
    "100%s %d {}",
    "\x1b[31mred\x07",
    "select",
    "ünï \u202e \U0001f399",
    "$table ${x} \\",
    "main.users",
    "x",
    "columns",
    "-- nothing",
)
EMPTY: Final = ("group", "nobody; knows")
WIDE: Final = "two thousand"
COLUMNS: Final = ("select", "from", 'a"b', "it's", "semi;colon", "[bold]", "%s", "", " ", "\x1b[0m", "rowid")
#: Columns of a table that is read: each becomes a key of user_metadata.
FACTS: Final = (
    "select", "[bold]x[/bold]", "[/x]", 'a"b', "it's", "semi;colon", "%s", "$x ${y} $column", " ", "\x1b[0m",
    "key", "person", "?1", ":name", "x.fact",
)  # fmt: skip


def quote(name: str) -> str:
    """Return an identifier in SQL quotes."""
    return '"' + name.replace('"', '""') + '"'


def write(path: Path, *, long: int = LONG, tables: bool = True) -> Path:
    """Write the database; `long` is the size of its longest cell, `tables` whether odd tables are in it."""
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    people(connection)
    belongings(connection, long)
    if tables:
        odd_tables(connection)
    connection.commit()
    connection.close()
    return path


def people(connection: sqlite3.Connection) -> None:
    """Fill users and what is known of them."""
    insert = (
        "INSERT INTO shows_users (id, username, email, password, display_name, joined, status, role_id)"
        " VALUES (?, ?, ?, '', ?, '2020-01-01 00:00:00', 1, 2)"
    )
    for number, text in enumerate(NASTY, 1):
        connection.execute(insert, (number, text, f"person{number}@example.com", text))
    connection.execute(insert, (LARGEST, "largest", "largest@example.com", "Largest"))
    connection.execute(insert, (SMALLEST, "smallest", "smallest@example.com", "Smallest"))
    meta = "INSERT INTO shows_usermeta (user_id, meta_key, meta_value) VALUES (?, ?, ?)"
    for number, text in enumerate(NASTY, 1):
        known = [(text, text), ("about", text), ("url", text), ("location", text), ("homestudio", "1")]
        connection.executemany(meta, [(number, key, value) for key, value in known])
    broken = "INSERT INTO shows_usermeta (user_id, meta_key, meta_value) VALUES (1, ?, CAST(? AS TEXT))"
    connection.executemany(broken, [(f"broken{n}", raw) for n, raw in enumerate(BROKEN)])
    for name in FACTS:
        connection.execute(f"ALTER TABLE profile ADD COLUMN {quote(name)} TEXT")
    names, marks = ", ".join(map(quote, FACTS)), ", ".join("?" * len(FACTS))
    connection.execute(
        f"INSERT INTO profile (user_id, {names}) VALUES (3, {marks})", [f"fact {name}" for name in FACTS]
    )
    # Infinities; NaN is NULL as soon as SQLite stores it.
    places = [(1, "9e999", "-9e999"), (2, "9e999 - 9e999", "1e-320"), (LARGEST, "1e308", "51.5")]
    for user, latitude, longitude in places:
        connection.execute(
            f"INSERT INTO profile (user_id, latitude, longitude) VALUES ({user}, {latitude}, {longitude})"
        )


def belongings(connection: sqlite3.Connection, long: int) -> None:
    """Fill what hangs on users."""
    insert = "INSERT INTO shows_messages (id, from_user, to_user, message, date) VALUES (?, ?, ?, {}, '')"
    plain, raw = insert.format("?"), insert.format("CAST(? AS TEXT)")
    for number, text in enumerate(NASTY, 1):
        connection.execute(plain, (number, number, 1, text))
    for number, broken in enumerate(BROKEN, 100):
        connection.execute(raw, (number, 1, 2, broken))
    connection.execute(plain, (LARGEST, LARGEST, SMALLEST, "from the largest"))
    connection.execute(plain, (SMALLEST, SMALLEST, LARGEST, "from the smallest"))
    connection.execute(plain, (200, 1, 2, "x" * long))
    connection.execute(plain, (201, 1, 2, "with\x00NUL"))
    connection.execute(plain, (202, float("inf"), 2, "from infinity"))
    connection.execute(plain, (203, 1, 2.5, "to two and a half"))
    connection.execute(plain, (204, "1; DROP TABLE users", 2, "from SQL"))
    connection.execute(plain, (205, 1, 2, b"\x00\xff\xfe blob"))
    pairs = [(LARGEST, SMALLEST), (SMALLEST, LARGEST), (1, LARGEST), (1, float("-inf"))]
    for user1, user2 in pairs:
        connection.execute(
            "INSERT INTO shows_contacts (user1, user2, accepted) VALUES (?, ?, 1)", (user1, user2)
        )
    gallery = (
        "INSERT INTO studio_gallery (user_id, image_type, image_filename, cloudinary_url, display_order)"
        " VALUES (?, 'gallery', ?, NULL, ?)"
    )
    for number, text in enumerate(NASTY, 1):
        connection.execute(gallery, (number, text, LARGEST if number % 2 else SMALLEST))
    comment = (
        "INSERT INTO shows_comments (user_id, page, page_url, page_title, content, date, updated)"
        " VALUES (?, ?, '', '', ?, '2021-01-01', '')"
    )
    for number, text in enumerate(NASTY, 1):
        connection.execute(comment, (number, "1" if number % 3 else text, text))


def odd_tables(connection: sqlite3.Connection) -> None:
    """Make tables whose names and columns are hard to write."""
    columns = ", ".join(quote(name) for name in COLUMNS)
    for name in TABLES:
        connection.execute(f"CREATE TABLE {quote(name)} ({columns})")
        marks = ", ".join("?" * len(COLUMNS))
        connection.execute(f"INSERT INTO {quote(name)} VALUES ({marks})", NASTY[: len(COLUMNS)])
    for name in EMPTY:
        connection.execute(f"CREATE TABLE {quote(name)} ({columns})")
    wide = ", ".join(f'"column {n}"' for n in range(2000))
    connection.execute(f"CREATE TABLE {quote(WIDE)} ({wide})")
    connection.execute(f"INSERT INTO {quote(WIDE)} ({quote('column 1999')}) VALUES ('last')")
