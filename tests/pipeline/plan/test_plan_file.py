"""A plan that is kept is run as it is, or refused where anything has changed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import psycopg
import pytest

from migrate.source.sample.target import seed_target
from migrate.source.sample.write import write_sample
from tests.tools.commands import migrate, query


@pytest.fixture
def ends(database: str, tmp_path: Path) -> dict[str, str]:
    with psycopg.connect(database, autocommit=True) as connection:
        seed_target(connection)
    write_sample(tmp_path / "legacy.db", scale=0.02)
    return {
        "MIGRATE__SOURCE__URL": str(tmp_path / "legacy.db"),
        "MIGRATE__TARGET__URL": database,
        "MIGRATE__IDS__SECRET": "an id secret of the tests",
    }


@pytest.fixture
def plan(work: Path, ends: dict[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    migrate("plan", "--work", str(work), "--out", str(path), **ends)
    assert path.stat().st_mode & 0o777 == 0o600
    return path


def run(work: Path, plan: Path, ends: dict[str, str], code: int) -> str:
    return migrate("run", "--work", str(work), "--yes", "--plan", str(plan), code=code, **ends).err


def published(ends: dict[str, str]) -> bool:
    return bool(
        query(
            ends["MIGRATE__TARGET__URL"],
            "SELECT 1 WHERE to_regclass('migrate_ledger.publication') IS NOT NULL",
        )
    )


def test_a_plan_that_holds_is_run_and_goes_on_after_a_kill(
    work: Path, plan: Path, ends: dict[str, str]
) -> None:
    words = ("run", "--work", str(work), "--yes", "--plan", str(plan))
    migrate(*words, code=None, **ends, MIGRATE_KILL_AT="messages:batch")
    run(work, plan, ends, 0)
    assert published(ends)


def test_a_source_that_has_changed_makes_the_plan_stale(work: Path, plan: Path, ends: dict[str, str]) -> None:
    with sqlite3.connect(ends["MIGRATE__SOURCE__URL"]) as connection:
        connection.execute("DELETE FROM shows_messages WHERE id = (SELECT min(id) FROM shows_messages)")
    connection.close()
    said = run(work, plan, ends, 2)
    assert "changed: the source" in said
    assert "shows_messages:" in said
    assert not published(ends)


@pytest.mark.parametrize(
    "statement", ["UPDATE users SET username = username || 'x'", "ALTER TABLE users ADD COLUMN nickname text"]
)
def test_a_target_that_has_changed_makes_the_plan_stale(
    work: Path, plan: Path, ends: dict[str, str], statement: str
) -> None:
    with psycopg.connect(ends["MIGRATE__TARGET__URL"], autocommit=True) as connection:
        connection.execute(statement.encode())
    assert "changed: the target" in run(work, plan, ends, 2)
    assert not published(ends)


@pytest.mark.slow
def test_another_configuration_makes_the_plan_stale(work: Path, plan: Path, ends: dict[str, str]) -> None:
    other = {**ends, "MIGRATE__MAPPERS__REVIEWS__RATING": "4"}
    assert "changed: the configuration" in run(work, plan, other, 2)


@pytest.mark.slow
def test_a_plan_of_another_version_of_the_program_is_stale(
    work: Path, plan: Path, ends: dict[str, str]
) -> None:
    facts = json.loads(plan.read_text())
    facts["marks"]["code"] += ".older"
    plan.write_text(json.dumps(facts))
    said = run(work, plan, ends, 2)
    assert "changed: the program's version" in said
    assert "migrate plan --out" in said
    assert not published(ends)


def test_what_is_no_plan_is_reported(work: Path, tmp_path: Path, ends: dict[str, str]) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert "is not a plan" in run(work, tmp_path / "x.json", ends, 2)
    assert "is not a plan" in run(work, tmp_path / "missing.json", ends, 2)
