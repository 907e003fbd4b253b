"""Each rule of a draft on a small database of its own."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.declarative.mapping_file import MappingFile
from migrate.introspect.scaffold import Draft, constraint_names, naming
from migrate.introspect.scaffold.config_toml import without_token, write_configuration
from migrate.introspect.scaffold.mapping_toml import write_mapping
from migrate.introspect.scaffold.model import Line, Section
from tests.introspect.scaffold.sources import draft_script, field, line

EDGE = 2**30

COLUMNS = [
    # declared and default, values, Prisma's type, required, what the mapping says
    ("INTEGER NOT NULL", [EDGE, -5], "Int", True, {"as": "integer"}),
    ("INTEGER NOT NULL", [EDGE + 1, 2], "BigInt", True, {"as": "integer"}),
    ("INTEGER", [5, 6], "Int", False, {"as": "integer", "otherwise": "null"}),
    ("BOOLEAN NOT NULL DEFAULT 1", [1, 0], "Boolean", True, {"as": "boolean"}),
    ("INTEGER NOT NULL DEFAULT false", [1, 0], "Boolean", True, {"as": "boolean"}),
    ("INTEGER NOT NULL", [1, 0], "Int", True, {"as": "integer"}),
    ("BOOLEAN", [1, 0, 2], "Int", False, {"as": "integer", "otherwise": "null"}),
    ("REAL NOT NULL", [1.5, 2.25], "Float", True, {"as": "real"}),
    ("REAL NOT NULL", [1.0, 2.0], "Float", True, {"as": "real"}),
    ("NUMERIC(8, 2)", [1, 2], "Decimal", False, {"as": "decimal", "scale": 2, "otherwise": "null"}),
    ("NUMERIC(4, 1)", [123456.125], "Decimal", False, {"as": "decimal", "scale": 3, "otherwise": "null"}),
    ("TEXT NOT NULL", ["2024-01-02 03:04:05"], "DateTime", True, {"as": "timestamp"}),
    ("INTEGER", ["2024-01-02 03:04:05", None], "DateTime", False, {"as": "timestamp", "otherwise": "null"}),
    ("TEXT NOT NULL", ["2024-01-02"], "DateTime", True, {"as": "date"}),
    (
        "TEXT NOT NULL", ["2024-01-02 03:04:05", "CURRENT_TIMESTAMP"], "DateTime", False,
        {"as": "timestamp", "now": "null", "otherwise": "null"},
    ),
    ("TEXT NOT NULL", ['{"a": 1}', "[]"], "Json", True, {"as": "json"}),
    (
        "TEXT NOT NULL", ['{"a": 1}', ""], "Json", True,
        {"as": "json"},
    ),
    (
        "TEXT", ['{"a": 1}', "[1]", "plain"], "Json", False,
        {"as": "json", "invalid": "wrap", "otherwise": "null"},
    ),
    ("TEXT", ['{"a": 1}', "plain", "b c", "d e"], "String", False, {"as": "text"}),
    ("BLOB NOT NULL", [b"\x00"], "Bytes", True, {"as": "bytes"}),
    ("TEXT NOT NULL", ["", "word"], "String", True, {"as": "text"}),
    ("INTEGER NOT NULL", [*range(2, 20), "x"], "Int", True, {"as": "integer"}),
    ("INTEGER NOT NULL", [1, 2, "x", "y"], "String", True, {"as": "text"}),
    ("TEXT NOT NULL", ["0123", "45"], "String", True, {"as": "text"}),
    ("TEXT", [12, "45"], "String", False, {"as": "text"}),
    ("DATETIME", [None], "DateTime", False, {"as": "timestamp", "otherwise": "null"}),
    ("VARCHAR(5)", [None], "String", False, {"as": "text"}),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "values", "kind", "required", "options"), COLUMNS)
def test_a_column_gets_the_type_that_its_values_have(
    tmp_path: Path, declared: str, values: list[object], kind: str, required: bool, options: dict[str, object]
) -> None:
    rows = [(value,) for value in values]
    script = f"CREATE TABLE t (n INTEGER PRIMARY KEY, v {declared})"
    draft = draft_script(tmp_path, script, ("INSERT INTO t (v) VALUES (?)", rows))
    found = field(draft, "t", "v")
    assert (found.type.prisma, found.required) == (kind, required)
    assert line(draft, "t", "v").options == {"to": "v", **options}


def test_unix_times_are_read_by_their_unit_and_money_by_its_scale(tmp_path: Path) -> None:
    script = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, created_at INTEGER, seen_at INTEGER, both_at INTEGER,
            price REAL);
        INSERT INTO t VALUES (1, 1709287200, 1709287200123, 1709287200, 12.5),
            (2, 1709287201, 1709287200124, 1709287200124, 1234567.125);
    """
    draft = draft_script(tmp_path, script)
    assert line(draft, "t", "created_at").options["unit"] == "s"
    assert line(draft, "t", "seen_at").options["unit"] == "ms"
    assert "unit" not in line(draft, "t", "both_at").options
    assert field(draft, "t", "price").type.native == "@db.Decimal(14, 3)"


