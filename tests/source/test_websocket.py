"""Reading over WebSocket."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime.errors import SourceError, SourceUnavailable, UsageError
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source
from migrate.source.websocket import WebSocketTransport
from tests.servers.libsql import LibsqlServer, MakeServer, Signer, free_port
from tests.source import hard_values

QUICK = SourceSettings(attempts=3, longest_wait=0.01, first_page_rows=3)


def failing(url: str, token: str | None = None) -> SourceError:
    source = open_source(url, token=token, settings=QUICK)
    with closing(source), pytest.raises(SourceError) as caught:
        source.inspect()
    return caught.value


def test_nothing_but_selects_is_ever_sent(
    hard_server: LibsqlServer, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    run = WebSocketTransport.run
    log = lambda self, sql, *rest: sent.append(sql) or run(self, sql, *rest)  # noqa: E731
    monkeypatch.setattr(WebSocketTransport, "run", log)
    with closing(open_source(hard_server.ws_url, settings=QUICK)) as source:
        take_snapshot(source, work, QUICK)
    assert len(sent) > 50
    assert {sql.split()[0] for sql in sent} == {"SELECT"}


def test_without_the_library_the_hint_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libsql_client", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        open_source("ws://127.0.0.1:1")
    assert "pip install" in (caught.value.hint or "")


def test_a_token_is_sent_and_never_shown(libsql: MakeServer) -> None:
    signer = Signer()
    server = libsql(signer=signer)
    token = signer.token()
    with closing(open_source(f"{server.ws_url}?authToken={token}", settings=QUICK)) as source:
        assert source.inspect().tables == ()
        assert token not in source.label


@pytest.mark.parametrize("given", [True, False])
def test_a_wrong_or_missing_token_is_refused(libsql: MakeServer, given: bool) -> None:
    server = libsql(signer=Signer())
    token = Signer().token() if given else None
    error = failing(server.ws_url, token)
    assert ("refused the token" if given else "none is set") in error.message
    assert not isinstance(error, SourceUnavailable)
    assert token is None or token not in error.message


def test_no_server_is_unavailable() -> None:
    assert isinstance(failing(f"ws://127.0.0.1:{free_port()}"), SourceUnavailable)


def test_a_server_that_takes_no_websocket_is_named(libsql: MakeServer) -> None:
    error = failing(f"{libsql().ws_url}/health")
    assert "does not support this protocol" in error.message
    assert "libsql://" in (error.hint or "")


def test_blocked_reads_are_explained(libsql: MakeServer) -> None:
    server = libsql()
    server.block_reads(True)
    assert "BLOCKED" in failing(server.ws_url).message


def test_a_server_that_dies_and_comes_back_is_borne(libsql: MakeServer, hard_file: Path, work: Path) -> None:
    server = libsql(content=hard_file)
    restarted = []

    def restart(progress: object) -> None:
        if len(restarted) < 2:
            restarted.append(server.kill())
            server.start()

    settings = SourceSettings(first_page_rows=3, longest_wait=0.5)
    with closing(open_source(server.ws_url, settings=settings)) as source:
        take_snapshot(source, work, settings, restart)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(hard_file)


def test_messages_too_long_for_the_library_are_asked_for_in_smaller_ones(
    libsql: MakeServer, tmp_path: Path, work: Path
) -> None:
    path = tmp_path / "wide.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE wide (id INTEGER PRIMARY KEY, v TEXT)")
        connection.executemany("INSERT INTO wide VALUES (?, ?)", [(n, "x" * 20_000) for n in range(1000)])
        connection.execute("INSERT INTO wide VALUES (-1, ?)", ("é" * 2_000_000,))
        connection.commit()
    server = libsql(content=path)
    settings = SourceSettings(first_page_rows=500, piece_bytes=4 * 1024 * 1024)
    with closing(open_source(server.ws_url, settings=settings)) as source:
        take_snapshot(source, work, settings)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(path)
