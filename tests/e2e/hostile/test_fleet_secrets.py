"""No command of a fleet shows a tenant's token, the target's password, the id secret or a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.embedded import EmbeddedServer
from tests.e2e.hostile.places import HELD, ID_SECRET, ledger_of
from tests.e2e.hostile.target import PASSWORD, owned_database
from tests.e2e.hostile.watch import Watch, found_in, spellings
from tests.pipeline.fleet.world import COLUMN, World, add_tenant
from tests.servers.libsql import LibsqlServer, Signer
from tests.tools.commands import migrate

#: Of all the commands of a fleet; what changes rows is run with processes of its own, too.
COMMANDS = (
    "plan", "plan --json", "run --workers 2 --yes -v", "status", "status --json", "report",
    "rollback --tenant acme --yes", "rollback --tenant acme --undo --yes",
    "retry --tenant bolt --workers 0 --yes",
    "run --workers 0 --fresh --yes --json",
)  # fmt: skip
_PEOPLE = {"shared@example.org", "acme@example.org", "bolt@example.org", "a note of acme", "a note of bolt"}


@pytest.mark.slow
def test_no_command_of_a_fleet_shows_a_secret(tmp_path: Path, postgres: EmbeddedServer) -> None:
    signer = Signer()
    token = signer.token(access="ro", expires_in=None)
    secrets = {"token": token, "password": PASSWORD, "id secret": ID_SECRET}
    needles = {name: spellings(secret) for name, secret in secrets.items()} | {"people": _PEOPLE}
    acme = add_tenant(tmp_path / "tenants", "acme")
    add_tenant(tmp_path / "tenants", "bolt")
    with sqlite3.connect(acme) as database:
        database.execute("PRAGMA journal_mode = WAL")
    with (
        owned_database(postgres) as owned,
        LibsqlServer(tmp_path / "sqld", content=acme, signer=signer) as libsql,
        Watch(owned.admin, secrets, _PEOPLE) as watch,
    ):
        owned.run("GRANT CREATE ON DATABASE {database} TO {role}")
        world = World(tmp_path / "fleet", owned.bare_url(), COLUMN)
        with psycopg.connect(owned.url()) as connection:
            connection.execute((world.at / "init.sql").read_bytes())
        listed = tmp_path / "tenants.csv"
        listed.write_text(f"tenant,url,token_env\nacme,{libsql.url},ACME\nbolt,{tmp_path}/tenants/bolt.db,\n")
        variables = {"ACME": token, "MIGRATE__TARGET__URL": owned.url(), "MIGRATE__IDS__SECRET": ID_SECRET}
        for words in COMMANDS:
            command, *options = words.split()
            tenants = () if command in ("status", "report", "rollback") else ("--tenants", str(listed))
            done = migrate(
                "fleet", command, "--config", str(world.config), "--work", str(tmp_path / "work"),
                *tenants, *options, cwd=tmp_path, code=None, **variables,
            )  # fmt: skip
            assert done.code == 0, f"{words}: {done.out}{done.err}"
            assert found_in(done.out + done.err, needles) == set(), words
            # The ledger keeps the rows that a rollback took away; they are people's, in their own database.
            kept = ledger_of(owned.admin) if command != "plan" else ""
            assert found_in(kept, needles) - {"people"} == set(), words
            for path in (tmp_path / "work").rglob("*"):
                if path.is_file() and path.name not in HELD:
                    assert found_in(path.read_bytes(), needles) == set(), f"{words}: {path}"
        # Workers are processes of our own: what the operator set for the command is set for them.
        assert {one for one in watch.seen if one[0] != "environment"} == set()
