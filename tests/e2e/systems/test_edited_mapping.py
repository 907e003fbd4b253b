"""A draft that an operator has edited in every way that the page names, run to its end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.tools.commands import migrate, query

SOURCE = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, plan TEXT NOT NULL, notes TEXT, joined TEXT);
CREATE TABLE jobs (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES users (id), watchers TEXT,
  meta TEXT, price TEXT, state TEXT, doc TEXT);
CREATE TABLE jobs_backup AS SELECT * FROM jobs;
CREATE TABLE log (id INTEGER PRIMARY KEY, line TEXT);
INSERT INTO users VALUES (1, 'Ann', 'free', 'x', 'CURRENT_TIMESTAMP'), (2, 'Bo', 'pro', NULL, '2024-01-02'),
  (3, 'Cy', 'free', NULL, '2024-01-02 03:04:05');
INSERT INTO jobs VALUES
  (1, 1, '1,2', '{"by":{"userId":1},"seen":[2,3]}', '12.50', 'open', '{"a":1}'),
  (2, 9, '3, 77', '{"by":{"userId":77},"seen":[]}', 'free', 'done', 'plain'),
  (3, 2, '', NULL, NULL, 'odd', NULL);
INSERT INTO jobs_backup SELECT * FROM jobs WHERE id = 1;
INSERT INTO log VALUES (1, 'a');
"""
MAPPING = """
version = 1
[tables.jobs]
target = "proposals"
key = ["id"]
ids = "cuid"
constants = { origin = "legacy" }
[tables.jobs.columns]
id = { to = "id", as = "id" }
owner = { to = "owner_id", as = "reference", of = "users", dangling = "placeholder" }
watchers = { to = "watchers", as = "references", of = "users", dangling = "null", empty = "null" }
meta = { to = "meta", as = "json", ids = [
  { path = "$.by.userId", of = "users", dangling = "null" }, { path = "$.seen[*]", of = "users" }] }
price = { to = "price", as = "decimal", scale = 2, otherwise = "default", default = 0 }
state = { to = "state", as = "enum", values = { open = "OPEN", done = "CLOSED" }, otherwise = "null" }
doc = { to = "doc", as = "json", invalid = "null" }
[tables.jobs_backup]
target = "old_jobs"
key = ["id"]
ids = "keep"
[tables.jobs_backup.columns]
id = { to = "id", as = "integer" }
owner = { to = "owner", as = "reference", of = "users", dangling = "keep" }
watchers = { drop = "as in jobs" }
meta = { drop = "as in jobs" }
price = { drop = "as in jobs" }
state = { drop = "as in jobs" }
doc = { drop = "as in jobs" }
[tables.log]
left_out = "nobody reads it"
[tables.users]
target = "users"
key = ["id"]
ids = "cuid"
placeholder = { name = "missing {key}", plan = "NONE" }
[tables.users.columns]
id = { to = "id", as = "id" }
name = { to = "name", as = "text" }
plan = { to = "plan", as = "enum", values = { free = "FREE", pro = "PRO" } }
notes = { drop = "empty since 2019" }
joined = { to = "joined", as = "timestamp", now = "default", default = "2020-01-01" }
"""
TARGET = """
CREATE TYPE "Plan" AS ENUM ('FREE', 'PRO', 'NONE');
CREATE TYPE "State" AS ENUM ('OPEN', 'CLOSED');
CREATE TABLE "users" ("id" TEXT NOT NULL, "name" TEXT NOT NULL, "plan" "Plan" NOT NULL,
  "joined" TIMESTAMP(3) NOT NULL, CONSTRAINT "users_pkey" PRIMARY KEY ("id"));
CREATE TABLE "proposals" ("id" TEXT NOT NULL, "owner_id" TEXT NOT NULL, "watchers" TEXT, "meta" JSONB,
  "price" DECIMAL(12,2), "state" "State", "doc" JSONB, "origin" TEXT NOT NULL,
  CONSTRAINT "proposals_pkey" PRIMARY KEY ("id"));
CREATE TABLE "old_jobs" ("id" INTEGER NOT NULL, "owner" TEXT, CONSTRAINT "old_jobs_pkey" PRIMARY KEY ("id"));
ALTER TABLE "proposals" ADD CONSTRAINT "proposals_owner_id_fkey" FOREIGN KEY ("owner_id")
  REFERENCES "users"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
"""

