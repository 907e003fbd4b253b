"""One deliberately nasty database: every looseness of SQLite in one file, each with a query that shows it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.e2e.systems.nasty_links import COMPUTED, LEFT_OVERS, REFERENCES
from tests.e2e.systems.recipe import Trap
from tests.e2e.systems.traps import LONE_SURROGATE, NUL_IN_JSON

#: two names that are one after PostgreSQL has cut them to 63 bytes
LONG = "measurements_of_the_water_level_at_the_northern_gauge_station_of_the_"

KEYS = (
    Trap(
        "composite key WITHOUT ROWID, its parts out of order, reserved words and spaces in names",
        'SELECT count(*) FROM "Order Lines" WHERE "order" = 1',
        [
            'CREATE TABLE "Order Lines" ("line no" INTEGER, "order" INTEGER, "group" TEXT, note,'
            ' PRIMARY KEY ("order", "line no")) WITHOUT ROWID',
            "INSERT INTO \"Order Lines\" VALUES (2, 1, 'b', NULL), (1, 1, 'a', 1), (1, 2, 'c', 'x')",
        ],
    ),
    Trap(
        "composite foreign key, one pair of which dangles",
        'SELECT count(*) FROM parcels p WHERE NOT EXISTS (SELECT 1 FROM "Order Lines" o'
        ' WHERE o."order" = p."order" AND o."line no" = p.line)',
        [
            'CREATE TABLE parcels (id INTEGER PRIMARY KEY, "order" INTEGER, line INTEGER,'
            ' FOREIGN KEY ("order", line) REFERENCES "Order Lines" ("order", "line no"))',
            "INSERT INTO parcels VALUES (1, 1, 2), (2, 2, 1), (3, 7, 7), (4, NULL, 1)",
        ],
    ),
    Trap(
        "no primary key, and rows that are the same",
        "SELECT count(*) FROM (SELECT 1 FROM readings GROUP BY at, value HAVING count(*) > 1)",
        ["CREATE TABLE readings (at, value)", "INSERT INTO readings VALUES (1, 2), (1, 2), (NULL, NULL)"],
    ),
    Trap(
        "text primary key that is NULL, more than once",
        "SELECT count(*) - 1 FROM coupons WHERE code IS NULL",
        [
            "CREATE TABLE coupons (code TEXT PRIMARY KEY, percent INTEGER)",
            "INSERT INTO coupons VALUES ('A', 1), ('a', 2), (NULL, 3), (NULL, 4), ('', 5)",
        ],
    ),
    Trap(
        "a key of any type: integer, real, text and blob that look the same",
        "SELECT count(DISTINCT typeof(k)) = 4 FROM things",
        [
            "CREATE TABLE things (k PRIMARY KEY, v)",
            "INSERT INTO things VALUES (1, 'i'), (1.5, 'r'), ('1', 't'), (x'31', 'b')",
        ],
    ),
    Trap(
        "integer keys at both ends, zero and negative",
        "SELECT count(*) FROM edges WHERE id IN (-9223372036854775808, 0, 9223372036854775807)",
        [
            "CREATE TABLE edges (id INTEGER PRIMARY KEY, v INTEGER)",
            "INSERT INTO edges VALUES (-9223372036854775808, 9223372036854775807),"
            " (-1, -9223372036854775808),"
            " (0, 2147483648), (9223372036854775807, 9007199254740993)",
        ],
    ),
    Trap(
        "a primary key called INT, which is not the rowid",
        "SELECT count(*) FROM counters WHERE n <> rowid",
        ["CREATE TABLE counters (n INT PRIMARY KEY, v)", "INSERT INTO counters VALUES (30, 'x'), (20, 'y')"],
    ),
    Trap(
        "a primary key that is the parent's, over two tables",
        "SELECT count(*) FROM cat_ears e JOIN cats c USING (id) JOIN animals a USING (id)",
        [
            "CREATE TABLE animals (id INTEGER PRIMARY KEY, name TEXT)",
            "CREATE TABLE cats (id INTEGER PRIMARY KEY REFERENCES animals, purrs BOOLEAN)",
            "CREATE TABLE cat_ears (id INTEGER PRIMARY KEY REFERENCES cats (id), length REAL)",
            "INSERT INTO animals VALUES (3, 'Ada'), (5, 'Bo'), (9, 'Cy')",
            "INSERT INTO cats VALUES (5, 1), (9, 'true')",
            "INSERT INTO cat_ears VALUES (9, 4.5)",
        ],
    ),
)

NAMES = (
    Trap(
        "reserved words as names",
        'SELECT count(*) FROM "select" WHERE "where" IS NOT NULL',
        [
            'CREATE TABLE "select" ("table" INTEGER PRIMARY KEY, "where" TEXT, "user" TEXT, "default" TEXT,'
            ' "model" TEXT, "enum" TEXT, "type" TEXT)',
            "INSERT INTO \"select\" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f')",
        ],
    ),
    Trap(
        "quotes, spaces, digits first and letters beyond ASCII in names",
        'SELECT count(*) FROM "it\'s a ""table"""',
        [
            'CREATE TABLE "it\'s a ""table""" ("1st" INTEGER PRIMARY KEY, "naïve ☃" TEXT, "a-b" TEXT, '
            '"a b" TEXT, "100%" TEXT)',
            "INSERT INTO \"it's a \"\"table\"\"\" VALUES (1, 'x', 'y', 'z', '%s')",
        ],
    ),
    Trap(
        "two tables whose names become one model, and two columns that become one field",
        "SELECT count(*) FROM user_data a, UserData b WHERE a.first_name IS NOT NULL",
        [
            "CREATE TABLE user_data (id INTEGER PRIMARY KEY, first_name TEXT, firstName TEXT, _id TEXT)",
            "CREATE TABLE UserData (ID INTEGER PRIMARY KEY, FirstName TEXT)",
            "INSERT INTO user_data VALUES (1, 'a', 'b', 'c')",
            "INSERT INTO UserData VALUES (1, 'd')",
        ],
    ),
    Trap(
        "names that PostgreSQL would cut to the same 63 bytes",
        "SELECT count(*) - 1 FROM sqlite_master WHERE substr(name, 1, 63) LIKE 'measurements_of%'",
        [
            *(f"CREATE TABLE {LONG}{end} (id INTEGER PRIMARY KEY, v)" for end in ("east", "west")),
            *(f"INSERT INTO {LONG}{end} VALUES (1, '{end}')" for end in ("east", "west")),
        ],
    ),
    Trap(
        "a column called rowid",
        "SELECT count(*) FROM odd_rowid WHERE rowid = 'mine'",
        ["CREATE TABLE odd_rowid (rowid TEXT, v)", "INSERT INTO odd_rowid VALUES ('mine', 1), ('mine', 2)"],
    ),
)

