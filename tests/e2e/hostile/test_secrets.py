"""No command shows a token, a password, the id secret or anything about people, wherever it was given.

Looked through: output, log, state, ledger, reports and receipts after each command; arguments and variables
of every process, and the sessions' queries, all the time. A secret may be in the variables of our own
process, where the operator put it, and the password in those of psql, pg_dump and pg_restore, which read it
from nowhere else: only the same user can read those.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate.cli.main import COMMANDS as ALL
from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.write import write_sample
from tests.e2e.hostile import places
from tests.e2e.hostile.places import ID_SECRET, LONG, Place
from tests.e2e.hostile.target import PASSWORD, owned_database
from tests.e2e.hostile.watch import Watch, found_in, spellings
from tests.mappers.studio.reference import cleaning
from tests.servers.libsql import LibsqlServer, Signer

#: One process types all the commands, for all the tests that look at them.
pytestmark = [pytest.mark.timeout(1800), pytest.mark.xdist_group("secrets")]

#: The place of the quick tests: token and password stand in URLs, and the id secret is made.
QUICK = "URLs"
#: The place in which the commands are typed that take minutes.
LENGTHY = "variables"


@dataclass
class World:
    places: list[Place]
    needles: dict[str, set[str]]
    watch: Watch


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


def somebody(legacy: Path) -> str:
    """Return the id of somebody who is surely migrated."""
    connection = sqlite3.connect(legacy)
    rows = connection.execute("SELECT id, email FROM shows_users ORDER BY id").fetchall()
    connection.close()
    return next(str(number) for number, address in rows if cleaning.email(address))


@pytest.fixture(
    scope="module", params=["quick", *(pytest.param(p, marks=pytest.mark.slow) for p in ("others", "long"))]
)
def world(
    request: pytest.FixtureRequest, postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Every command in every place; the long ones, minutes each, in one of them."""
    folder = tmp_path_factory.mktemp("secrets")
    legacy, signer = folder / "legacy.db", Signer()
    write_sample(legacy, scale=0.05, seed=3)
    token = signer.token(access="ro", expires_in=None)
    secrets = {"token": token, "password": PASSWORD, "id secret": ID_SECRET}
    people = people_in(legacy)
    assert len(people) > 100
    needles = {name: spellings(secret) for name, secret in secrets.items()} | {"people": people}
    with (
        owned_database(postgres) as owned,
        LibsqlServer(folder / "sqld", content=legacy, signer=signer) as libsql,
        Watch(owned.admin, secrets, people) as watch,
    ):
        owned.run("GRANT CREATE ON DATABASE {database} TO {role}")
        found = places.places_of(owned, libsql.url, token, folder)
        if request.param == "long":
            found = [place for place in found if place.name == LENGTHY]
            found[0].commands = LONG
        else:
            found = [place for place in found if (place.name == QUICK) == (request.param == "quick")]
        for place in found:
            place.words = {"USER": somebody(legacy), "SOURCE": libsql.url, "TARGET": owned.bare_url()}
            place.run_all(folder / place.name, needles, None if place.name == "embedded" else owned.admin)
            places.forget(owned)
        yield World(found, needles, watch)
        for place in found:
            places.destroy(place)


def test_every_command_is_among_them() -> None:
    run = {command[0] for command in (*places.COMMANDS, *places.LAST, *places.LONG)}
    assert run | {"fleet"} == set(ALL)  # test_fleet_secrets.py


def test_no_command_prints_a_secret_or_anything_about_people(world: World) -> None:
    for place in world.places:
        for done in place.done:
            assert found_in(done.out + done.err, world.needles) == set(), place.name


def test_no_file_but_snapshot_and_dump_holds_any_and_all_are_their_owners_alone(world: World) -> None:
    for place in world.places:
        assert place.found == set(), place.name
        rehearsed = {"rehearsal.json", "rehearsal.log"}
        expected = rehearsed if place.commands == LONG else {"report.html", "manifest.json", "receipt.json"}
        assert expected | {"log.jsonl", "state.json", "checks.json"} <= place.files


def test_a_made_id_secret_is_in_ledger_and_state_alone(world: World) -> None:
    for place in world.places:
        if not place.made:
            assert place.kept == {""}
            continue
        [kept] = place.kept
        assert len(kept) >= 16
        texts = "".join(done.out + done.err for done in place.done) + place.ledger
        assert kept not in texts
        holders = {p.name for p in place.work.rglob("*") if p.is_file() and kept.encode() in p.read_bytes()}
        assert holders <= {"state.json", "previous-state.json"}, holders


def test_the_ledger_holds_none(world: World) -> None:
    texts = [place.ledger for place in world.places if place.ledger]
    for text in texts:
        assert "shows_users" in text
        assert found_in(text, world.needles) == set()
    asked = [place for place in world.places if place.commands != LONG and place.name != "embedded"]
    assert len(texts) == len(asked)


def test_no_user_sees_any_in_processes_and_sessions(world: World) -> None:
    assert {"pg_dump", "pg_restore"} <= world.watch.programs
    assert "migrate" in world.watch.sessions
    assert world.watch.seen == set()