KEYS = """
    CREATE TABLE uuids (id TEXT PRIMARY KEY); INSERT INTO uuids VALUES ('a'), ('b');
    CREATE TABLE parent (id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
    CREATE TABLE child (id INTEGER PRIMARY KEY REFERENCES parent, v);
    INSERT INTO child VALUES (2, 1);
    CREATE TABLE pairs (a INTEGER REFERENCES parent, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    INSERT INTO pairs VALUES (1, 'x');
    CREATE TABLE keyless (v); INSERT INTO keyless VALUES (1), (1);
    CREATE TABLE nulls (code TEXT PRIMARY KEY); INSERT INTO nulls VALUES (NULL), (NULL), ('x');
    CREATE TABLE undeclared (id TEXT, v); INSERT INTO undeclared VALUES ('p', 1), ('q', 2);
    CREATE TABLE taken (rowid TEXT, row_id TEXT); INSERT INTO taken VALUES ('x', 'y');
"""


def test_every_table_gets_a_key_that_its_rows_can_have(tmp_path: Path) -> None:
    draft = draft_script(tmp_path, KEYS)
    found = {one.source: (one.options["key"], one.options["ids"]) for one in draft.sections}
    assert found == {
        "uuids": (["id"], "keep"), "parent": (["id"], "cuid"), "child": (["id"], "keep"),
        "pairs": (["a", "b"], "keep"), "keyless": ([], "cuid"), "nulls": ([], "cuid"),
        "undeclared": (["id"], "keep"), "taken": ([], "cuid"),
    }  # fmt: skip
    assert line(draft, "child", "id").options == {
        "to": "id", "as": "reference", "of": "parent", "dangling": "reject",
    }  # fmt: skip
    assert field(draft, "child", "id").default is None
    assert line(draft, "pairs", "a").options["of"] == "parent"
    assert line(draft, "keyless", "rowid").options == {"to": "row_id", "as": "id"}
    assert line(draft, "taken", "_rowid_").options == {"to": "row_id_2", "as": "id"}
    nulls = next(model for model in draft.models if model.table == "nulls")
    assert [(index.columns, index.unique) for index in nulls.indexes] == [(("code",), True)]


REFERENCES = """
    CREATE TABLE users (id INTEGER PRIMARY KEY, boss_id INTEGER REFERENCES users ON DELETE SET NULL);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, editor_id INTEGER, views INTEGER,
        cancelled_by_user INTEGER, item_type TEXT, item_id INTEGER, user_ids TEXT, data TEXT,
        gone INTEGER REFERENCES nowhere (id));
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
    INSERT INTO users SELECT i, CASE i WHEN 3 THEN 99 WHEN 4 THEN 1 END FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
    INSERT INTO notes SELECT i, i, CASE i WHEN 1 THEN 77 ELSE i END, i, i, 'user', i, i || ',2',
        '{"by":{"userId":' || i || '}}', i FROM n;
"""


def test_a_number_in_a_document_that_happens_to_be_a_key_stays_what_it_is(tmp_path: Path) -> None:
    script = """
        CREATE TABLE users (id INTEGER PRIMARY KEY);
        CREATE TABLE plans (id INTEGER PRIMARY KEY, users TEXT, user_ids TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
        INSERT INTO users SELECT i FROM n;
        INSERT INTO plans SELECT id, '[{"n":' || id || '}]', '[' || id || ',2]' FROM users;
    """
    draft = draft_script(tmp_path, script)
    position = line(draft, "plans", "users")
    assert "ids" not in position.options
    assert "perhaps ids of users (json $[*].n): 30, kept as they are" in position.remark
    assert 'ids = [{ path = "$[*].n", of = "users" }]' in position.remark
    assert line(draft, "plans", "user_ids").options["ids"] == [{"path": "$[*]", "of": "users"}]


def test_references_are_followed_as_far_as_they_are_proven(tmp_path: Path) -> None:
    draft = draft_script(tmp_path, REFERENCES)
    of = {one.column: one.options for section in draft.sections for one in section.lines}
    assert (of["boss_id"]["of"], of["boss_id"]["dangling"]) == ("users", "null")
    assert "refer to no row, become NULL: 1" in line(draft, "users", "boss_id").remark
    assert (of["user_id"]["of"], of["user_id"]["dangling"]) == ("users", "reject")
    assert (of["editor_id"]["of"], of["editor_id"]["dangling"]) == ("users", "keep")
    assert of["views"]["as"] == of["cancelled_by_user"]["as"] == "integer"
    assert (of["item_id"]["of"], of["item_id"]["by"]) == ({"user": "users"}, "item_type")
    assert (of["user_ids"]["as"], of["user_ids"]["of"]) == ("references", "users")
    assert of["data"]["ids"] == [{"path": "$.by.userId", "of": "users"}]
    assert of["gone"]["as"] == "integer"
    notes = next(model for model in draft.models if model.table == "notes")
    (user,) = notes.relations
    assert (user.field, user.back, user.name, user.on_delete) == ("user", "notes", None, None)
    users = next(model for model in draft.models if model.table == "users")
    (boss,) = users.relations
    assert (boss.field, boss.back, boss.name, boss.on_delete) == (
        "boss",
        "usersAsBoss",
        "UserBoss",
        "SetNull",
    )


