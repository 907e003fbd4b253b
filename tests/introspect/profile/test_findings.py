"""References, duplicates and left-over tables, in databases that hide them."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.introspect.profile.sources import inspect_script

Q = [f"7f3c{n:04d}-0000-4000-8000-000000000000" for n in range(40)]

SCRIPT = """
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE,
  manager_id INTEGER REFERENCES users);
CREATE TABLE jobs (id INTEGER PRIMARY KEY, client_id INTEGER REFERENCES users(id) ON DELETE SET NULL,
  title TEXT, user_ids TEXT, watchers TEXT, meta TEXT, link TEXT);
CREATE TABLE wallets (user_id INTEGER PRIMARY KEY, writer_id INTEGER, ratings INTEGER, users INTEGER,
  sent_to_client INTEGER, approved_by INTEGER);
CREATE TABLE ratings (id INTEGER PRIMARY KEY, score INTEGER);
CREATE TABLE questions (id TEXT PRIMARY KEY, body TEXT);
CREATE TABLE sessions (id TEXT PRIMARY KEY, question_ids TEXT, state TEXT, page_url TEXT, origin TEXT);
CREATE TABLE work_queue (id INTEGER PRIMARY KEY, item_type TEXT, item_id TEXT);
CREATE TABLE links (user_id INTEGER, question_id TEXT, created_at TEXT);
CREATE TABLE "odd name" ("select" TEXT, "Order Id" INTEGER, PRIMARY KEY ("select")) WITHOUT ROWID;
CREATE TABLE jobs_backup AS SELECT * FROM jobs;
CREATE TABLE jobs_backup_20240131 (id INTEGER);
CREATE TABLE __old_push_users (id INTEGER, email TEXT);
CREATE TABLE payout_requests (id INTEGER PRIMARY KEY, amount REAL);
CREATE TABLE payoutRequests (id INTEGER, amount REAL);
CREATE TABLE alembic_version (version_num TEXT);
CREATE TABLE grandma_new (id INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE jobs_fts USING fts5(title, content=jobs);
CREATE VIEW v_jobs AS SELECT title FROM jobs;
CREATE TRIGGER trg AFTER INSERT ON ratings BEGIN DELETE FROM ratings WHERE id < 0; END;
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE email IS NULL;
PRAGMA foreign_keys = OFF;
"""


def build(folder: Path):
    users = [(n, f"p{n}@example.org", 1 if n > 1 else None) for n in range(1, 21)]
    users += [(21, "P1@example.org ", 99)]
    jobs = [
        (n, n if n < 20 else 77, f"title {n}", "1,2, 3" if n == 1 else "4", json.dumps([n, n + 5]),
         json.dumps({"by": {"userId": n}, "tags": ["x"]}), f"https://example.org/users/{n}/files")
        for n in range(1, 21)
    ]  # fmt: skip
    sessions = [
        (f"s-{n}", json.dumps([Q[n], Q[n + 1], "nothing" if n == 3 else Q[0]]), json.dumps({Q[n]: 1}),
         f"https://example.org/q?id={Q[n]}&x=1", Q[n])
        for n in range(10)
    ]  # fmt: skip
    return inspect_script(
        folder,
        SCRIPT,
        ("INSERT INTO users VALUES (?, ?, ?)", users),
        ("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)", jobs),
        ("INSERT INTO wallets VALUES (?, ?, ?, ?, 1, 1)", [(n, n, 1, n) for n in range(1, 11)]),
        ("INSERT INTO ratings VALUES (?, ?)", [(1, 5)]),
        ("INSERT INTO questions VALUES (?, ?)", [(key, "text of it") for key in Q]),
        ("INSERT INTO questions VALUES (?, ?)", [(None, "nobody's"), (None, "either")]),
        ("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", sessions),
        ("INSERT INTO work_queue VALUES (?, ?, ?)",
         [(1, "question", Q[1]), (2, "question", "gone"), (3, "users", "3"), (4, "other thing", "5")]),
        ("INSERT INTO links VALUES (?, ?, '2024-01-01')", [(1, Q[1]), (1, Q[1]), (2, Q[2])]),
        ("INSERT INTO jobs_backup (id) VALUES (?)", [(1,), (500,)]),
    )  # fmt: skip


def references(found) -> dict:
    return {(one.table, *one.columns): one for one in found.references}


def test_declared_references_are_counted_with_those_that_dangle(tmp_path: Path) -> None:
    by_column = references(build(tmp_path))
    client, manager = by_column["jobs", "client_id"], by_column["users", "manager_id"]
    assert (client.declared, client.on_delete, client.rows, client.dangling) == (True, "SET NULL", 20, 1)
    assert (manager.to_table, manager.to_columns, manager.rows, manager.dangling) == ("users", ("id",), 20, 1)


def test_undeclared_references_are_found_by_name_and_by_value(tmp_path: Path) -> None:
    by_column = references(build(tmp_path))
    wallet = by_column["wallets", "user_id"]
    assert (wallet.to_table, wallet.declared, wallet.basis, wallet.dangling) == (
        "users", False, "name and values", 0,
    )  # fmt: skip
    assert by_column["wallets", "writer_id"].to_table == "users"
    assert by_column["links", "question_id"].to_table == "questions"
    assert (by_column["sessions", "origin"].to_table, by_column["sessions", "origin"].basis) == (
        "questions", "values",
    )  # fmt: skip
    assert ("wallets", "ratings") not in by_column, "a number of ratings is no rating"
    assert ("wallets", "users") not in by_column, "a number of users is no user"
    assert ("wallets", "sent_to_client") not in by_column, "yes is no client"
    assert by_column["wallets", "approved_by"].to_table == "users"


def test_ids_inside_cells_are_found_where_they_stand(tmp_path: Path) -> None:
    found = build(tmp_path).hidden_references
    places = {(one.table, one.column, one.place, one.path): one for one in found}
    ids = places["sessions", "question_ids", "json", "$[*]"]
    assert (ids.to_table, ids.ids, ids.dangling) == ("questions", 30, 1)
    assert places["sessions", "state", "json key", "$.*"].basis == "values"
    assert places["sessions", "page_url", "url", ""].to_table == "questions"
    assert places["jobs", "meta", "json", "$.by.userId"].to_table == "users"
    link, listed = places["jobs", "link", "url", "/users/{id}"], places["jobs", "user_ids", "list", ","]
    assert (link.to_table, link.ids, link.dangling) == ("users", 20, 0)
    assert (listed.to_table, listed.ids, listed.dangling) == ("users", 22, 0)
    assert not [one for one in found if one.path == "$.tags[*]"]


def test_a_pair_of_type_and_id_is_followed_arm_by_arm(tmp_path: Path) -> None:
    (pair,) = build(tmp_path).polymorphic
    arms = {arm.value: (arm.to_table, arm.rows, arm.dangling) for arm in pair.arms}
    assert arms == {
        "question": ("questions", 2, 1), "users": ("users", 1, 0), "other thing": (None, 1, 0),
    }  # fmt: skip


def test_what_stands_twice_is_counted_by_each_equality(tmp_path: Path) -> None:
    found = {(one.table, one.columns, one.equality): one for one in build(tmp_path).duplicates}
    assert found["users", ("email",), "folded"].rows == 2
    assert found["questions", ("id",), "exact"].nulls == 2
    link = found["links", ("question_id", "user_id"), "exact"]
    assert (link.declared, link.groups, link.rows) == (False, 1, 2)


def test_left_over_tables_are_named_with_what_they_were_copied_from(tmp_path: Path) -> None:
    found = build(tmp_path)
    kinds = {one.name: (one.kind, one.of) for one in found.leftovers}
    assert {name: kind for name, kind in kinds.items() if not name.startswith(("jobs_fts_", "sqlite_"))} == {
        "jobs_backup": ("backup", "jobs"),
        "jobs_backup_20240131": ("backup", "jobs"),
        "__old_push_users": ("old", "users"),
        "payoutRequests": ("case variant", "payout_requests"),
        "alembic_version": ("bookkeeping", None),
        "jobs_fts": ("full text", None),
    }
    assert kinds["jobs_fts_data"] == ("full text", "jobs_fts")
    assert next(one.only_here for one in found.leftovers if one.name == "jobs_backup") == 1
    assert found.table("jobs_backup").leftover
    assert not found.table("grandma_new").leftover


LOOKALIKES = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY, title TEXT, status TEXT);
INSERT INTO jobs VALUES (1, 'a', 'open'), (2, 'b', 'open');
CREATE TABLE jobs_backup (id INTEGER, title TEXT, status TEXT);
INSERT INTO jobs_backup VALUES (1, 'A', 'shut'), (2, 'B', 'shut');
CREATE TABLE jobs_old (id INTEGER PRIMARY KEY, title TEXT, status TEXT);
INSERT INTO jobs_old VALUES (7, 'archived', 'done'), (8, 'archived', 'done');
CREATE TABLE backup_jobs (id INTEGER PRIMARY KEY, started TEXT, bytes INTEGER, status TEXT);
INSERT INTO backup_jobs VALUES (1, '2024-01-01', 9, 'ok');
CREATE TABLE backup_codes (id INTEGER PRIMARY KEY, code TEXT);
INSERT INTO backup_codes VALUES (1, 'x');
CREATE TABLE __new_posts (id INTEGER PRIMARY KEY);
INSERT INTO __new_posts VALUES (1);
CREATE TABLE UserData (ID INTEGER PRIMARY KEY, FirstName TEXT);
INSERT INTO UserData VALUES (1, 'a'), (2, 'b');
CREATE TABLE user_data (id INTEGER PRIMARY KEY, first_name TEXT);
INSERT INTO user_data VALUES (1, 'a'), (2, 'c');
CREATE TABLE "user-data" (id REAL, first_name TEXT);
INSERT INTO "user-data" VALUES (1, 'a');
"""


def test_a_name_alone_makes_no_table_a_left_over(tmp_path: Path) -> None:
    found = inspect_script(tmp_path, LOOKALIKES)
    assert {one.name: (one.only_here, one.differing) for one in found.leftovers} == {
        "jobs_backup": (0, 2),  # the columns and the keys of jobs
        "user-data": (0, 0),
    }
    assert {one.name: (one.kind, one.differing) for one in found.lookalikes} == {
        "jobs_old": ("old", 2),  # an archive: no row of it is a job's
        "backup_jobs": ("backup", 1),  # other columns
        "backup_codes": ("backup", None),  # a copy of no table
        "__new_posts": ("new", None),  # what it was to replace is gone
        "user_data": ("case variant", 1),
    }
    assert not any(found.table(one.name).leftover for one in found.lookalikes)


def test_a_left_over_of_many_columns_is_compared(tmp_path: Path) -> None:
    columns = ", ".join(f"c{n}" for n in range(1500))
    script = f"CREATE TABLE wide ({columns}); INSERT INTO wide (c0, c1499) VALUES (1, 2);"
    found = inspect_script(tmp_path, script + "CREATE TABLE wide_bak AS SELECT * FROM wide;")
    assert [(one.name, one.differing) for one in found.leftovers] == [("wide_bak", 0)]


def test_check_constraints_are_reported_with_the_rows_that_break_them(tmp_path: Path) -> None:
    found = inspect_script(
        tmp_path,
        """
        CREATE TABLE reviews (id INTEGER PRIMARY KEY, "check" TEXT, -- CHECK (no)
          rating INTEGER CHECK (rating >= 1 AND rating <= 5), kind TEXT CHECK (kind IN ('a)', 'b') /* ( */),
          CONSTRAINT odd CHECK (length(kind)));
        CREATE TABLE plain (v TEXT DEFAULT 'CHECK (v)');
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'length(', 'only_the_application_has(');
        """,
    )
    assert [(one.table, one.sql, one.broken) for one in found.checks] == [
        ("reviews", "rating >= 1 AND rating <= 5", 0),
        ("reviews", "kind IN ('a)', 'b') /* ( */", 0),
        ("reviews", "only_the_application_has(kind)", None),
    ]


def test_schema_is_reported_with_views_triggers_and_odd_names(tmp_path: Path) -> None:
    found = build(tmp_path)
    odd = found.table("odd name")
    assert (odd.key, odd.without_rowid, odd.column("Order Id").declared) == (("select",), True, "INTEGER")
    assert found.table("users").autoincrement
    index = next(one for one in found.table("users").indexes if one.name == "users_email")
    assert (index.columns, index.unique, index.partial) == ((None,), True, True)
    assert [one.name for one in found.views] == ["v_jobs"]
    assert [one.name for one in found.triggers] == ["trg"]


def test_nothing_about_people_is_in_the_document(tmp_path: Path) -> None:
    text = json.dumps(asdict(build(tmp_path)))
    assert "example.org" not in text
    assert Q[1] not in text


@given(st.lists(st.text("1,2 a\"'\\/.:?=\0{}[]é", max_size=12) | st.integers(0, 9), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_text_breaks_the_search_inside_cells(values: list[object]) -> None:
    script = """
        CREATE TABLE users (id INTEGER PRIMARY KEY, slug TEXT);
        CREATE TABLE notes (user_ids, page_url, item_type, item_id, parent_id);
        INSERT INTO users VALUES (1, '1'), (2, 'a');
    """
    rows = [
        (value, f"http://{value}" if n % 2 else f"/{value}", value, value, value)
        for n, value in enumerate(values)
    ]
    with tempfile.TemporaryDirectory() as name:
        found = inspect_script(Path(name), script, ("INSERT INTO notes VALUES (?, ?, ?, ?, ?)", rows))
    assert found.table("notes").rows == len(values)
    assert all(0 <= one.dangling < one.ids for one in found.hidden_references)
    assert all(0 <= one.dangling <= one.rows for one in found.references)
