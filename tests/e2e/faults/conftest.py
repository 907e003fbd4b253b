"""One source and one undisturbed run a worker; a fresh target and work folder a test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.target import seed_target
from migrate.source.sample.write import write_sample
from tests.e2e.faults.harness import SCALE, Held, Scene
from tests.e2e.faults.score import Score, keep
from tests.servers.libsql import LibsqlServer, libsql  # noqa: F401  (a fixture)

TEMPLATE = "application"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(name): the fault that a test inflicts, a line of the table")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call" or report.failed:
        item.failed = report.failed  # type: ignore[attr-defined]


@pytest.fixture
def score(request: pytest.FixtureRequest) -> Iterator[Score]:
    """The test's line in the table of faults."""
    marker = request.node.get_closest_marker("fault")
    mine = Score(marker.args[0] if marker else request.node.name)
    yield mine
    if hasattr(request.node, "failed"):  # not skipped
        keep(request, mine)


@pytest.fixture(scope="session")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("legacy") / "legacy.db"
    write_sample(path, scale=SCALE, seed=1)
    return path


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory, legacy: Path) -> Iterator[LibsqlServer]:
    """A real sqld that no test writes to or breaks."""
    with LibsqlServer(tmp_path_factory.mktemp("sqld"), content=legacy) as server:
        yield server


def make_database(postgres: EmbeddedServer, name: str, template: str | None = None) -> str:
    """Make a database of the application, or a copy of one, and return its URL."""
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        of = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + of)
    if template is None:
        with psycopg.connect(postgres.url(name)) as connection:
            seed_target(connection)
    return postgres.url(name)


@pytest.fixture(scope="session")
def application(postgres: EmbeddedServer) -> str:
    """The name of a database with the application's tables and rows, to be copied."""
    make_database(postgres, TEMPLATE)
    return TEMPLATE


@pytest.fixture
def target(postgres: EmbeddedServer, application: str) -> Iterator[str]:
    """The URL of a fresh copy of the application's database."""
    name = f"f_{uuid.uuid4().hex[:12]}"
    yield make_database(postgres, name, application)
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def scene(work: Path, source: LibsqlServer, target: str) -> Scene:
    """A source, a target and a work folder, all in order."""
    return Scene(work, source.url, target, target)


@pytest.fixture
def make_scene(
    tmp_path: Path, source: LibsqlServer, postgres: EmbeddedServer, application: str
) -> Iterator[Callable[[], Scene]]:
    """A function that makes a scene each time, for tests of many runs."""
    made: list[str] = []

    def make() -> Scene:
        name = f"f_{uuid.uuid4().hex[:12]}"
        made.append(name)
        url = make_database(postgres, name, application)
        return Scene(tmp_path / f"work-{len(made)}", source.url, url, url)

    yield make
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        for name in made:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, source: LibsqlServer, postgres: EmbeddedServer, application: str
) -> Held:
    """What a run leaves that nothing disturbed."""
    url = make_database(postgres, "undisturbed", application)
    scene = Scene(tmp_path_factory.mktemp("undisturbed") / "work", source.url, url, url)
    scene.run()
    return scene.held()


@pytest.fixture(scope="session")
def untouched(postgres: EmbeddedServer, application: str) -> dict[str, str]:
    """What the live tables hold before any run."""
    from tests.e2e.faults.harness import digests

    return digests(postgres.url(application))
