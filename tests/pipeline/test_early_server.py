"""The embedded target's server is started early, and stopped once, when the command ends."""

from __future__ import annotations

from pathlib import Path

from migrate.pipeline.early_server import early_server
from migrate.postgres.embedded import EmbeddedServer
from migrate.runtime.config import Config


def test_the_server_is_up_until_the_block_ends(work: Path) -> None:
    server = EmbeddedServer(work)
    with early_server(Config(), work):
        with server:  # waits until it is started
            pid = (server.data / "postmaster.pid").read_text().split("\n", 1)[0]
        assert server.running
        assert (server.data / "postmaster.pid").read_text().startswith(f"{pid}\n")
    assert not server.running


def test_a_server_of_the_operators_is_not_touched_and_a_failure_is_not_raised(work: Path) -> None:
    with early_server(Config(target={"url": "postgresql://nowhere.invalid/x"}), work):  # type: ignore[arg-type]
        pass
    assert not work.exists()
    work.write_text("a file")
    with early_server(Config(), work):
        pass
