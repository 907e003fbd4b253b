"""Times of writing, in every spelling, and times of day without a zone."""

from __future__ import annotations

from datetime import datetime as dt

import pytest

from migrate.introspect.profile.clock import means_now, touched_columns
from tests.introspect.cases.conftest import MakeCase
from tests.mappers.declarative.map_rows import migrated as mapped


@pytest.mark.parametrize(
    ("expression", "clock"),
    [
        ("CURRENT_TIMESTAMP", True),
        ("'CURRENT_TIMESTAMP'", True),
        ("datetime('now')", True),
        ("(datetime('now', 'localtime'))", True),
        ("datetime('now','subsec')", True),
        ("unixepoch()", True),
        ("(unixepoch() * 1000)", True),
        ("(cast(unixepoch('subsecond') * 1000 as integer))", True),
        ("(cast((julianday('now') - 2440587.5) * 86400000 as integer))", True),
        ("(julianday('now'))", True),
        ("(strftime('%s','now'))", True),
        ("(strftime('%s', 'now') || '000')", True),
        ("(CAST(strftime('%s','now') AS INTEGER) * 1000)", True),
        ("(strftime('%Y-%m-%dT%H:%M:%fZ','now'))", True),
        ("(date('now'))", True),
        ("now()", True),
        ("(unixepoch() + 3600)", False),
        ("(datetime('now', '+7 days'))", False),
        ("(date('now', 'start of year', '-1 day'))", False),
        ("(random() + unixepoch())", False),
        ("'2024-01-01'", False),
        ("0", False),
        (None, False),
    ],
)
def test_an_expression_is_the_clock_by_its_value(expression: str | None, clock: bool) -> None:
    assert means_now(expression) is clock


def test_a_trigger_that_sets_the_time_of_each_update_is_found() -> None:
    touch = """CREATE TRIGGER touch AFTER UPDATE ON "posts" FOR EACH ROW WHEN OLD.v <> NEW.v
        BEGIN UPDATE posts SET edited = datetime('now'), n = n + 1 WHERE id = NEW.id; END"""
    seconds = "CREATE TRIGGER s AFTER UPDATE OF v ON posts BEGIN UPDATE posts SET at=unixepoch(); END"
    others = [
        "CREATE TRIGGER a AFTER INSERT ON posts BEGIN UPDATE posts SET made = datetime('now'); END",
        "CREATE TRIGGER b AFTER UPDATE ON posts BEGIN UPDATE users SET edited = datetime('now'); END",
    ]
    assert touched_columns("posts", [touch, *others]) == {"edited"}
    assert touched_columns("posts", [seconds]) == {"at"}
    assert touched_columns("users", [touch, *others]) == set()


SCRIPT = """
    CREATE TABLE posts (id INTEGER PRIMARY KEY, v TEXT, edited DATETIME, createdAt DATETIME NOT NULL,
        here TEXT DEFAULT (datetime('now', 'localtime')), plain TEXT DEFAULT CURRENT_TIMESTAMP,
        joined INTEGER NOT NULL DEFAULT (unixepoch()), due TEXT DEFAULT (datetime('now', '+7 days')));
    CREATE TRIGGER touch AFTER UPDATE ON posts BEGIN
        UPDATE posts SET edited = CURRENT_TIMESTAMP WHERE id = NEW.id; END;
    INSERT INTO posts VALUES (1, 'a', '2024-01-01 00:00:00', 1735689600000, '2024-07-01 12:00:00',
        '2024-01-02 00:00:00', 1700000000, '2024-01-03 00:00:00');
"""


def test_clients_and_triggers_keep_their_clocks(migrated: MakeCase) -> None:
    done = migrated(script=SCRIPT)
    assert (done.init.code, done.run.code) == (0, 0), done.run.err
    assert done.field("Post", "edited") == "edited DateTime? @updatedAt"
    assert done.field("Post", "createdAt") == "createdAt DateTime @default(now())"
    assert "@default(now())" in done.field("Post", "joined")
    assert "@default" not in done.field("Post", "due")
    assert done.marked("posts", "due")
    assert 'zone = "Area/City"' in done.line("posts", "here")
    assert done.marked("posts", "here")
    assert not done.marked("posts", "plain")


def test_text_without_a_zone_is_the_time_of_day_in_the_zone_that_is_named(tmp_path) -> None:
    source = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT);
        INSERT INTO t VALUES (1, '2024-07-01 12:00:00'), (2, '2024-01-01T12:00:00.5'),
            (3, '2024-07-01T12:00:00Z'), (4, '2024-07-01 12:00:00 +05:30'), (5, '1719835200'),
            (6, '2024-03-31 02:30:00'), (7, '2024-10-27 02:30:00'), (8, '2024-07-01');
    """
    mapping = """
        [tables.t]
        target = "t"
        key = ["id"]
        [tables.t.columns]
        id = { to = "id", as = "integer" }
        at = { to = "at", as = "timestamp", unit = "s", zone = "Europe/Berlin", otherwise = "null" }
    """
    found = {row["id"]: row["at"] for row in mapped(tmp_path, source, mapping).rows("t")}
    at = dt.fromisoformat
    assert found == {
        1: at("2024-07-01T10:00"), 2: at("2024-01-01T11:00:00.500"), 3: at("2024-07-01T12:00"),
        4: at("2024-07-01T06:30"), 5: at("2024-07-01T12:00"), 6: None, 7: at("2024-10-27T00:30"),
        8: at("2024-06-30T22:00"),
    }  # fmt: skip
