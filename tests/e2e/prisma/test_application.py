"""The migrated database in the hands of real Prisma: Client 7 over its PostgreSQL adapter, in Node."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid

import psycopg
import pytest
from psycopg import sql

from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.accounts import KNOWN_HASH, KNOWN_PASSWORD
from migrate.source.sample.target import seed_target
from tests.e2e.prisma.packages import HERE, installed
from tests.tools.commands import migrate

CHECKS = re.findall(r"^check\('([^']+)'", (HERE / "application.mjs").read_text(), re.MULTILINE)

SETTINGS = {"MIGRATE__SAMPLE__SCALE": "0.25", "MIGRATE__IDS__SECRET": "an id secret of the tests"}
KNOWN = {"KNOWN_HASH": KNOWN_HASH, "KNOWN_PASSWORD": KNOWN_PASSWORD}

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("prisma")]


@pytest.fixture(scope="module")
def found(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """What each check found in the database of a migrated sample; None if it passed."""
    packages = installed()
    name = f"prisma_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = postgres.url(name)
    try:
        with psycopg.connect(url) as connection:
            seed_target(connection)
        work = tmp_path_factory.mktemp("prisma") / "work"
        migrate("run", "--work", str(work), "--yes", MIGRATE__TARGET__URL=url, **SETTINGS)
        done = subprocess.run(
            ["node", str(HERE / "application.mjs")],
            cwd=packages,
            env={
                **os.environ,
                "DATABASE_URL": url,
                "KNOWN_HASH": KNOWN_HASH,
                "KNOWN_PASSWORD": KNOWN_PASSWORD,
            },
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert isinstance(shown, dict)
    return shown


@pytest.mark.parametrize("name", CHECKS)
def test_the_application_finds_that(found: dict[str, str | None], name: str) -> None:
    assert found[name] is None, found[name]


def test_every_check_was_made(found: dict[str, str | None]) -> None:
    assert list(found) == CHECKS
    assert len(CHECKS) > 10