def test_what_the_target_cannot_hold_is_reported(tmp_path: Path) -> None:
    script = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b AS (a || 'x'), c TEXT DEFAULT (1 + 1), long TEXT,
            u);
        CREATE INDEX partly ON t (a) WHERE a <> ''; CREATE INDEX lowered ON t (lower(a));
        CREATE INDEX l ON t (long);
        CREATE UNIQUE INDEX twice ON t (u);
        CREATE VIEW v AS SELECT a FROM t;
        INSERT INTO t (a, long, u) VALUES ('x', hex(zeroblob(2000)), 1), ('y', '', '1');
    """
    draft = draft_script(tmp_path, script)
    (section,) = draft.sections
    assert line(draft, "t", "b").options == {"drop": "computed by the database from other columns"}
    assert "default 1 + 1 is not migrated" in line(draft, "t", "c").remark
    shown = "\n".join(section.remarks)
    assert all(f"index {name} is not migrated" in shown for name in ("l", "twice"))
    assert not draft.models[0].indexes
    assert [index.name for index in draft.models[0].sql_indexes] == ["t_a_lower_idx", "t_a_part_idx"]
    assert "CREATE VIEW v" in write_mapping(draft)


def test_closed_sets_become_enums_where_asked(tmp_path: Path) -> None:
    rows = [("in progress" if n % 2 else "done",) for n in range(20)]
    script = "CREATE TABLE jobs (id INTEGER PRIMARY KEY, status TEXT NOT NULL DEFAULT 'done')"
    draft = draft_script(tmp_path, script, ("INSERT INTO jobs (status) VALUES (?)", rows), enums=True)
    (enum,) = draft.enums
    assert (enum.name, enum.members) == ("JobStatus", (("done", "done"), ("in_progress", "in progress")))
    assert line(draft, "jobs", "status").options["values"] == {"done": "done", "in progress": "in progress"}
    assert field(draft, "jobs", "status").default is not None


@pytest.mark.parametrize(
    ("table", "model", "column", "name"),
    [
        ("users", "User", "assigned_manager_id", "assignedManagerId"),
        ("payoutRequests", "PayoutRequest", "userID", "userId"),
        ("categories", "Category", "1st", "n1St"),
        ("news", "News", "naïve ☃", "naive"),
        ("strings", "StringModel", "☃", "field"),
        ("user_addresses", "UserAddress", "_id", "id"),
        ("dates", "DateModel", "constructor", "constructorField"),
    ],
)
def test_names_follow_prismas_conventions(table: str, model: str, column: str, name: str) -> None:
    assert naming.model_name(table) == model
    assert naming.field_name(column) == name


def test_names_of_constraints_are_cut_in_front_of_their_ending_and_between_letters() -> None:
    assert constraint_names.primary_key("t" * 70) == "t" * 58 + "_pkey"
    assert constraint_names.index("é" * 40, ["a"]) == "é" * 29 + "_idx"
    assert len(constraint_names.foreign_key("x" * 30, ["y" * 40]).encode()) == 63


@given(st.text(), st.text(min_size=1), st.text(min_size=1))
@settings(max_examples=300)
def test_any_name_and_text_reads_back_from_the_mapping(table: str, column: str, reason: str) -> None:
    lines = (Line(column, {"drop": reason}, remark=reason),)
    section = Section(table, 1, {"target": column}, lines, remarks=(reason,))
    read = MappingFile(
        **tomllib.loads(write_mapping(Draft("x", (section,), appendix={"By hand": (reason,)})))
    )
    assert read.tables[table].columns[column].drop == reason


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("libsql://name.turso.io?authToken=secret&tls=1", "libsql://name.turso.io?tls=1"),
        ("https://anna:secret@example.org/db", "https://example.org/db"),
        ("my legacy.db", "my legacy.db"),
        ('C:\\"odd"', 'C:\\"odd"'),
    ],
)
def test_no_token_reaches_the_configuration(url: str, written: str) -> None:
    assert without_token(url) == written
    text = write_configuration(url, embedded=True, schema=True)
    assert tomllib.loads(text)["source"]["url"] == written
    assert "secret" not in text


@pytest.mark.parametrize(("key", "marked"), [("id INTEGER PRIMARY KEY", True), ("id INTEGER", False)])
def test_what_reads_as_an_id_is_marked_only_if_ids_change(tmp_path: Path, key: str, marked: bool) -> None:
    script = (
        f"CREATE TABLE tokens ({key}, token TEXT); CREATE TABLE t (k TEXT PRIMARY KEY, provider_id INTEGER)"
    )
    rows = [(f"k{number}", number) for number in range(1, 9)]
    draft = draft_script(tmp_path, script, ("INSERT INTO t VALUES (?, ?)", rows))
    assert line(draft, "t", "provider_id").marked is marked
