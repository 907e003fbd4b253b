"""A draft that a person edited in mapping.toml alone: its target, its rows, its keys that count on."""

from __future__ import annotations

import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated, require_green

SOURCE = """
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, first TEXT NOT NULL,
  last TEXT NOT NULL, plan TEXT NOT NULL, gone TEXT, born TEXT, news TEXT,
  tags TEXT, created_at TEXT NOT NULL);
INSERT INTO users VALUES
  (3, 'a@example.org', 'Ann', 'Lee', 'Free', NULL, '31.12.1990', 'ja', '["a b", "c"]', '2024-01-01 10:00:00'),
  (8, 'b@example.org', 'Bo', 'Day', 'pro', NULL, NULL, 'nein', 'x, y', '2024-01-02 10:00:00'),
  (9, 'c@example.org', 'Cy', 'Orr', 'free', '2024-01-01', '', NULL, NULL, '2024-01-03 10:00:00');
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, cents INTEGER NOT NULL);
INSERT INTO orders VALUES (1, 3, 1999), (2, 9, 5), (3, NULL, 100);
CREATE INDEX orders_of ON orders (user_id);
CREATE TABLE scratch (x TEXT);
INSERT INTO scratch VALUES ('y');
"""
EDITS = (
    ('[tables.users]\ntarget = "users"\nkey = ["id"]\nids = "cuid"',
     '[tables.users]\ntarget = "members"\nkey = ["id"]\nids = "keep"\nwhere = "gone IS NULL"'),
    ('first = { to = "first", as = "text" }', 'name = { to = "name", sql = "first || \' \' || last" }'),
    ('last = { to = "last", as = "text" }', "# last is in name"),
    ('plan = { to = "plan", as = "text" }',
     'plan = { to = "plan", as = "enum", values = { Free = "FREE", free = "FREE", pro = "PRO" } }'),
    ('user_id = { to = "user_id",', 'user_id = { to = "member_id",'),
    ('email = { to = "email", as = "text" }', 'email = { to = "email", as = "text", mask = "email" }'),
    ('born = { to = "born", as = "text" }',
     'born = { to = "born", as = "date", format = "%d.%m.%Y", empty = "null" }'),
    ('news = { to = "news", as = "text" }',
     'news = { to = "news", as = "boolean", values = { ja = true, nein = false } }\n'
     'updated = { to = "updated_at", as = "timestamp", from = ["gone", "created_at"] }'),
    ('tags = { to = "tags", as = "json", invalid = "wrap", otherwise = "null" }',
     'tags = { to = "tags", as = "list" }'),
    ('cents = { to = "cents", as = "integer" }',
     'cents = { to = "amount", as = "decimal", scale = 2, divide = 100 }'),
    ('[tables.scratch]\ntarget = "scratch"\nkey = []\nids = "cuid"\n', '[tables.scratch]\nleft_out = "no"\n'),
)  # fmt: skip


@pytest.fixture(scope="module")
def edited(migrated: MakeCase) -> Migrated:
    return require_green(migrated(script=SOURCE, edits=EDITS))


def test_the_edits_stay_and_the_targets_files_follow(edited: Migrated) -> None:
    assert "# last is in name" in edited.text("mapping.toml")
    assert edited.field("Member", "id") == "id Int @id @default(autoincrement())"
    assert edited.field("Member", "name") == "name String"
    assert edited.field("Order", "memberId") == 'memberId Int? @map("member_id") // from user_id'
    assert edited.field("Order", "member").startswith("member Member? @relation(")
    assert edited.field("Member", "tags") == "tags String[]"
    assert edited.field("Order", "amount") == "amount Decimal @db.Decimal(12, 2) // from cents"
    foreseen = {
        (one["table"], one["fate"], one["rule"]): one["rows"] for one in edited.init.document["forecast"]
    }
    assert foreseen == {
        ("users", "excluded", "where"): 1,
        ("users", None, "masked"): 3,
        ("orders", None, "dangling_left_out"): 1,
    }


def test_the_rows_are_those_of_the_edited_mapping(edited: Migrated) -> None:
    assert edited.rows("members", "id", "name", "plan") == [(3, "Ann Lee", "FREE"), (8, "Bo Day", "PRO")]
    (_, *ann), (_, *bo) = edited.rows("members", "id", "born", "news", "updated_at", "tags", "email")
    assert [str(value) for value in ann[:3]] == ["1990-12-31", "True", "2024-01-01 10:00:00"]
    assert [str(value) for value in bo[:3]] == ["None", "False", "2024-01-02 10:00:00"]
    assert (ann[3], bo[3]) == (["a b", "c"], ["x", "y"])
    assert str(ann[4]).endswith("@example.invalid")
    found = [(owner, str(amount)) for owner, amount in edited.rows("orders", "member_id", "amount")]
    assert sorted(found, key=repr) == [(3, "19.99"), (None, "0.05"), (None, "1.00")]
    assert edited.verify().code == 0


def test_a_column_of_an_expression_that_fails_on_a_row_is_not_required(migrated: MakeCase) -> None:
    sql = "json_extract(meta, '$.plan')"
    made = (
        f'meta = {{ drop = "no" }}\nplan = {{ to = "plan", as = "text", sql = "{sql}", otherwise = "null" }}'
    )
    found = migrated(
        script="CREATE TABLE t (id INTEGER PRIMARY KEY, meta TEXT NOT NULL);"
        'INSERT INTO t VALUES (1, \'{"plan": "pro"}\'), (2, \'{"plan": "free"}\'), (3, \'{oops\');',
        edits=(('meta = { to = "meta", as = "json" }', made),),
    )
    assert (found.init.code, found.run.code) == (0, 0), found.init.err + found.run.err
    assert found.column("t", "plan") == ["free", "pro", None]
    assert found.field("T", "plan").startswith("plan String?")


def test_a_kept_key_counts_on_from_the_largest(edited: Migrated) -> None:
    assert edited.query("SELECT nextval(pg_get_serial_sequence('members', 'id'))") == [(9,)]
