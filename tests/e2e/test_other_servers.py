"""The same migration into PostgreSQL servers that are not ours."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrate.source.sample.target import seed_target
from tests.servers.system import docker_postgres, npm_postgres, system_postgres
from tests.tools.commands import content, embedded_content, migrate

SETTINGS = {"MIGRATE__IDS__SECRET": "an id secret of the tests", "MIGRATE__SAMPLE__SCALE": "0.1"}


def check_same_content(url: str, folder: Path) -> None:
    with psycopg.connect(url) as connection:
        seed_target(connection)
    before = content(url)
    words = ("--work", str(folder / "other"), "--yes")
    migrate("run", *words, **SETTINGS, MIGRATE__TARGET__URL=url)
    migrate("run", "--work", str(folder / "ours"), "--yes", **SETTINGS)
    assert content(url) == embedded_content(folder / "ours")
    migrate("rollback", *words, **SETTINGS, MIGRATE__TARGET__URL=url)
    assert content(url) == before


@pytest.mark.slow
def test_a_server_of_the_system_gets_the_same_content(tmp_path: Path) -> None:
    with system_postgres() as url:
        check_same_content(url, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("version", [13, 14, 16, 17])
def test_a_server_of_each_version_gets_the_same_content(tmp_path: Path, version: int) -> None:
    with npm_postgres(version) as url:
        check_same_content(url, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("image", ["postgres:13-alpine", "postgres:17-alpine"])
def test_a_server_in_a_container_gets_the_same_content(tmp_path: Path, image: str) -> None:
    with docker_postgres(image) as url:
        check_same_content(url, tmp_path)
