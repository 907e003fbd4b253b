"""The same kinds of faults in other places: one database, a column each."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.introspect.cases.conftest import MakeCase

SCRIPT = """
    CREATE TABLE t (
        id INTEGER PRIMARY KEY,
        go TIMESTAMP NOT NULL, ruby DATETIME, comma DATETIME, compact TIMESTAMP, early DATETIME NOT NULL,
        secs TIMESTAMP, letters BOOLEAN NOT NULL DEFAULT 'Y', words BOOL DEFAULT 'no', tiny TINYINT(1),
        answer TEXT, price NUMERIC(12,2), cost DECIMAL(10,2) NOT NULL, views_count INTEGER,
        user_count INTEGER, doc JSON NOT NULL, seen INTEGER, rate INTEGER, ean INTEGER, phone INTEGER,
        odd BOOLEAN NOT NULL, whole REAL
    );
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO t SELECT i, '2024-12-30 09:19:04.123456789 +0000 UTC m=+0.0123', '2024-12-30 09:19:04 UTC',
        '2024-12-30 09:19:04,5', '20241230T091904Z', -86400000 * i, i * 1000,
        CASE i % 2 WHEN 0 THEN 'Y' ELSE 'N' END,
        CASE i % 2 WHEN 0 THEN 'yes' ELSE 'no' END, i % 2, CASE i % 2 WHEN 0 THEN 'yes' ELSE 'no' END,
        700000000 + i, 1700000000.25, i, i * 3, '{"a":1}', 1735689600000 + i,
        CASE i WHEN 5 THEN 2.5 ELSE i END,
        1234567890123 + i, 491761234567 + i, i % 2, i FROM n;
    UPDATE t SET early = 1735689600000 WHERE id = 40;
    UPDATE t SET go = '2024-12-30 09:19:04.1 +0200 +0200' WHERE id = 2;
    UPDATE t SET ruby = '2024-12-30 09:19:04 +02' WHERE id = 2;
    UPDATE t SET doc = '' WHERE id = 3;
    UPDATE t SET doc = 'words' WHERE id = 4;
    UPDATE t SET price = 9.99 WHERE id = 5;
    UPDATE t SET odd = 2 WHERE id = 6;
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("column", "type_", "row", "value"),
    [
        ("go", "timestamp(3) without time zone", 1, at("2024-12-30T09:19:04.123")),
        ("go", "timestamp(3) without time zone", 2, at("2024-12-30T07:19:04.100")),
        ("ruby", "timestamp(3) without time zone", 1, at("2024-12-30T09:19:04")),
        ("ruby", "timestamp(3) without time zone", 2, at("2024-12-30T07:19:04")),
        ("comma", "timestamp(3) without time zone", 1, at("2024-12-30T09:19:04.500")),
        ("compact", "timestamp(3) without time zone", 1, at("2024-12-30T09:19:04")),
        ("early", "timestamp(3) without time zone", 1, at("1969-12-31")),
        ("secs", "timestamp(3) without time zone", 1, at("1970-01-01T00:00:01")),  # as around it
        ("letters", "boolean", 1, False),
        ("words", "boolean", 2, True),
        ("tiny", "boolean", 1, True),
        ("answer", "text", 1, "no"),
        ("price", "numeric(12,2)", 5, Decimal("9.99")),
        ("price", "numeric(12,2)", 1, Decimal("700000001.00")),
        ("cost", "numeric(12,2)", 1, Decimal("1700000000.25")),
        ("views_count", "integer", 1, 1),
        ("user_count", "integer", 1, 3),
        ("doc", "jsonb", 3, ""),
        ("doc", "jsonb", 4, "words"),
        ("seen", "timestamp(3) without time zone", 1, at("2025-01-01T00:00:00.001")),
        ("rate", "numeric(12,2)", 5, Decimal("2.5")),
        ("ean", "bigint", 1, 1234567890124),
        ("phone", "bigint", 1, 491761234568),
        ("odd", "boolean", 1, True),
        ("whole", "double precision", 1, 1.0),
    ],
)
def test_a_value_comes_out_as_a_person_expects(
    migrated: MakeCase, column: str, type_: str, row: int, value: Any
) -> None:
    done = migrated(script=SCRIPT)
    assert (done.init.code, done.run.code) == (0, 0), done.run.err
    assert done.types("t")[column] == type_
    found = done.query(
        f'SELECT t."{column}" FROM t JOIN migrate_ledger.id_map m ON m.new_id = t.id'
        f" WHERE m.legacy_id = '{row}'"
    )
    assert found == [(value,)]


def test_one_row_is_rejected_and_its_line_and_the_guesses_alone_are_marked(migrated: MakeCase) -> None:
    done = migrated(script=SCRIPT)
    assert done.fates == [("t", "rejected", "invalid_boolean", "odd", 1)]
    names = [name for name in done.types("t") if name != "id"]
    assert {name for name in names if done.marked("t", name)} == {"odd", "doc", "seen", "secs"}
    assert done.field("T", "letters") == "letters Boolean @default(true)"
    assert done.field("T", "doc") == "doc Json"


def test_one_missing_key_of_many_changes_no_key(migrated: MakeCase) -> None:
    done = migrated(
        script="""
        CREATE TABLE codes (code TEXT PRIMARY KEY, v INT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
        INSERT INTO codes SELECT 'c' || i, i FROM n;
        INSERT INTO codes VALUES (NULL, 0);
        """
    )
    assert (done.init.code, done.run.code) == (0, 0), done.run.err
    assert len(done.rows("codes")) == 300
    assert set(done.types("codes")) == {"code", "v"}
    assert done.fates == [("codes", "rejected", "required", "code", 1)]
    assert done.marked("codes", "code")
