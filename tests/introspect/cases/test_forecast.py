"""What `migrate init` foresees is what the run of its draft does."""

from __future__ import annotations

import pytest

from tests.introspect.cases.conftest import HERE, MakeCase
from tests.introspect.cases.outcomes import foreseen, happened

CASES = sorted(path.relative_to(HERE).as_posix() for path in (HERE / "types").iterdir())


@pytest.mark.parametrize("case", CASES)
def test_the_forecast_of_a_case_is_its_outcome(migrated: MakeCase, case: str) -> None:
    done = migrated(case)
    assert (done.init.code, done.run.code) == (0, 0), done.run.err
    document = done.init.document
    assert foreseen(document["forecast"]) == happened(done.url, done.run.document["changed"])
    lost = {(one["table"], one["column"]) for one in document["forecast"] if is_lost(one)}
    review = {(one["table"], one["column"]) for one in document["review"]}
    assert lost <= review


def is_lost(one: dict[str, object]) -> bool:
    return one["fate"] == "rejected" or str(one["rule"]).endswith(("_left_out", "_replaced"))


def test_a_unique_key_that_milliseconds_break_is_named_and_the_run_goes_through(migrated: MakeCase) -> None:
    done = migrated("types/j1_unique_microseconds.sql")
    line = done.line("ev", "created_at")
    assert "(!)" in line
    assert "2 rows have 1 value once converted" in line
    assert 'as = "text"' in line
    assert len(done.rows("ev")) == 3
    assert "finer than milliseconds, rounded: 2" in line


KEYS = """
    CREATE TABLE ev (at DATETIME, kind TEXT, v INT, PRIMARY KEY (at, kind));
    CREATE TABLE log (id INTEGER PRIMARY KEY, at DATETIME, kind TEXT,
        FOREIGN KEY (at, kind) REFERENCES ev);
    INSERT INTO ev VALUES ('2024-01-01 10:00:00.123456', 'a', 1), ('2024-01-01 10:00:00.123457', 'a', 2);
"""


def test_a_key_that_others_refer_to_and_milliseconds_break_is_a_problem_with_its_way_out(
    migrated: MakeCase,
) -> None:
    done = migrated(script=KEYS)
    assert done.init.code == 1
    (problem,) = done.init.document["problems"]
    assert problem.startswith("ev: 2 rows have 1 key once (at, kind) is converted")
    assert 'as = "text"' in problem


MIXED = """
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, age INTEGER, active BOOLEAN NOT NULL DEFAULT 1,
        born DATETIME, doc JSON NOT NULL, boss INTEGER REFERENCES users, note TEXT);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users,
        at DATETIME NOT NULL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO users SELECT i, 'u' || i || '@example.com', i, i % 2, '2024-01-01T00:00:0' || (i % 10) || 'Z',
        '{"n":' || i || '}', CASE WHEN i % 9 = 0 THEN 777 END, 'x' FROM n;
    UPDATE users SET active = 'perhaps' WHERE id = 7;
    UPDATE users SET age = 'old' WHERE id = 8;
    UPDATE users SET born = 'long ago' WHERE id = 9;
    UPDATE users SET doc = 'plain words' WHERE id = 10;
    UPDATE users SET note = 'a' || char(0) || 'b' WHERE id = 11;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO posts SELECT i, CASE WHEN i = 3 THEN 99 ELSE i END, '2024-01-01 00:00:00.123456' FROM n;
    UPDATE posts SET at = 'soon' WHERE id = 5;
"""


def test_every_way_to_lose_a_value_is_foreseen_and_marked(migrated: MakeCase) -> None:
    done = migrated(script=MIXED)
    assert (done.init.code, done.run.code) == (0, 0), done.run.err
    forecast = foreseen(done.init.document["forecast"])
    assert forecast == happened(done.url, done.run.document["changed"])
    assert forecast == {
        ("users", "active", "rejected", "invalid_boolean"): 1,
        ("users", "age", None, "invalid_integer_left_out"): 1,
        ("users", "born", None, "invalid_timestamp_left_out"): 1,
        ("users", "doc", None, "wrapped_as_json_string"): 1,
        ("users", "boss", None, "dangling_left_out"): 4,
        ("users", "note", None, "nul_removed"): 1,
        ("posts", "user_id", "rejected", "dangling"): 2,
        ("posts", "at", "rejected", "invalid_timestamp"): 1,
        ("posts", "at", None, "rounded_to_milliseconds"): 39,
    }
    assert done.types("users")["active"] == "boolean"
    assert done.field("User", "doc") == "doc Json"
    for column in ("active", "age", "born", "doc", "boss", "note"):
        assert done.marked("users", column), column
    assert not done.marked("users", "email")


MANY = """
    CREATE TABLE users (id INTEGER PRIMARY KEY);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
    INSERT INTO posts SELECT i, i FROM n;
    INSERT INTO users VALUES (1), (2);
"""


def test_a_run_that_would_stop_is_foreseen_and_goes_on_with_a_higher_limit(migrated: MakeCase) -> None:
    done = migrated(script=MANY)
    assert (done.init.code, done.run.code) == (1, 1)
    (problem,) = done.init.document["problems"]
    assert "posts: 18 of 20 rows would be rejected" in problem
    assert "user_id (dangling 18)" in problem
    assert "18 of 20 rows are rejected, more than 50.0%: dangling 18" in done.run.err
    assert 'max_reject_shares = { "posts" = 1.0 }' in done.run.err
    again = done.again(MIGRATE__VERIFICATION__MAX_REJECT_SHARES='{"posts": 1.0}')
    assert again.code == 0, again.err
    assert len(done.rows("posts")) == 2
