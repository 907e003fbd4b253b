"""A small fleet: a folder of tenants' databases, a mapping, a target with its tables."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from migrate.pipeline.fleet.coordinator import retry, run_fleet
from migrate.pipeline.fleet.ledger import FleetLedger, Line
from migrate.pipeline.fleet.open_fleet import make_fleet, open_fleet
from migrate.pipeline.fleet.tenant_rollback import roll_back_tenants
from migrate.pipeline.fleet.tenants import read_tenants
from migrate.pipeline.run_mode import RunMode
from migrate.runtime.config import load_config
from migrate.staging.ledger import Ledger

#: Equal ids in every tenant; the person 9 refers to no row, and is rejected with her message.
SOURCE = """
CREATE TABLE plans (id INTEGER PRIMARY KEY, code TEXT NOT NULL, label TEXT);
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, plan INTEGER REFERENCES plans, boss INTEGER);
CREATE TABLE notes (id INTEGER PRIMARY KEY, author INTEGER REFERENCES people, body TEXT);
INSERT INTO plans VALUES ({shift} + 1, 'free', 'Free'), ({shift} + 2, 'pro', '{label}');
INSERT INTO people VALUES (1, 'shared@example.org', {shift} + 1, NULL),
  (2, '{name}@example.org', {shift} + 2, 1),
  (9, 'lost@example.org', {shift} + 1, 77);
INSERT INTO notes VALUES (1, 1, 'a note of {name}'), (2, 2, NULL), (3, 9, 'lost');
"""
MAPPING = """
version = 1
[fleet]
{layout}
[tables.plans]
target = "Plan"
key = ["id"]
ids = "cuid"
{scope}
columns.id = {{to = "id", as = "id"}}
columns.code = {{to = "code"}}
columns.label = {{to = "label"}}
[tables.people]
target = "Person"
key = ["id"]
ids = "cuid"
columns.id = {{to = "id", as = "id"}}
columns.email = {{to = "email"}}
columns.plan = {{to = "planId", as = "reference", of = "plans", dangling = "reject"}}
columns.boss = {{to = "bossId", as = "reference", of = "people", dangling = "reject"}}
[tables.notes]
target = "Note"
key = ["id"]
ids = "cuid"
columns.id = {{to = "id", as = "id"}}
columns.author = {{to = "authorId", as = "reference", of = "people", dangling = "reject"}}
columns.body = {{to = "body"}}
"""
DDL = """
CREATE TABLE "Plan" (id text PRIMARY KEY, code text NOT NULL UNIQUE, label text);
CREATE TABLE "Person" ({tenant} id text PRIMARY KEY, email text,
  "planId" text NOT NULL REFERENCES "Plan" ON DELETE RESTRICT,
  "bossId" text REFERENCES "Person" ON DELETE RESTRICT,
  UNIQUE ({of}email));
CREATE TABLE "Note" ({tenant} id text PRIMARY KEY,
  "authorId" text NOT NULL REFERENCES "Person" ON DELETE RESTRICT, body text);
CREATE INDEX ON "Person" ("bossId");
CREATE INDEX ON "Note" ("authorId");
{index}"""
COLUMN = {"layout": 'column = "tenant_id"', "scope": 'scope = "shared"\nby = ["code"]'}
SCHEMAS = {"layout": 'schema = "per-tenant"', "scope": ""}


def add_tenant(folder: Path, name: str, shift: int = 0, label: str = "Pro", more: str = "") -> Path:
    """Write the database of one tenant."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(SOURCE.format(shift=shift, label=label, name=name) + more)
    return path


@dataclass
class World:
    """A fleet in the folder `at`, whose target is the database `url`."""

    at: Path
    url: str
    layout: dict[str, str] = field(default_factory=lambda: COLUMN)
    publish: str = "each"
    settings: str = "max_quarantined = 0.5"
    column: bool | None = None

    def __post_init__(self) -> None:
        self.at.mkdir(exist_ok=True)
        column = self.layout is COLUMN if self.column is None else self.column
        ddl = DDL.format(
            tenant="tenant_id text NOT NULL," if column else "",
            of="tenant_id, " if column else "",
            index='CREATE INDEX ON "Note" (tenant_id);' if column else "",
        )
        (self.at / "init.sql").write_text(ddl)
        (self.at / "mapping.toml").write_text(MAPPING.format(**self.layout))
        self.configure()

    def configure(self) -> None:
        """Write the configuration again."""
        (self.at / "config.toml").write_text(
            f'[target]\nurl = "{self.url}"\nschema = "init.sql"\n[mappers]\nmapping = "mapping.toml"\n'
            f'[ids]\nsecret = "a secret of sixteen letters"\n'
            f'[fleet]\ntenants = "{self.at / "tenants"}"\npublish = "{self.publish}"\nworkers = 0\n'
            f"{self.settings}\n"
        )

    @property
    def config(self) -> Path:
        """Return the path of the configuration."""
        return self.at / "config.toml"

    def run(self, mode: RunMode = RunMode.START, *, again: list[str] | None = None) -> list[Line]:
        """Migrate the fleet in this process, and return the lines of the ledger.

        With `again` tenants begin anew: these, or all that are quarantined if it is empty.
        """
        config = load_config(self.config)
        with open_fleet(config, self.at / "work", Notes(), mode) as run:
            fleet = make_fleet(run, read_tenants(config))
            if again is not None:
                retry(fleet, again)
            run_fleet(fleet)
        return self.lines()

    def roll_back(self, names: list[str], *, undo: bool = False) -> None:
        """Roll tenants back in this process, or undo it."""
        config = load_config(self.config)
        with open_fleet(config, self.at / "work", Notes(), RunMode.ROLLBACK) as run:
            roll_back_tenants(make_fleet(run, []), names, undo=undo)

    def lines(self) -> list[Line]:
        """Return what the ledger says of every tenant."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            return FleetLedger(Ledger(conn)).lines()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query returns."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            return conn.execute(query.encode()).fetchall()


class Notes:
    """Writes what a run reports, for a test that fails."""

    def begin(self, stage: str, total: int | None = None) -> None:
        """Report nothing."""

    def advance(self, rows: int) -> None:
        """Report nothing."""

    def doing(self, what: str) -> None:
        """Report nothing."""

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Report nothing."""

    def note(self, text: str) -> None:
        """Write the text."""
        sys.stdout.write(f"{text}\n")

    def detail(self, text: str) -> None:
        """Report nothing."""
