"""No command shows a token, a password, the id secret or anything about people, wherever it was given."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migrate.sample.legacy import write_sample
from migrate.target.embedded import EmbeddedServer
from tests.commands import Done, migrate, tables_of
from tests.hostile.target import PASSWORD, owned_database
from tests.hostile.watch import Watch, found_in, spellings
from tests.mappers.reference import cleaning
from tests.servers.libsql import LibsqlServer, Signer

pytestmark = pytest.mark.timeout(900)

ID_SECRET = "id-secret-sixteen'characters%"
COMMANDS = (
    ("plan",),
    ("plan", "--json"),
    ("verify", "-v"),
    ("run", "--yes", "-v"),
    ("run", "--yes", "--json"),
    ("status",),
    ("status", "--json"),
    ("report", "--json"),
    ("ids", "users", "ID"),
    ("ids", "users", "ID", "--json"),
    ("verify", "--published", "--deep", "-v"),
    ("verify", "--published", "--json"),
    ("psql", "--", "-c", "SELECT 1"),
    ("rollback", "--yes", "--json"),
    ("run", "--yes"),
    ("rollback", "--yes"),
)
#: Enough where the same secrets are given in another place.
FEW = (
    ("plan", "--json"),
    ("run", "--yes", "-v"),
    ("ids", "users", "ID"),
    ("verify", "--published", "-v"),
    ("psql", "--", "-c", "SELECT 1"),
    ("rollback", "--yes"),
)
WITHOUT_CONFIG = ("status", "report")
FILES = (
    "*.jsonl",
    "*.json",
    "report.html",
    "run.lock",
    "backups/*/*.json",
    "rehearsal/*.json*",
    "rehearsal/report.html",
    "rehearsal/backups/*/*.json",
)


@dataclass
class Place:
    """Where the secrets are given: variables, and the text of a configuration file."""

    name: str
    variables: dict[str, str]
    config: str = ""
    made: bool = False
    commands: tuple[tuple[str, ...], ...] = FEW
    done: list[Done] = field(default_factory=list)
    work: Path = Path()


@dataclass
class World:
    places: list[Place]
    secrets: dict[str, str]
    people: set[str]
    watch: Watch
    ledgers: dict[str, str] = field(default_factory=dict)

    @property
    def needles(self) -> dict[str, set[str]]:
        return {name: spellings(secret) for name, secret in self.secrets.items()} | {"people": self.people}


def people_in(legacy: Path) -> set[str]:
    """Return addresses, password hashes, names and messages of the legacy database, as they stand."""
    found: set[str] = set()
    connection = sqlite3.connect(legacy)
    for table in ("users", "shows_users", "community_users"):
        rows = connection.execute(f"SELECT email, password FROM {table}").fetchall()
        found |= {text.strip() for row in rows for text in row if text and len(text.strip()) > 7}
    for table in ("shows_messages", "community_messages"):
        rows = connection.execute(f"SELECT message FROM {table}").fetchall()
        found |= {text[:40] for (text,) in rows if text and len(text) > 15}
    rows = connection.execute(
        "SELECT meta_value FROM shows_usermeta WHERE meta_key IN ('about', 'phone', 'last_name', 'address')"
    ).fetchall()
    found |= {text for (text,) in rows if len(text) > 8}
    connection.close()
    return {text.replace("\x00", "") for text in found}


@pytest.fixture(scope="module")
def world(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("secrets")
    legacy, signer = folder / "legacy.db", Signer()
    write_sample(legacy, scale=0.05, seed=3)
    token = signer.token(access="ro")
    with (
        owned_database(postgres) as owned,
        LibsqlServer(folder / "sqld", content=legacy, signer=signer) as libsql,
    ):
        owned.run("GRANT CREATE ON DATABASE {database} TO {role}")
        source = f"{libsql.url}?authToken={token}"
        places = [
            Place(
                "variables",
                {
                    "TURSO_DATABASE_URL": libsql.url,
                    "TURSO_AUTH_TOKEN": token,
                    "MIGRATE__TARGET__URL": owned.url(),
                    "MIGRATE__IDS__SECRET": ID_SECRET,
                },
                commands=COMMANDS,
            ),
            Place(
                "file",
                {"PGPASSWORD": PASSWORD},
                f"[source]\nurl = {json.dumps(source)}\n[target]\nurl = {json.dumps(owned.bare_url())}\n"
                f"[ids]\nsecret = {json.dumps(ID_SECRET)}\n",
            ),
            Place(
                "URLs",
                {"TURSO_DATABASE_URL": source, "DATABASE_URL": owned.url()},
                '[target]\nurl_env = "DATABASE_URL"\n',
                made=True,
            ),
            Place("embedded", {"TURSO_DATABASE_URL": libsql.url, "TURSO_AUTH_TOKEN": token}, made=True),
        ]
        secrets = {"token": token, "password": PASSWORD, "id secret": ID_SECRET}
        people = people_in(legacy)
        assert len(people) > 100
        world = World(places, secrets, people, Watch(owned.admin, secrets, people))
        with world.watch:
            for place in places:
                _run_all(place, folder, somebody(legacy))
                if place.name != "embedded":
                    world.ledgers[place.name] = _ledger(owned.admin)
                    owned.run("DROP SCHEMA IF EXISTS migrate_ledger, migrate_staging CASCADE")
        yield world


def somebody(legacy: Path) -> str:
    """Return the id of somebody who is surely migrated."""
    connection = sqlite3.connect(legacy)
    rows = connection.execute("SELECT id, email FROM shows_users ORDER BY id").fetchall()
    connection.close()
    return next(str(number) for number, address in rows if cleaning.email(address))


def _run_all(place: Place, folder: Path, user: str) -> None:
    home = folder / place.name
    home.mkdir()
    place.work = home / "work"
    config = home / "config.toml"
    config.write_text(place.config)
    for command in place.commands:
        words = tuple(user if word == "ID" else word for word in command)
        options = ["--work", str(place.work)]
        if words[0] not in WITHOUT_CONFIG:
            options += ["--config", str(config)]
        at = words.index("--") if "--" in words else len(words)
        place.done.append(migrate(*words[:at], *options, *words[at:], **place.variables))
    place.done.append(migrate("sample", str(home / "sample.db"), "--scale", "0.05", **place.variables))


def _ledger(admin: str) -> str:
    """Return everything the ledger holds as text, but for the id secret's own row."""
    found = []
    with psycopg.connect(admin) as connection:
        for table in tables_of(connection, "migrate_ledger"):
            name = sql.Identifier("migrate_ledger", table)
            for (row,) in connection.execute(sql.SQL("SELECT t::text FROM {} t").format(name)):
                found.append(f"{table} {row}")
    return "\n".join(line for line in found if not line.startswith("setting (id_secret"))


