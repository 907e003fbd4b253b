"""A real server whose answers are altered on the way: the error names the server, table and page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from migrate.runtime.errors import MigrateError, SourceError
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.http import HttpTransport
from migrate.source.paged_reader import TransportSource
from migrate.source.url import parse_address
from tests.servers.libsql import LibsqlServer, servers

Result = dict[str, Any]
Change = Callable[[Result], None]

SMALL = SourceSettings(attempts=2, longest_wait=0.01, first_page_rows=10, page_bytes=64 * 1024)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibsqlServer]:
    """A server with one table that travels packed and one that travels cell by cell."""
    path = tmp_path_factory.mktemp("legacy") / "legacy.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE packed (id INTEGER PRIMARY KEY, v TEXT NOT NULL)")
        connection.execute("CREATE TABLE plain (id INTEGER PRIMARY KEY, v TEXT NOT NULL, r REAL)")
        connection.executemany("INSERT INTO packed VALUES (?, ?)", [(n, f"v{n}") for n in range(1, 41)])
        connection.executemany(
            "INSERT INTO plain VALUES (?, ?, ?)", [(n, f"v{n}", 0.5) for n in range(1, 41)]
        )
        connection.commit()
    with servers(tmp_path_factory.mktemp("server")) as make:
        yield make(content=path)


class _Liar(httpx.BaseTransport):
    """Passes on what the server says, changed for the statements that hold all of `words`."""

    def __init__(self, words: tuple[str, ...], change: Change, first: int = 1) -> None:
        self._inner = httpx.HTTPTransport()
        self._words = words
        self._change = change
        self._skip = first - 1

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = self._inner.handle_request(request)
        body = orjson.loads(response.read())
        sql = orjson.loads(request.content)["requests"][0]["stmt"]["sql"]
        if all(word in sql for word in self._words) and body["results"][0]["type"] == "ok":
            if self._skip:
                self._skip -= 1
            else:
                self._change(body["results"][0]["response"]["result"])
        return httpx.Response(200, content=orjson.dumps(body))

    def close(self) -> None:
        self._inner.close()


def refused(server: LibsqlServer, work: Path, liar: _Liar) -> SourceError:
    """Return the error in which a snapshot of what the liar says ends."""
    source = TransportSource(HttpTransport(parse_address(server.url), SMALL, liar), SMALL)
    with closing(source), pytest.raises(MigrateError) as caught:
        take_snapshot(source, work, SMALL)
    error = caught.value
    assert isinstance(error, SourceError), error
    assert f"127.0.0.1:{server.port}" in error.message
    assert "free disk space" not in f"{error.message} {error.hint}"
    assert error.hint
    return error


def _set(*path: Any, value: Any) -> Change:
    def change(result: Result) -> None:
        place: Any = result
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def _narrow(result: Result) -> None:
    for row in result["rows"]:
        row.pop()


def _narrow_with_header(result: Result) -> None:
    _narrow(result)
    result["cols"].pop()


def _repeat_last(result: Result) -> None:
    result["rows"].append(result["rows"][-1])


def _backwards(result: Result) -> None:
    result["rows"].reverse()


def _from_the_start(result: Result) -> None:
    for number, row in enumerate(result["rows"], 1):
        row[0]["value"] = str(number)


def _nulls(result: Result) -> None:
    for row in result["rows"]:
        row[1] = {"type": "null"}


def _huge(result: Result) -> None:
    result["rows"][-1][0]["value"] = str(2**70)


PLAIN = ('FROM "plain"', "ORDER BY")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_narrow, "not all of its rows are as wide"),
        (_narrow_with_header, "a row of 2 values where 3 were asked for"),
        (_repeat_last, "keys do not grow"),
        (_backwards, "keys do not grow"),
        (_nulls, "NOT NULL constraint failed: plain.v"),
        (_huge, "a value that SQLite cannot hold"),
        (_set("rows", 0, 0, value={"type": "integer", "value": "seven"}), "column 1 is none of Hrana's"),
        (_set("rows", 0, 0, value={"type": "integer", "value": 7.5}), "column 1 is none of Hrana's"),
        (_set("rows", 0, 1, value={"type": "text", "value": [1]}), "column 2 is none of Hrana's"),
        (_set("rows", 0, 1, value={"type": "text"}), "NOT NULL constraint failed"),
        (_set("rows", 0, 2, value=7), "column 3 is none of Hrana's"),
        (_set("rows", 0, 2, value={"type": "surprise", "value": "1"}), "column 3 is none of Hrana's"),
        (_set("rows", 0, value={"id": 1}), "not all of its rows are as wide"),
        (_set("rows", value={}), "none of a libSQL server's"),
        (_set("rows", value=None), "none of a libSQL server's"),
        (_set("cols", value=None), "none of a libSQL server's"),
        (_set("rows_read", value="many"), "rows read"),
        (_set("rows_read", value=-1), "rows read"),
        (_set("replication_index", value={"a": 1}), "replication index"),
    ],
)
def test_a_page_that_is_wrong_is_the_servers_fault(
    server: LibsqlServer, work: Path, change: Change, words: str
) -> None:
    error = refused(server, work, _Liar(PLAIN, change))
    assert "table plain" in error.message
    assert words in error.message


def test_the_page_that_is_wrong_is_named(server: LibsqlServer, work: Path) -> None:
    error = refused(server, work, _Liar(PLAIN, _narrow, first=2))
    assert error.message.startswith("table plain, page 2: ")


def test_keys_that_begin_again_are_the_servers_fault(server: LibsqlServer, work: Path) -> None:
    error = refused(server, work, _Liar(PLAIN, _from_the_start, first=2))
    assert error.message.startswith("table plain, page 2: ")
    assert "keys do not grow" in error.message


@pytest.mark.parametrize("array", ['{"a": 1}', "[1.5]", "[[1], [2]]", "[true]", "[1", "7", "[1, 2, 3]"])
def test_a_packed_page_that_is_none_is_read_cell_by_cell(
    server: LibsqlServer, work: Path, array: str
) -> None:
    liar = _Liar(
        ('FROM "packed"', "json_group_array"), _set("rows", 0, 0, value={"type": "text", "value": array})
    )
    source = TransportSource(HttpTransport(parse_address(server.url), SMALL, liar), SMALL)
    with closing(source):
        assert take_snapshot(source, work, SMALL).rows == 80


@pytest.mark.parametrize(
    ("words", "change"),
    [
        (("count(*)", 'FROM "plain"'), _set("rows", 0, 0, value={"type": "text", "value": "forty"})),
        (("count(*)", 'FROM "plain"'), _set("rows", value=[])),
        (("count(*)", 'FROM "plain"'), _narrow),
        (("count(*)", 'FROM "plain"'), _set("rows", 0, 0, value={"type": "integer", "value": "3"})),
    ],
)
def test_a_count_that_is_wrong_is_the_servers_fault(
    server: LibsqlServer, work: Path, words: tuple[str, ...], change: Change
) -> None:
    assert "table plain" in refused(server, work, _Liar(words, change)).message


@pytest.mark.parametrize(
    ("words", "change"),
    [
        (("FROM sqlite_master",), _set("rows", 0, 1, value={"type": "null"})),
        (("FROM sqlite_master",), _narrow),
        (("sqlite_version",), _set("rows", value=[])),
        (("pragma_table_xinfo",), _set("rows", value=[])),
        (("pragma_table_xinfo",), _set("rows", 1, 0, value={"type": "text", "value": "id"})),
        (("pragma_table_xinfo",), _set("rows", 1, 0, value={"type": "text", "value": "other"})),
        (("pragma_table_xinfo",), _set("rows", 0, 3, value={"type": "text", "value": "key"})),
        (("pragma_table_xinfo",), lambda result: result["rows"].pop()),
    ],
)
def test_a_catalogue_that_is_wrong_is_the_servers_fault(
    server: LibsqlServer, work: Path, words: tuple[str, ...], change: Change
) -> None:
    refused(server, work, _Liar(words, change))


@pytest.mark.parametrize("sql", ["CREATE TABLE plain AS SELECT 1", "DROP TABLE packed", "nonsense", None])
def test_what_is_no_definition_of_a_table_is_never_run(
    server: LibsqlServer, work: Path, sql: str | None
) -> None:
    def change(result: Result) -> None:
        row = next(row for row in result["rows"] if row[1]["value"] == "plain")
        row[2] = {"type": "null"} if sql is None else {"type": "text", "value": sql}

    source = TransportSource(
        HttpTransport(parse_address(server.url), SMALL, _Liar(("FROM sqlite_master",), change)), SMALL
    )
    with closing(source):
        assert take_snapshot(source, work, SMALL).rows == 80


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"', b"<html>sign in</html>", b""])
def test_an_answer_that_is_no_object_is_the_servers_fault(work: Path, body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    source = TransportSource(HttpTransport(parse_address("http://127.0.0.1:9"), SMALL, transport), SMALL)
    with (
        closing(source),
        pytest.raises(SourceError, match=r"127\.0\.0\.1:9 gave an answer that is none") as caught,
    ):
        take_snapshot(source, work, SMALL)
    assert "login page" in (caught.value.hint or "")
