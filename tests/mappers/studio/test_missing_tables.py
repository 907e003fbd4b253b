"""Any optional table or column may be missing; the rest is mapped all the same."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mappers.settings import MapperSettings
from mappers.studio.studio_mapping import StudioMapping
from migrate.snapshot.workspace import Workspace
from tests.mappers.studio.runner import EXAMPLE, SCHEMA, Outcome, legacy_file, run

with sqlite3.connect(":memory:") as _connection:
    _connection.executescript(SCHEMA)
    TABLES = [
        name
        for (name,) in _connection.execute("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    ]
    COLUMNS_OF = {
        table: [column[1] for column in _connection.execute(f'PRAGMA table_info("{table}")')]
        for table in TABLES
    }
_connection.close()


def without(tmp_path: Path, *tables: str) -> Path:
    drops = "".join(f'DROP TABLE "{table}";' for table in tables)
    return legacy_file(tmp_path / "snapshot.db", SCHEMA, EXAMPLE, drops)


def assert_keys_resolve(outcome: Outcome) -> None:
    users = {row["id"] for row in outcome.rows("users")}
    studios = {row["id"] for row in outcome.rows("studios")}
    for table in ("messages", "user_connections", "reviews", "studios", "user_profiles", "user_metadata"):
        for row in outcome.rows(table):
            ends = ("user_id", "connected_user_id", "sender_id", "receiver_id", "owner_id", "reviewer_id")
            assert all(row[end] in users for end in ends if end in row), table
    assert all(row["studio_id"] in studios for row in outcome.rows("studio_images"))


@pytest.mark.parametrize("table", TABLES)
def test_every_table_may_be_missing(tmp_path: Path, table: str) -> None:
    outcome = run(without(tmp_path, table))
    assert_keys_resolve(outcome)
    assert outcome.rows("users") and not outcome.fates.filter(source_table=table).height


def test_generation_one_alone_is_enough(tmp_path: Path) -> None:
    outcome = run(without(tmp_path, *(table for table in TABLES if not table.startswith("shows_"))))
    assert_keys_resolve(outcome)
    assert {row["username"] for row in outcome.rows("users")} == {
        "anavoice",
        "boss",
        "cy_user",
        "anavoice1",
        "user_007",
        "fay",
    }
    assert outcome.rows("messages") and outcome.rows("studio_images") and outcome.rows("reviews")


def test_generation_two_alone_is_enough(tmp_path: Path) -> None:
    outcome = run(without(tmp_path, *(table for table in TABLES if table not in ("users", "profile"))))
    assert_keys_resolve(outcome)
    assert {row["email"] for row in outcome.rows("users")} == {"ana@example.com", "eli@example.com"}
    assert [row["first_name"] for row in outcome.rows("user_profiles")] == ["Ana"]


def test_an_empty_database_gives_nothing(tmp_path: Path) -> None:
    outcome = run(legacy_file(tmp_path / "snapshot.db", "CREATE TABLE other (id INTEGER PRIMARY KEY)"))
    assert not outcome.tables and not outcome.fates.height


COLUMNS = [
    ("shows_users", "avatar_url"),
    ("shows_users", "expiry_date"),
    ("shows_users", "password"),
    ("shows_users", "role_id"),
    ("shows_users", "display_name"),
    ("users", "status"),
    ("users", "created_at"),
    ("profile", "latitude"),
    ("profile", "about"),
    ("studio_gallery", "cloudinary_url"),
    ("studio_gallery", "display_order"),
    ("shows_messages", "deleted"),
    ("shows_messages", "read"),
    ("shows_contacts", "accepted"),
    ("shows_comments", "parent"),
    ("shows_comments", "updated"),
    ("shows_comments", "status"),
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_column_may_be_missing(tmp_path: Path, table: str, column: str) -> None:
    columns = [name for name in COLUMNS_OF[table] if name != column]
    kept = ", ".join(f'"{name}"' for name in columns)
    typed = kept.replace('"id"', '"id" INTEGER PRIMARY KEY', 1) if "id" in columns else kept
    # A column cannot be dropped in place where the DDL has comments.
    script = f'CREATE TABLE copy AS SELECT {kept} FROM "{table}"; DROP TABLE "{table}";'
    script += f'CREATE TABLE "{table}" ({typed});'
    script += f'INSERT INTO "{table}" ({kept}) SELECT {kept} FROM copy; DROP TABLE copy;'
    outcome = run(legacy_file(tmp_path / "snapshot.db", SCHEMA, EXAMPLE, script))
    assert_keys_resolve(outcome)
    assert "ana@example.com" in {row["email"] for row in outcome.rows("users")}


def test_every_table_is_migrated_or_left_out_by_a_named_rule(tmp_path: Path) -> None:
    snapshot = legacy_file(tmp_path / "s.db", SCHEMA, EXAMPLE, "CREATE TABLE odd (id INTEGER PRIMARY KEY)")
    with Workspace(snapshot, tmp_path / "x.db") as workspace:
        mapping = StudioMapping(MapperSettings(), workspace.tables())
        accounted = {account.source for account in mapping.accounts}
        assert accounted | set(mapping.left_out) | {"odd"} == set(workspace.tables())
        assert not accounted & set(mapping.left_out)
        configured = StudioMapping(MapperSettings(left_out=("odd",)), workspace.tables())
    assert mapping.unknown == ("odd",)
    assert configured.left_out["odd"] == "config" and configured.unknown == ()
    assert mapping.left_out["faq_signuser"] == "faq"
    assert mapping.left_out["shows_commentvotes"] == "comment_votes"


def test_every_row_without_a_fate_is_proven_by_a_target_row(tmp_path: Path) -> None:
    snapshot = legacy_file(tmp_path / "snapshot.db", SCHEMA, EXAMPLE)
    outcome = run(snapshot)
    fates = {(row["source_table"], row["source_id"]) for row in outcome.fates.to_dicts()}
    with Workspace(snapshot, tmp_path / "crosswalk-1000.db") as workspace:
        mapping = StudioMapping(MapperSettings(), workspace.tables())
    connection = sqlite3.connect(f"file:{snapshot}?mode=ro", uri=True)
    connection.execute("ATTACH ? AS x", (str(tmp_path / "crosswalk-1000.db"),))
    proven = set()
    for account in mapping.accounts:
        there = {row[account.column] for row in outcome.rows(account.target)}
        rows = connection.execute(account.sql).fetchall()
        (count,) = connection.execute(f'SELECT count(*) FROM "{account.source}"').fetchone()
        assert len({source_id for source_id, _, _ in rows}) == len(rows) == count, account.source
        for source_id, entity, key in rows:
            if key is not None and outcome.ids.derive(entity, key) in there:
                proven.add((account.source, source_id))
            elif not any(other.source == account.source for other in mapping.accounts if other != account):
                assert (account.source, source_id) in fates
    connection.close()
    assert len(proven | fates) == len(proven) + len(fates - proven) and len(proven) > 40
