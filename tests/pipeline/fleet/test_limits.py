"""What a fleet asks of its sources: requests per second, billed rows, attempts if one does not answer."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from migrate.pipeline.fleet.ledger import FleetLedger
from migrate.runtime.errors import Stopped
from migrate.staging.ledger import Ledger
from tests.pipeline.fleet.world import SOURCE, World
from tests.servers.libsql import MakeServer, free_port, libsql  # noqa: F401
from tests.servers.proxy import Proxy


def test_requests_of_all_tenants_of_a_host_are_limited_and_billed_rows_stop_the_run(
    tmp_path: Path,
    database: str,
    libsql: MakeServer,  # noqa: F811
) -> None:
    server, asked = libsql(), list[float]()
    server.load_script(SOURCE.format(shift=0, label="Pro", name="one"))
    with Proxy("127.0.0.1", server.port) as proxy:
        proxy.on_request = lambda: asked.append(time.monotonic())
        limits = "max_quarantined = 0.5\nattempts = 2\nrequests_per_second = 40\nmax_rows_read = 1"
        world = World(tmp_path / "fleet", database, settings=limits)
        lines = [f"t{number},http://127.0.0.1:{proxy.port}" for number in range(3)]
        (world.at / "tenants").write_text("\n".join(["tenant,url", *lines]))
        with pytest.raises(Stopped, match="rows were billed, more than"):
            world.run()
        assert [line.state for line in world.lines()] == ["published", "waiting", "waiting"]
        assert world.lines()[0].rows_read > 8
        config = world.config.read_text().replace("max_rows_read = 1\n", "")
        gone = f"gone,http://127.0.0.1:{free_port()}"
        (world.at / "tenants").write_text("\n".join(["tenant,url", *lines[:2], gone]))
        world.config.write_text(config + "[source]\nattempts = 1\n")
        gone_line, *others = world.run()[:3]
    assert [line.state for line in others] == ["published", "published"]
    assert (gone_line.state, gone_line.kind, gone_line.attempt) == ("quarantined", "source unavailable", 2)
    assert len(asked) > 40
    # A request comes in two pieces, head and body: never more of them than the time since the first allows.
    assert all(number / 2 <= 2 + 40 * (at - asked[0]) for number, at in enumerate(asked))


def test_workers_share_the_places_of_a_host(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as one, psycopg.connect(database, autocommit=True) as two:
        Ledger(one).create()
        ledgers = [FleetLedger(Ledger(conn)) for conn in (one, two)]
        ledgers[0].create()
        waits = [ledgers[number % 2].wait_for_turn("host", 2.0) for number in range(6)]
        assert all(abs(wait - number / 2) < 0.25 for number, wait in enumerate(waits))
        assert ledgers[0].wait_for_turn("another host", 2.0) == 0.0