VALUES = (
    Trap(
        "every storage class in every declared type",
        "SELECT count(*) FROM loose WHERE typeof(i) <> 'integer' AND i IS NOT NULL",
        [
            "CREATE TABLE loose (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, n NUMERIC(8, 2),"
            " flag BOOLEAN, at DATETIME, short VARCHAR(5), untyped, made_up FANCY_TYPE)",
            "INSERT INTO loose VALUES (1, 1, 1.5, 'a', x'00', 12.5, 1, '2024-01-01', 'abc', 1, 1)",
            "INSERT INTO loose VALUES (2, 'abc', 'abc', 5, 'text', 'abc', 'yes', 'yesterday', 'much too"
            " long', 'x', 'y')",
            "INSERT INTO loose VALUES (3, 12.5, x'ff', x'6162', 5, '12.345', 2, '2024-02-30', NULL,"
            " 1.5, 2.5)",
            "INSERT INTO loose VALUES (4, x'3132', '1e400', 1.0, 1.0, 1e20, 'true', '0000-00-00', '',"
            " x'', NULL)",
            "INSERT INTO loose VALUES (5, '12', '3', '', '', '1,000.00', '', 1700000000, x'ff', NULL, x'00')",
            "INSERT INTO loose VALUES (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        ],
    ),
    Trap(
        "infinities, the smallest and the largest float, minus zero",
        "SELECT count(*) FROM floats WHERE v IN (9e999, -9e999)",
        [
            "CREATE TABLE floats (id INTEGER PRIMARY KEY, v REAL)",
            "INSERT INTO floats VALUES (1, 9e999), (2, -9e999), (3, 5e-324), (4, 1.7976931348623157e308),"
            " (5, -0.0), (6, 0.1), (7, 123456789012345680.0)",
        ],
    ),
    Trap(
        "text that is not UTF-8",
        "SELECT count(*) FROM texts WHERE hex(v) IN ('FF41', 'EDA080', 'C3')",
        [
            "CREATE TABLE texts (id INTEGER PRIMARY KEY, v TEXT)",
            "INSERT INTO texts VALUES (1, CAST(x'ff41' AS TEXT)), (2, CAST(x'eda080' AS TEXT)),"
            " (3, CAST(x'c3' AS TEXT)),"
            " (4, 'café'), (5, ''), (6, char(0x2028) || char(0xfeff)), (7, '😀'), (8, 'a\nb\r\n\t')",
        ],
    ),
    Trap(
        "text with NUL in it, at its start, its end and alone",
        "SELECT count(*) FROM texts WHERE instr(hex(v), '00') > 0 AND typeof(v) = 'text'",
        ["INSERT INTO texts VALUES (11, 'a' || char(0) || 'b'), (12, char(0)), (13, char(0) || 'x'),"
         " (14, 'x' || char(0))"],
    ),
    Trap(
        "blobs: empty, of every byte, large, and NULL",
        "SELECT count(DISTINCT length(v)) FROM blobs",
        [
            "CREATE TABLE blobs (id INTEGER PRIMARY KEY, v BLOB)",
            f"INSERT INTO blobs VALUES (1, x''), (2, x'{bytes(range(256)).hex()}'),"
            f" (3, zeroblob(300000)), (4, NULL)",
        ],
    ),
    Trap(
        "JSON that jsonb refuses, JSON that is none, scalars, and numbers too large",
        "SELECT count(*) FROM documents WHERE json_valid(v)",
        [
            "CREATE TABLE documents (id INTEGER PRIMARY KEY, v JSON)",
            f"INSERT INTO documents VALUES (1, '{NUL_IN_JSON}'), (2, '{LONE_SURROGATE}'),"
            f" (3, '{{\"a\":1,\"a\":2}}'),"
            " (4, '[1e400]'), (5, '\"text\"'), (6, 'null'), (7, 'plain'), (8, ''), (9, '{''a'': 1}'),"
            " (10, NULL),"
            " (11, '12345678901234567890123'), (12, ' [ 1 , 2 ] ')",
        ],
    ),
    Trap(
        "moments in many forms, some of which are none",
        "SELECT count(DISTINCT typeof(at)) = 4 FROM moments",
        [
            "CREATE TABLE moments (id INTEGER PRIMARY KEY, at DEFAULT CURRENT_TIMESTAMP)",
            "INSERT INTO moments VALUES (1, '2024-03-01T10:00:00.000Z'), (2, '2024-03-01 10:00:00'),"
            " (3, 1709287200),"
            " (4, 1709287200123), (5, '2024-03-01T10:00:00+05:30'), (6, 'CURRENT_TIMESTAMP'), (7, NULL),"
            " (8, '2024-03-01'), (9, 2460370.9), (10, '9999-12-31 23:59:59'), (11, '2024-13-01'), (12, '')",
        ],
    ),
    Trap(
        "duplicates under keys that should be unique, and several NULL under one that is",
        "SELECT count(*) FROM (SELECT lower(email) FROM members GROUP BY 1 HAVING count(*) > 1)",
        [
            "CREATE TABLE members (id INTEGER PRIMARY KEY, email TEXT, username TEXT UNIQUE, slug TEXT)",
            "INSERT INTO members VALUES (1, 'a@example.com', 'a', 's'), (2, 'A@example.com', 'A', 's'),"
            " (3, 'a@example.com', NULL, NULL), (4, NULL, NULL, '')",
        ],
    ),
    Trap(
        "a NOT NULL and a CHECK that rows have broken",
        "SELECT count(*) FROM promises WHERE must IS NULL OR NOT (score BETWEEN 1 AND 5)",
        [
            "CREATE TABLE promises (id INTEGER PRIMARY KEY, must TEXT, score INTEGER)",
            "INSERT INTO promises VALUES (1, 'kept', 5), (2, NULL, 4), (3, 'kept', 9)",
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = 'CREATE TABLE promises (id INTEGER PRIMARY KEY, must TEXT"
            " NOT NULL,"
            " score INTEGER CHECK (score BETWEEN 1 AND 5))' WHERE name = 'promises'",
            "PRAGMA writable_schema = RESET",
        ],
    ),
    Trap(
        "a STRICT table",
        "SELECT count(*) FROM firm WHERE typeof(n) = 'integer'",
        ["CREATE TABLE firm (id INTEGER PRIMARY KEY, n INT, x ANY) STRICT",
         "INSERT INTO firm VALUES (1, 2, 'a'), (2, 3, x'ff')"],
    ),
    Trap(
        "a table with no rows",
        "SELECT count(*) FROM sqlite_master WHERE name = 'empty'",
        ["CREATE TABLE empty (id INTEGER PRIMARY KEY, v TEXT NOT NULL DEFAULT 'it''s', w REAL DEFAULT"
         " (1 + 1))"],
    ),
)  # fmt: skip

#: everything that the database holds, in the order in which it is made
TRAPS = (*KEYS, *NAMES, *VALUES, *REFERENCES, *COMPUTED, *LEFT_OVERS)


def make(path: Path) -> Path:
    """Write the nasty database to `path` and return it: the same bytes every time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        for trap in TRAPS:
            for statement in trap.plant:
                connection.execute(statement)
    return path