def test_no_command_prints_a_secret_or_anything_about_people(world: World) -> None:
    for place in world.places:
        for done in place.done:
            assert found_in(done.out + done.err, world.needles) == set(), place.name


def test_no_file_but_snapshot_and_dump_holds_any(world: World) -> None:
    for place in world.places:
        paths = [path for pattern in FILES for path in place.work.glob(pattern)]
        assert {"log.jsonl", "state.json", "summary.json", "checks.json", "report.html"} <= {
            path.name for path in paths
        }
        for path in paths:
            assert found_in(path.read_bytes(), world.needles) == set(), path


def test_a_made_id_secret_is_in_ledger_and_state_alone(world: World) -> None:
    for place in (place for place in world.places if place.made):
        kept = json.loads((place.work / "state.json").read_text())["id_secret"]
        assert len(kept) >= 16
        texts = "".join(done.out + done.err for done in place.done) + world.ledgers.get(place.name, "")
        assert kept not in texts
        holders = [
            path.relative_to(place.work)
            for path in place.work.rglob("*")
            if path.is_file() and kept.encode() in path.read_bytes()
        ]
        assert {path.name for path in holders} <= {"state.json", "previous-state.json"}, holders
        other = [p for p in world.places if not p.made]
        assert all(not json.loads((p.work / "state.json").read_text())["id_secret"] for p in other)


def test_the_ledger_holds_none(world: World) -> None:
    for name, text in world.ledgers.items():
        assert "shows_users" in text
        assert found_in(text, world.needles) == set(), name


def test_nobody_sees_any_in_processes_and_sessions(world: World) -> None:
    assert {"pg_dump", "pg_restore"} <= world.watch.programs
    assert "migrate" in world.watch.sessions
    assert world.watch.seen == set()


def test_the_work_folder_is_its_owners_alone(world: World) -> None:
    for place in world.places:
        clusters = [place.work / "postgres", place.work / "rehearsal" / "postgres"]
        for path in [place.work, *place.work.rglob("*")]:
            if not any(cluster in [path, *path.parents] for cluster in clusters):
                mode = stat.S_IMODE(os.lstat(path).st_mode)
                assert mode in ((0o700,) if path.is_dir() else (0o600, 0o400)), f"{path} {mode:o}"
