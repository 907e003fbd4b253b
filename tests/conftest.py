"""Real servers for every test: one PostgreSQL cluster a worker, a fresh database a test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from migrate.postgres.embedded import THROWAWAY, EmbeddedServer
from migrate.runtime import next_command
from tests.e2e.faults.score import (
    pytest_terminal_summary,  # noqa: F401  (here, where the printing process reads it)
)

#: Fixtures that tests of several packages share.
pytest_plugins = ["tests.postgres.studio_target"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what takes minutes more of them: a machine that is busy must not fail a test."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))


#: How long an example takes depends on what else the machine does.
settings.register_profile("unhurried", settings(deadline=None))
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A running PostgreSQL of the tests' own."""
    server = EmbeddedServer(tmp_path_factory.mktemp("postgres"), settings=THROWAWAY)
    with server:
        yield server
    server.destroy()


@pytest.fixture
def database(postgres: EmbeddedServer) -> Iterator[str]:
    """The URL of an empty database, dropped after the test."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield postgres.url(name)
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _remove_clusters(folder: Path) -> None:
    """Remove the embedded servers that commands made below `folder`: root's lie outside of it."""
    for place in folder.rglob("*.json"):
        if place.with_suffix(".use.lock").exists():
            EmbeddedServer(place.parent, place.stem).destroy()


@pytest.fixture(autouse=True)
def no_clusters_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove what embedded servers a test leaves in its own folder."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None:
        _remove_clusters(folder)


@pytest.fixture(autouse=True, scope="session")
def no_clusters_left_at_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remove what embedded servers the folders of whole modules hold, when all is done."""
    yield
    _remove_clusters(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def nothing_typed() -> Iterator[None]:
    """Forget after a test what a command in this process was typed with."""
    yield
    for option in next_command.TAKES:
        next_command.remember(option, None)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty work folder."""
    return tmp_path / "work"
