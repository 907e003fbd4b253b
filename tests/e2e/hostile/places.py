"""The places in which secrets may legally be given, and every command run with them, looked at each time."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
import psycopg
from psycopg import sql

from migrate.cli.main import cli
from migrate.postgres.embedded import EmbeddedServer
from tests.e2e.hostile.target import PASSWORD, Owned
from tests.e2e.hostile.watch import found_in
from tests.tools.commands import Done, migrate, tables_of

ID_SECRET: Final = "id-secret-sixteen'characters%"
#: SOURCE, TARGET (without a password), OUT and USER stand for what differs from place to place.
COMMANDS: Final = (
    ("config",), ("config", "--json"), ("completion", "bash"), ("doctor",), ("doctor", "--json"),
    ("inspect",), ("inspect", "--json"),
    ("init", "--source", "SOURCE", "--out", "OUT", "--json"),
    ("init", "--source", "SOURCE", "--target", "TARGET", "--out", "OUT-2"),
    ("sample", "OUT.db", "--scale", "0.05"),
    ("plan",), ("plan", "--json"),
    ("verify", "-v"), ("run", "--yes", "-v"), ("run", "--yes", "--json"),
    ("status",), ("status", "--json"), ("receipt", "WORK/receipt.json"), ("report",), ("report", "--json"),
    ("ids", "users", "USER"), ("ids", "users", "USER", "--json"),
    ("verify", "--published", "--deep", "-v"), ("verify", "--published", "--json"),
    ("psql", "--", "-c", "SELECT 1"),
    ("rollback", "--yes", "--json"), ("rollback", "--yes"), ("rollback", "--yes", "--undo"),
    ("run", "--yes", "--fresh"), ("rollback", "--yes"),
)  # fmt: skip
#: What removes the evidence, or takes minutes.
LAST: Final = (("clean", "--yes", "--json"),)
LONG: Final = (("rehearse", "--json"),)
#: Enough where the same secrets are given in another place.
FEW: Final = (
    ("plan", "--json"), ("run", "--yes", "-v"), ("ids", "users", "USER"), ("verify", "--published", "-v"),
    ("psql", "--", "-c", "SELECT 1"), ("rollback", "--yes"),
)  # fmt: skip
FEWER: Final = (("doctor",), ("config",), ("run", "--yes", "-v"), ("psql", "--", "-c", "SELECT 1"))
#: People's data and nothing else is in these; the id secret that was made is in the state file alone.
HELD: Final = ("snapshot.db", "crosswalk.db", "crosswalk.partial.db", "target.dump", "snapshot.partial.db")


@dataclass
class Place:
    """Where the secrets are given: variables, and the text of a configuration file."""

    name: str
    variables: dict[str, str]
    config: str = ""
    made: bool = False
    commands: tuple[tuple[str, ...], ...] = FEW
    words: dict[str, str] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    work: Path = Path()
    #: What no file may hold, and modes that no file may have: command and path.
    found: set[tuple[str, str, str]] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    ledger: str = ""

    def run_all(self, home: Path, needles: dict[str, set[str]], admin: str | None) -> None:
        """Run the commands one after the other, and look at the work folder after each."""
        home.mkdir()
        self.work = home / "work"
        config = home / "config.toml"
        config.write_text(self.config)
        words = {**self.words, "OUT": str(home / "out"), "WORK": str(self.work)}
        for command in self.commands:
            if command in LAST and admin is not None:
                self.ledger = ledger_of(admin)
            typed = [_fill(word, words) for word in command]
            options = [*_option(typed[0], "work", self.work), *_option(typed[0], "config", config)]
            at = typed.index("--") if "--" in typed else len(typed)
            # 1: `init` judges whether all of the data would fit a target that is there.
            done = migrate(*typed[:at], *options, *typed[at:], code=None, cwd=home, **self.variables)
            assert done.code in ((0, 1) if typed[0] == "init" else (0,)), f"{typed}: {done.err}"
            self.done.append(done)
            for folder in (self.work, home / "out", home / "out-2"):
                self._look(typed[0], folder, needles)
        if admin is not None and not self.ledger:
            self.ledger = ledger_of(admin)

    def _look(self, command: str, folder: Path, needles: dict[str, set[str]]) -> None:
        clusters = [self.work / "postgres", self.work / "rehearsal" / "postgres"]
        for path in [folder, *folder.rglob("*")] if folder.exists() else []:
            if any(cluster in [path, *path.parents] for cluster in clusters):
                continue
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            if mode not in ((0o700,) if path.is_dir() else (0o600, 0o400)):
                self.found.add((command, str(path), f"{mode:o}"))
            if path.is_file() and path.name not in HELD:
                self.files.add(path.name)
                self.found |= {(command, str(path), what) for what in found_in(path.read_bytes(), needles)}
        for state in folder.rglob("state.json"):
            self.kept.add(json.loads(state.read_text())["id_secret"])


def _fill(word: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        if word == name or word.startswith((f"{name}.", f"{name}-", f"{name}/")):
            return value + word.removeprefix(name)
    return word


def _option(command: str, name: str, value: Path) -> list[str]:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return [f"--{name}", str(value)] if any(one.name == name for one in found.params) else []


def ledger_of(admin: str) -> str:
    """Return everything the ledger holds as text, but for the id secret's own row."""
    found = []
    with psycopg.connect(admin) as connection:
        for table in tables_of(connection, "migrate_ledger"):
            name = sql.Identifier("migrate_ledger", table)
            for (row,) in connection.execute(sql.SQL("SELECT t::text FROM {} t").format(name)):
                found.append(f"{table} {row}")
    return "\n".join(line for line in found if not line.startswith("setting (id_secret"))


