"""A legacy database that an application writes to while it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.faults.harness import Scene
from tests.e2e.faults.score import Score
from tests.servers.libsql import MakeServer
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.fault("source written to during the snapshot")

WRITES = (
    "UPDATE shows_users SET email = 'moved' || rowid || '@example.org' WHERE rowid % 5 = 0",
    "DELETE FROM shows_messages WHERE rowid % 7 = 0",
)
WRITE_ON = "UPDATE shows_users SET email = 'at' || random() || '@example.org' WHERE rowid % 9 = 0"


@pytest.mark.parametrize(
    "point",
    ["snapshot:page#20", *(pytest.param(f"snapshot:page#{n}", marks=pytest.mark.slow) for n in (3, 12, 28))],
)
def test_what_was_written_meanwhile_is_migrated_too(
    make_scene: Callable[[], Scene], libsql: MakeServer, legacy: Path, score: Score, point: str
) -> None:
    server = libsql(content=legacy)
    mine, other = make_scene().but(source=server.url), make_scene().but(source=server.url)
    with mine.frozen_at(point) as run:
        for statement in WRITES:
            server.execute(statement)
        done = run.go_on()
    assert done.code == 0, done.err
    score.tried()
    other.run()  # of the source as it is now, undisturbed
    score.compare(mine.held(), other.held())


@pytest.mark.slow
def test_a_source_that_never_stands_still_is_refused(
    scene: Scene, libsql: MakeServer, legacy: Path, untouched: dict[str, str], score: Score
) -> None:
    server = libsql(content=legacy)
    with Proxy.before(server.url) as proxy:
        mine = scene.but(source=proxy.address(server.url))
        # Written to before each of our questions: no two answers are of one moment.
        proxy.on_request = lambda: server.execute(WRITE_ON)
        done = mine.run(code=1)
        assert "changes while it is read" in done.err
        assert "stop the application" in done.err
        score.tried()
        score.compare(mine.live(), untouched)
        proxy.on_request = lambda: None
        mine.run()
