"""Days in digits, small numbers that may be seconds, and the odd value among many that fit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated, require_green
from tests.introspect.cases.outcomes import foreseen, happened

SCRIPT = """
    CREATE TABLE t (
        id INTEGER PRIMARY KEY, day DATE, at DATETIME, ordered_date INTEGER, birth_date TEXT, due DATE,
        most DATE, odd DATE, expires INTEGER, early DATETIME, amount INTEGER, answer TEXT, updated_at INTEGER
    );
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO t SELECT i, '199912' || (i % 20 + 10), '20241230091904', 20240100 + i % 30 + 1,
        '198002' || (i % 19 + 10), CASE i % 2 WHEN 0 THEN '2024-02-29' ELSE 20240301 END,
        date(1700000000 + i * 86400, 'unixepoch'), 20240100 + i,
        CASE i % 5 WHEN 0 THEN -1 ELSE 1704103200 + i END,
        CASE i WHEN 1 THEN -86400 ELSE '1960-01-01 00:00:00' END,
        CASE i WHEN 1 THEN 0.5 WHEN 2 THEN 1.25 WHEN 3 THEN 2.5 WHEN 4 THEN 3.5 WHEN 5 THEN 4.5
        ELSE 9007199254740993 + i END, i % 2, 1704103200 FROM n;
    UPDATE t SET most = 'later' WHERE id = 7;
"""


@pytest.fixture(scope="module")
def done(migrated: MakeCase) -> Migrated:
    return require_green(migrated(script=SCRIPT))


@pytest.mark.parametrize(
    ("column", "type_", "row", "value"),
    [
        ("day", "date", 1, date(1999, 12, 11)),
        ("at", "timestamp(3) without time zone", 1, datetime(2024, 12, 30, 9, 19, 4)),  # noqa: DTZ001
        ("ordered_date", "date", 2, date(2024, 1, 3)),
        ("birth_date", "date", 3, date(1980, 2, 13)),
        ("due", "date", 1, date(2024, 3, 1)),
        ("due", "date", 2, date(2024, 2, 29)),
        ("most", "date", 1, date(2023, 11, 15)),
        ("most", "date", 7, None),
        # 20240132 is no day: the numbers are something else, and stay as declared.
        ("odd", "timestamp(3) without time zone", 1, datetime(1970, 8, 23, 6, 15, 1)),  # noqa: DTZ001
        ("expires", "bigint", 5, -1),
        ("early", "timestamp(3) without time zone", 1, datetime(1969, 12, 31)),  # noqa: DTZ001
        ("amount", "numeric", 40, Decimal(9007199254741033)),
        ("answer", "text", 1, "1"),
    ],
)
def test_a_value_comes_out_as_a_person_expects(
    done: Migrated, column: str, type_: str, row: int, value: Any
) -> None:
    assert done.types("t")[column].split("(")[0] == type_.split("(")[0]
    found = done.query(
        f'SELECT t."{column}" FROM t JOIN migrate_ledger.id_map m ON m.new_id = t.id'
        f" WHERE m.legacy_id = '{row}'"
    )
    assert found == [(value,)]


def test_guesses_and_losses_alone_are_marked(done: Migrated) -> None:
    marked = {name for name in done.types("t") if name != "id" and done.marked("t", name)}
    assert marked == {"ordered_date", "birth_date", "most", "odd", "expires", "early", "answer"}
    assert foreseen(done.init.document["forecast"]) == happened(done.url, done.run.document["changed"])
