"""What is declared is kept, or its line says so: NOT NULL, a scale, a kind, a zone, a key."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated, require_green
from tests.introspect.cases.outcomes import foreseen, happened

SCRIPT = """
    CREATE TABLE t (
        id INTEGER PRIMARY KEY, amount NUMERIC(12,2) NOT NULL, rate DECIMAL(5,2), half DECIMAL(5,2),
        made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, due TEXT NOT NULL, log TEXT NOT NULL,
        shown TEXT, stored TEXT, local_start TEXT, prefs BLOB, raw BLOB, flag BOOLEAN NOT NULL, born DATE,
        seen_at INTEGER
    );
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO t SELECT i, i * 1.25, i + 0.125, i / 8.0, '2024-01-01 10:00:00', '2024-01-01 10:00:00',
        '[1]', '2024-07-01T10:00', '2024-07-01 10:00:00', '2024-07-01 10:00:00',
        CAST('{"a":' || i || '}' AS BLOB), x'7b00', i % 3, '12/31/2024', 1735689600000000 + i FROM n;
    UPDATE t SET amount = 0.1234567890123 WHERE id = 5;
    UPDATE t SET amount = -2.675000001 WHERE id = 6;
    UPDATE t SET made = 'CURRENT_TIMESTAMP' WHERE id = 7;
    UPDATE t SET due = '' WHERE id = 8;
    UPDATE t SET log = '' WHERE id = 9;
    CREATE TABLE prices (cur TEXT, at TIMESTAMP, v REAL, PRIMARY KEY (cur, at)) WITHOUT ROWID;
    INSERT INTO prices VALUES ('EUR', '2024-01-01 10:00:00.0001', 1), ('EUR', '2024-01-01 10:00:00.0002', 2);
    CREATE TABLE letters (id INTEGER PRIMARY KEY, address TEXT UNIQUE, topic TEXT UNIQUE);
    INSERT INTO letters VALUES (1, 'a' || char(0), 'x'), (2, 'a', 'y');
    CREATE TABLE lands (code TEXT PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID;
    INSERT INTO lands VALUES ('De'), ('fr'), ('it');
    CREATE TABLE towns (id INTEGER PRIMARY KEY, land TEXT UNIQUE REFERENCES lands (code),
                        other TEXT REFERENCES lands (code));
    INSERT INTO towns VALUES (1, 'DE', 'FR'), (2, 'de', 'fr'), (3, 'it', NULL);
"""


@pytest.fixture(scope="module")
def done(migrated: MakeCase) -> Migrated:
    return require_green(migrated(script=SCRIPT))


def test_one_odd_value_does_not_widen_a_decimal(done: Migrated) -> None:
    assert done.types("t")["amount"] == "numeric(12,2)"
    assert done.types("t")["rate"] == "numeric(5,3)"
    assert "more digits behind the point than declared, rounded: 2" in done.line("t", "amount")
    assert done.marked("t", "amount")
    amounts = done.column("t", "amount")
    assert {Decimal("0.12"), Decimal("-2.68"), Decimal("1.25")} <= set(amounts)
    assert done.column("t", "half")[0] == Decimal("0.125")


def test_blanks_make_a_required_column_optional_only_with_a_mark(done: Migrated) -> None:
    for column in ("made", "due"):
        assert "declared NOT NULL, now optional" in done.line("t", column)
        assert done.marked("t", column)
    assert done.field("T", "log") == "log Json"
    assert "" in [value for (value,) in done.rows("t", "log")]


def test_local_time_is_marked_and_utc_is_not(done: Migrated) -> None:
    for column in ("shown", "local_start"):
        assert 'zone = "Area/City"' in done.line("t", column)
        assert done.marked("t", column)
    assert not done.marked("t", "stored")


def test_a_kind_that_values_do_not_have_is_marked(done: Migrated) -> None:
    assert "declared BOOLEAN, but its values are not" in done.line("t", "flag")
    assert "declared DATE, but its values are not" in done.line("t", "born")
    assert "perhaps microseconds" in done.line("t", "seen_at")


def test_documents_in_bytes_are_documents(done: Migrated) -> None:
    assert done.field("T", "prefs") == "prefs Json?"
    assert {"a": 1} in [value for (value,) in done.rows("t", "prefs")]
    assert not done.marked("t", "prefs")
    assert done.types("t")["raw"] == "bytea"


def test_a_key_that_would_be_broken_stays_text(done: Migrated) -> None:
    assert done.column("prices", "at") == ["2024-01-01 10:00:00.0001", "2024-01-01 10:00:00.0002"]
    assert "text, since keys would be equal as timestamp" in done.line("prices", "at")
    assert done.types("prices")["at"] == "text"


def test_texts_and_references_that_become_equal_are_unique_no_more(done: Migrated) -> None:
    assert "unique (address) no more: 2 rows have 1 value" in done.line("letters", "address")
    assert done.column("letters", "address") == ["a", "a"]
    assert not done.marked("letters", "topic")
    assert "unique (land) no more: 2 rows have 1 value" in done.line("towns", "land")
    assert sorted(map(str, done.column("towns", "land"))) == ["De", "De", "it"]


def test_a_reference_without_case_that_finds_its_row_has_no_mark(done: Migrated) -> None:
    assert not done.marked("towns", "other")
    assert sorted(map(str, done.column("towns", "other"))) == ["None", "fr", "fr"]


def test_all_of_it_is_foreseen(done: Migrated) -> None:
    assert foreseen(done.init.document["forecast"]) == happened(done.url, done.run.document["changed"])
    assert str(done.column("t", "shown")[0]) == "2024-07-01 10:00:00"
    assert done.init.document["problems"] == []
