"""A source that changes while it is read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from migrate.runtime.errors import SourceError
from migrate.runtime.settings.source import SourceSettings
from migrate.source.model import Progress
from tests.servers.libsql import MakeServer
from tests.snapshot.snapshots import SMALL, take
from tests.source.wire import snapshot_over


def _statement(request: httpx.Request) -> str:
    return request.content.decode()


@pytest.mark.parametrize("way", [pytest.param("http", marks=pytest.mark.slow), "ws"])
def test_a_table_that_changed_while_others_were_read_is_read_again(
    libsql: MakeServer, file: Path, work: Path, way: str
) -> None:
    server = libsql(content=file)
    changed = []

    def change(progress: Progress) -> None:
        if progress.table == "b" and not changed:
            changed.append(server.execute("UPDATE a SET v = 'changed' WHERE id = 7"))

    url = server.url if way == "http" else server.ws_url
    facts = take(url, work, on_progress=change)
    assert facts.passes == 2
    with closing(sqlite3.connect(work / "snapshot.db")) as copy:
        assert copy.execute("SELECT v FROM a WHERE id = 7").fetchone() == ("changed",)


def test_a_table_that_changed_between_its_pages_is_read_again(
    libsql: MakeServer, file: Path, work: Path
) -> None:
    server = libsql(content=file)

    def disturb(number: int, request: httpx.Request) -> httpx.Response | None:
        if "ORDER BY" in _statement(request) and number == 16:
            server.execute("DELETE FROM a WHERE id = 1")
        return None

    snapshot_over(server.url, work, SMALL, disturb)
    with closing(sqlite3.connect(work / "snapshot.db")) as copy:
        assert copy.execute("SELECT count(*) FROM a").fetchone() == (999,)


@pytest.mark.parametrize("way", [pytest.param("http", marks=pytest.mark.slow), "ws"])
def test_a_source_that_never_stands_still_is_an_error_that_names_the_tables(
    libsql: MakeServer, file: Path, work: Path, way: str
) -> None:
    server = libsql(content=file)
    url = server.url if way == "http" else server.ws_url
    settings = SourceSettings(first_page_rows=300, passes=2)
    with pytest.raises(SourceError, match=r"changes while it is read: .*a") as caught:
        take(
            url, work, settings,
            on_progress=lambda _: server.execute("INSERT INTO a (v) VALUES ('more')"),
        )  # fmt: skip
    assert "stop the application" in (caught.value.hint or "")
    assert not (work / "snapshot.db").exists()
    assert take(url, work, settings).rows > 3000


def test_a_schema_that_changed_over_websocket_is_noticed(libsql: MakeServer, file: Path, work: Path) -> None:
    server = libsql(content=file)
    made = []

    def change(progress: Progress) -> None:
        if not made:
            made.append(server.execute("CREATE TABLE d (x)"))

    facts = take(server.ws_url, work, on_progress=change)
    assert [table.name for table in facts.tables] == ["a", "b", "c", "d"]
