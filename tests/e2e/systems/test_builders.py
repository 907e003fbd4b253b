"""The three systems' databases: exact schema, documented sizes, every trap, the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from migrate.runtime.settings.source import SourceSettings
from tests.e2e.systems.build import RECIPES
from tests.e2e.systems.contents import contents, ordinary_tables
from tests.snapshot.snapshots import take

HERE = Path(__file__).parent
DOCUMENTED = {name: json.loads((HERE / f"{name}.json").read_text()) for name in RECIPES}
TRAPS = [
    pytest.param(name, trap.seen, id=f"{name}: {trap.name}")
    for name, recipe in RECIPES.items()
    for trap in recipe.traps
]
_BUILD_ALL = """
import hashlib, sys
from pathlib import Path
from tests.e2e.systems.build import RECIPES, build
for name in RECIPES:
    print(name, hashlib.sha256(build(name, Path(sys.argv[1]) / name).read_bytes()).hexdigest())
"""


@pytest.fixture(params=RECIPES)
def name(request: pytest.FixtureRequest) -> str:
    """The name of each system."""
    return str(request.param)


@pytest.fixture
def documented(name: str) -> list[dict[str, Any]]:
    """The tables that the system has, as documented."""
    found: list[dict[str, Any]] = DOCUMENTED[name]["tables"]
    return found


@pytest.fixture
def connection(name: str, systems: Mapping[str, Path]) -> Iterator[sqlite3.Connection]:
    """A connection to the system's database."""
    with closing(sqlite3.connect(systems[name])) as opened:
        yield opened


def count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])


def indexes(
    connection: sqlite3.Connection, table: str, origin: str
) -> set[tuple[str, tuple[str, ...], bool]]:
    found = connection.execute(
        'SELECT name, "unique" FROM pragma_index_list(?) WHERE origin = ? AND NOT partial', (table, origin)
    ).fetchall()
    return {
        (index, tuple(row[2] for row in connection.execute(f'PRAGMA index_info("{index}")')), bool(unique))
        for index, unique in found
    }


def test_the_tables_are_the_documented_ones(
    name: str, documented: list[dict[str, Any]], systems: Mapping[str, Path]
) -> None:
    assert ordinary_tables(systems[name]) == {table["name"] for table in documented}


def test_columns_have_their_names_types_defaults_and_keys(
    connection: sqlite3.Connection, documented: list[dict[str, Any]]
) -> None:
    for table in documented:
        expected = [
            (
                one["name"],
                one["type"],
                one.get("not_null", False),
                one.get("default"),
                one.get("primary_key", 0),
            )
            for one in table["columns"]
        ]
        found = connection.execute(f'PRAGMA table_info("{table["name"]}")')
        assert [(n, t, bool(required), d, k) for _, n, t, required, d, k in found] == expected


def test_keys_count_up_where_documented(
    connection: sqlite3.Connection, documented: list[dict[str, Any]]
) -> None:
    counting = {t["name"] for t in documented if any(c.get("autoincrement") for c in t["columns"])}
    found = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
    assert {table for (table,) in found} == counting


def test_foreign_keys_are_the_documented_ones(
    connection: sqlite3.Connection, documented: list[dict[str, Any]]
) -> None:
    for table in documented:
        expected = sorted(
            (column, one["table"], parent, one.get("on_delete", "no action").upper())
            for one in table.get("foreign_keys", ())
            for column, parent in zip(one["columns"], one["references"], strict=True)
        )
        found = connection.execute(f'PRAGMA foreign_key_list("{table["name"]}")')
        assert sorted((row[3], row[2], row[4], row[6]) for row in found) == expected


def test_indexes_are_the_documented_ones(
    connection: sqlite3.Connection, documented: list[dict[str, Any]]
) -> None:
    for table in documented:
        expected = {
            (one["name"], tuple(one["columns"]), one.get("unique", False)) for one in table.get("indexes", ())
        }
        assert indexes(connection, table["name"], "c") == expected
        unique = {tuple(columns) for columns in table.get("unique", ())}
        assert {columns for _, columns, _ in indexes(connection, table["name"], "u")} == unique


