"""The network, the server and the disk may fail at any moment of a dump; what is left is nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backups import programs
from backups.dump import dump
from backups.errors import BackupError, BackupUnavailable
from migrate.postgres.embedded import binary
from migrate.postgres.table_checksum import Content, measure
from migrate.runtime.errors import TargetUnavailable
from migrate.runtime.files import sweep_parts
from tests.backups.conftest import SCHEMA, Live
from tests.servers.proxy import Proxy


@pytest.fixture
def proxy(live: Live) -> Iterator[Proxy]:
    """A proxy before the live server, whose rows are more than the buffers between hold."""
    live.run(
        "INSERT INTO users (id, email)"
        " SELECT 'k' || g, md5(g::text) || repeat('x', 3000) FROM generate_series(1, 5000) g"
    )
    with Proxy.before(live.address) as running:
        yield running


@pytest.mark.parametrize("size", [1_000, 100_000, 5_000_000])
@pytest.mark.parametrize("reset", [False, True])
def test_a_line_that_breaks_under_pg_dump_leaves_no_file(
    live: Live, proxy: Proxy, size: int, reset: bool
) -> None:
    proxy.cut_after(size, reset=reset)
    with pytest.raises(BackupUnavailable, match="pg_dump failed") as caught:
        live.dump(address=proxy.address(live.address))
    assert list(live.folder.iterdir()) == []
    assert "xxx" not in caught.value.message
    assert live.dump(address=proxy.address(live.address)).tables["users"].rows == 5003


def test_a_line_that_breaks_under_the_measure_ends_pg_dump_too(live: Live, proxy: Proxy) -> None:
    def breaking(conn: Any, schema: str, table: str) -> Content:
        proxy.reset()
        return measure(conn, schema, table)

    address = proxy.address(live.address)
    with (
        pytest.raises(TargetUnavailable),
        psycopg.connect(address, autocommit=True) as conn,
    ):
        dump(
            conn, address, schema=SCHEMA, database="x", path=live.folder / "backup.dump",
            pg_dump=binary("pg_dump"), measure=breaking,
        )  # fmt: skip
    assert list(live.folder.iterdir()) == []


def test_a_silent_line_can_still_be_stopped(live: Live, proxy: Proxy) -> None:
    proxy.black_hole()
    deadline = time.monotonic() + 1

    def stop() -> None:
        if time.monotonic() > deadline:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        live.dump(address=proxy.address(live.address), on_tick=stop)
    assert list(live.folder.iterdir()) == []


def test_a_session_ended_by_the_server_is_an_error(live: Live) -> None:
    def end(conn: psycopg.Connection, schema: str, table: str) -> Content:
        with psycopg.connect(live.address, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
        conn.execute("SELECT 1")
        return measure(conn, schema, table)

    with pytest.raises(BackupUnavailable, match="could not be backed up: terminating connection"):
        live.dump(measure=end)
    assert list(live.folder.iterdir()) == []


def _dump_slowly(live: Live, mark: Path) -> None:
    def slowly(_conn: Any, _schema: str, _table: str) -> Content:
        mark.touch()
        time.sleep(60)
        raise AssertionError

    live.dump(measure=slowly)


def test_a_dump_whose_process_is_killed_leaves_only_what_a_sweep_removes(live: Live, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    live.folder = tmp_path / "backups"
    live.folder.mkdir()
    process = multiprocessing.get_context("spawn").Process(target=_dump_slowly, args=(live, mark))
    process.start()
    while not mark.exists():
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not (live.folder / "backup.dump").exists()
    sweep_parts(live.folder)
    assert list(live.folder.iterdir()) == []
    assert live.drill(live.dump()).passed


def test_a_full_disk_is_an_error_that_says_so(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    # /dev/full stands for the dump: every write to it finds no space.
    def full(command: Any, env: Any, **settings: Any) -> tuple[int, str]:
        with Path("/dev/full").open("wb") as nowhere:
            return run(command, env, **{**settings, "output": nowhere})

    run = programs.run
    monkeypatch.setattr(programs, "run", full)
    with pytest.raises(BackupError, match="No space left on device"):
        live.dump()
    assert list(live.folder.iterdir()) == []