def places_of(owned: Owned, url: str, token: str, folder: Path) -> list[Place]:
    """Return every place: variables, a file, URLs, libpq's own files, and the embedded target."""
    turso = {"TURSO_DATABASE_URL": url, "TURSO_AUTH_TOKEN": token}
    secret = {"MIGRATE__IDS__SECRET": ID_SECRET}
    source = f"{url}?authToken={token}"
    host, _, rest = owned.place.partition(":")
    port, _, database = rest.partition("/")
    database = database.partition("?")[0]
    libpq = _files_of_libpq(folder, host=host, port=port, dbname=database, user=owned.role)
    word = owned.url().split(":", 2)[2].rpartition("@")[0]
    mark = "&" if "?" in owned.place else "?"
    return [
        Place(
            "variables", {**turso, **secret, "MIGRATE__TARGET__URL": owned.url(), "PGPASSWORD": PASSWORD},
            commands=COMMANDS + LAST,
        ),
        Place(
            "file", {"PGPASSWORD": PASSWORD},
            f"[source]\nurl = {json.dumps(source)}\n[target]\nurl = {json.dumps(owned.bare_url())}\n"
            f"[ids]\nsecret = {json.dumps(ID_SECRET)}\n",
        ),
        Place("URLs", {"TURSO_DATABASE_URL": source, "DATABASE_URL": owned.url()},
              '[target]\nurl_env = "DATABASE_URL"\n', made=True),
        Place("query", {**turso, **secret, "DATABASE_URL": f"{owned.bare_url()}{mark}password={word}"},
              '[target]\nurl_env = "DATABASE_URL"\n', commands=FEWER),
        Place("files of libpq", {**turso, **secret, **libpq, "MIGRATE__TARGET__URL": "postgresql:///?service=app"},
              commands=FEWER),
        Place("embedded", turso, made=True),
    ]  # fmt: skip


def _files_of_libpq(folder: Path, **settings: str) -> dict[str, str]:
    """Write a service file and a password file; return the variables that name them."""
    service, passwords = folder / "services.conf", folder / "pgpass"
    service.write_text("[app]\nsslmode=disable\n" + "".join(f"{k}={v}\n" for k, v in settings.items()))
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    passwords.touch(0o600)
    passwords.write_text(f"*:*:*:*:{escaped}\n")
    return {"PGSERVICEFILE": str(service), "PGPASSFILE": str(passwords)}


def forget(owned: Owned) -> None:
    """Remove what a place left in the database, for the next one."""
    owned.run("DROP SCHEMA IF EXISTS migrate_ledger, migrate_staging CASCADE")


def destroy(place: Place) -> None:
    """Remove the embedded servers of a place."""
    for folder in (place.work, place.work / "rehearsal"):
        EmbeddedServer(folder).destroy()