def test_views_triggers_and_full_text_are_the_documented_ones(
    name: str, connection: sqlite3.Connection
) -> None:
    of_kind = "SELECT name, tbl_name FROM sqlite_master WHERE type = ?"
    whole = DOCUMENTED[name]
    views = {view for view, _ in connection.execute(of_kind, ("view",))}
    assert views == set(whole.get("views", ()))
    triggers = set(connection.execute(of_kind, ("trigger",)))
    assert triggers == {(one["name"], one["table"]) for one in whole.get("triggers", ())}
    virtual = {
        (found, sql.split("fts5(")[1].replace(" ", "").rstrip(")"))
        for found, sql in connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
        )
    }
    assert virtual == {(one["name"], "".join(one["arguments"])) for one in whole.get("virtual_tables", ())}


def test_views_can_be_asked(name: str, connection: sqlite3.Connection) -> None:
    assert all(count(connection, view) for view in DOCUMENTED[name].get("views", ()))


def test_the_marketplace_has_29_users_23_jobs_and_23_left_over_tables(systems: Mapping[str, Path]) -> None:
    tables = DOCUMENTED["marketplace"]["tables"]
    left_over = [table["name"] for table in tables if table.get("left_over")]
    with closing(sqlite3.connect(systems["marketplace"])) as connection:
        assert (count(connection, "users"), count(connection, "jobs")) == (29, 23)
        assert all(count(connection, table) for table in left_over)
    assert (len(tables) - len(left_over), len(left_over)) == (44, 23)


def test_the_talent_platform_has_thousands_of_rows(systems: Mapping[str, Path]) -> None:
    with closing(sqlite3.connect(systems["talent"])) as connection:
        found = {table: count(connection, table) for table in ("users", "projects", "proposals", "messages")}
        total = sum(count(connection, table["name"]) for table in DOCUMENTED["talent"]["tables"])
    assert min(found.values()) > 1_000
    assert 20_000 < total < 80_000


def test_the_interview_site_has_more_than_80_000_rows(systems: Mapping[str, Path]) -> None:
    with closing(sqlite3.connect(systems["interview"])) as connection:
        found = [count(connection, table["name"]) for table in DOCUMENTED["interview"]["tables"]]
    assert sum(found) > 80_000
    assert all(found)


@pytest.mark.parametrize(("trapped", "seen"), TRAPS)
def test_the_trap_is_there(systems: Mapping[str, Path], trapped: str, seen: str) -> None:
    with closing(sqlite3.connect(systems[trapped])) as connection:
        (shown,) = connection.execute(seen).fetchone()
    assert shown > 0


def test_a_broken_check_is_found_by_a_connection_that_may_write(systems: Mapping[str, Path]) -> None:
    with closing(sqlite3.connect(systems["talent"])) as connection:
        found = {message for (message,) in connection.execute("PRAGMA integrity_check")}
    assert found == {"CHECK constraint failed in reviews"}


def test_references_dangle_only_where_planted(name: str, connection: sqlite3.Connection) -> None:
    dangling = {(child, parent) for child, _, parent, _ in connection.execute("PRAGMA foreign_key_check")}
    assert (
        dangling
        == {
            "marketplace": {("bids", "jobs"), ("messages", "users")},
            "talent": {("proposals", "projects"), ("messages", "conversations")},
            "interview": {("channel_mappings", "questions"), ("question_relationships", "questions")},
        }[name]
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati"},
        {"PYTHONHASHSEED": "77", "TZ": "America/St_Johns", "POLARS_MAX_THREADS": "1"},
    ],
    ids=["east", "west, one thread"],
)
def test_the_bytes_depend_on_no_clock_zone_or_hash_seed(
    systems: Mapping[str, Path], environment: Mapping[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BUILD_ALL, str(tmp_path)],
        env=os.environ | environment, cwd=HERE.parent.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    built = dict(line.split() for line in done.stdout.splitlines())
    assert built == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in systems.items()}


def test_a_snapshot_holds_every_row_of_every_table(
    name: str, systems: Mapping[str, Path], work: Path
) -> None:
    facts = take(str(systems[name]), work, SourceSettings())
    tables = ordinary_tables(systems[name])
    assert {one.name for one in facts.tables} == tables
    assert contents(facts.path, tables) == contents(systems[name], tables)