Run = Callable[..., Any]


@pytest.fixture
def run(database: str, tmp_path: Path) -> Run:
    """Types a command with the edited files."""
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as source:
        source.executescript(SOURCE)
    out = tmp_path / "mapping"
    migrate("init", "--source", str(tmp_path / "legacy.db"), "--out", str(out))
    (out / "mapping.toml").write_text(MAPPING)
    (out / "init.sql").write_text(TARGET)
    where = ("--config", str(out / "config.toml"), "--work", str(tmp_path / "work"))
    return lambda *words, **more: migrate(*words, *where, MIGRATE__TARGET__URL=database, **more)


def test_everything_that_can_be_said_in_the_file_is_done(run: Run, database: str) -> None:
    summary = run("run", "--yes", "--json").json()
    assert all(not flow["rejected"] for flow in summary["flows"])
    assert summary["left_out"] == {"log": ["nobody reads it", 1]}
    ids = dict(query(database, "SELECT legacy_id, new_id FROM migrate_ledger.id_map WHERE entity = 'users'"))
    assert query(database, "SELECT name, plan::text, joined::date::text FROM users ORDER BY name") == [
        ("Ann", "FREE", "2020-01-01"), ("Bo", "PRO", "2024-01-02"), ("Cy", "FREE", "2024-01-02"),
        ("missing 9", "NONE", "1970-01-01"),
    ]  # fmt: skip
    jobs = (
        "SELECT u.name, p.watchers, p.meta::text, p.price::text, p.state::text, p.doc::text, p.origin"
        " FROM proposals p JOIN users u ON u.id = p.owner_id ORDER BY u.name"
    )
    ann, bo, missing = query(database, jobs)
    assert ann[1] == f"{ids['1']},{ids['2']}"
    assert json.loads(ann[2]) == {"by": {"userId": ids["1"]}, "seen": [ids["2"], ids["3"]]}
    assert ann[3:] == ("12.50", "OPEN", '{"a": 1}', "legacy")
    assert bo == ("Bo", None, None, "0.00", None, None, "legacy")
    assert (missing[0], missing[1], json.loads(missing[2])) == (
        "missing 9", ids["3"], {"by": {"userId": None}, "seen": []},
    )  # fmt: skip
    assert missing[3:] == ("0.00", "CLOSED", None, "legacy")
    assert query(database, "SELECT id, owner FROM old_jobs") == [(1, ids["1"])]
    lost = {(one["table"], one["column"], one["rule"]) for one in summary["changed"] if one["lost"]}
    assert lost == {
        ("jobs", "doc", "invalid_json_left_out"), ("jobs", "meta", "unknown_id_left_out"),
        ("jobs", "price", "decimal_out_of_range_replaced"), ("jobs", "price", "null_replaced"),
        ("jobs", "state", "invalid_enum_left_out"), ("jobs", "watchers", "dangling_left_out"),
        ("users", "joined", "current_timestamp_text_replaced"),
    }  # fmt: skip


def test_a_legacy_id_that_survives_inside_of_a_cell_is_found(run: Run, database: str) -> None:
    run("run", "--yes")
    checks = {
        check["name"]: check for check in run("verify", "--published", "--deep", "--json").json()["checks"]
    }
    assert checks["hidden_ids"]["applies"]
    assert checks["hidden_ids"]["looked_at"] == 9
    query(
        database,
        "UPDATE proposals SET meta = jsonb_set(meta, '{seen,0}', '2') WHERE state = 'OPEN' RETURNING 1",
    )
    assert "hidden_ids" in run("verify", "--published", code=1).err
    run("rollback", "--yes", "--discard-changes")
    assert query(database, "SELECT count(*) FROM users") == [(0,)]
