"""Pages that travel as JSON arrays, and when they do not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from migrate.runtime.settings.source import SourceSettings
from migrate.source.json_pages import PROOF, Unpackable, is_exact, unpack
from migrate.source.transport import QueryResult
from tests.servers.libsql import LibsqlServer, MakeServer
from tests.snapshot.snapshots import take
from tests.source import hard_values
from tests.source.wire import Wire, over, snapshot_over

SMALL = SourceSettings(first_page_rows=3, attempts=3, longest_wait=0.01)
_INTEGERS = tuple(value for value in PROOF if isinstance(value, int))


def _made(path: Path, script: str, rows: Sequence[tuple[object, ...]] = (), insert: str = "") -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
        connection.executemany(insert, rows)
        connection.commit()
    return path


def _packed_tables(wire: Wire) -> set[str]:
    """Return the names of the tables of which a page was asked for packed."""
    asked = [one["stmt"]["sql"] for one in wire.statements() if one["type"] == "execute"]
    pages = [sql for sql in asked if "json_group_array" in sql and " LIMIT " in sql]
    return {sql.rpartition(" FROM ")[2].split(" WHERE ")[0].split(" ORDER ")[0] for sql in pages}


def test_tables_of_integers_and_text_come_packed_and_others_do_not(
    hard_server: LibsqlServer, hard_file: Path, work: Path
) -> None:
    wire = snapshot_over(hard_server.url, work, SMALL)
    packed = _packed_tables(wire)
    assert {
        '"nokey"',
        '"texts"',
        '"textkey"',
        '"gen"',
        f'"{hard_values.QUOTED.replace(chr(34), chr(34) * 2)}"',
    } <= packed
    assert not {'"ints"', '"floats"', '"blobs"', '"mixed"', '"hidden"'} & packed
    assert hard_values.content(work / "snapshot.db") == hard_values.content(hard_file)


@pytest.mark.parametrize("way", ["http", "ws"])
def test_hard_values_come_packed_and_exact(libsql: MakeServer, tmp_path: Path, work: Path, way: str) -> None:
    texts = [value for value in PROOF if isinstance(value, str)]
    rows = [(number, text) for number in (*_INTEGERS, -(2**63), None) for text in (*texts, None)]
    script = (
        "CREATE TABLE t (a INTEGER, b TEXT);"
        "CREATE TABLE k (a INTEGER, b TEXT, c TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID"
    )
    content = _made(tmp_path / "hard.db", script, rows, "INSERT INTO t VALUES (?, ?)")
    with closing(sqlite3.connect(content)) as connection:
        connection.execute("INSERT INTO k SELECT a, b, b FROM t WHERE a IS NOT NULL AND b IS NOT NULL")
        connection.commit()
    server = libsql(content=content)
    take({"http": server.url, "ws": server.ws_url}[way], work, SMALL)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(content)


@pytest.mark.parametrize("way", ["http", "ws"])
def test_text_that_is_not_utf8_is_met_in_a_later_page(
    libsql: MakeServer, tmp_path: Path, work: Path, way: str
) -> None:
    content = _made(
        tmp_path / "raw.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        [(n, b"\xff" if n == 777 else b"x" * n) for n in range(1000)],
        "INSERT INTO t VALUES (?, CAST(? AS TEXT))",
    )  # fmt: skip
    server = libsql(content=content)
    take({"http": server.url, "ws": server.ws_url}[way], work, SMALL)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(content)


def test_a_packed_page_that_the_server_finds_too_long_is_asked_for_in_parts(
    libsql: MakeServer, tmp_path: Path, work: Path
) -> None:
    content = _made(
        tmp_path / "growing.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        [(n, "x" if n < 20_000 else "y" * 200_000) for n in range(20_100)],
        "INSERT INTO t VALUES (?, ?)",
    )  # fmt: skip
    server = libsql(content=content)
    wire = snapshot_over(server.url, work, SMALL)
    assert _packed_tables(wire) == {'"t"'}
    assert not [one for one in wire.statements() if '"v" FROM' in str(one)]
    assert hard_values.content(work / "snapshot.db") == hard_values.content(content)


def _answered(result: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"baton": None, "results": [result]})


def _row(array: str) -> httpx.Response:
    rows = [[{"type": "text", "value": array}]]
    return _answered({"type": "ok", "response": {"type": "execute", "result": {"cols": [{}], "rows": rows}}})


_REFUSED = {"message": "no such function: json_group_array", "code": "SQL_PARSE_ERROR"}


@pytest.mark.parametrize(
    "answer",
    [
        _answered({"type": "error", "error": _REFUSED}),
        _row(orjson.dumps([float(v) if isinstance(v, int) else v for v in PROOF]).decode()),
        _row(orjson.dumps([v.replace("\0", "") if isinstance(v, str) else v for v in PROOF]).decode()),
        _row("[1,"),
        _row("[]"),
    ],
    ids=["refused", "rounded", "without NUL", "cut short", "empty"],
)
def test_a_server_whose_json_is_not_exact_is_read_cell_by_cell(
    hard_server: LibsqlServer, hard_file: Path, work: Path, answer: httpx.Response
) -> None:
    def disturb(_number: int, request: httpx.Request) -> httpx.Response | None:
        return answer if b"(VALUES" in request.content else None

    wire = snapshot_over(hard_server.url, work, SMALL, disturb)
    assert not _packed_tables(wire)
    assert sum(b"(VALUES" in request.content for request in wire.requests) == 1
    assert hard_values.content(work / "snapshot.db") == hard_values.content(hard_file)


def test_a_server_that_refuses_a_packed_page_is_asked_for_its_cells(
    hard_server: LibsqlServer, hard_file: Path, work: Path
) -> None:
    def disturb(_number: int, request: httpx.Request) -> httpx.Response | None:
        refused = b"json_group_array" in request.content and b" LIMIT " in request.content
        return _answered({"type": "error", "error": _REFUSED}) if refused else None

    snapshot_over(hard_server.url, work, SMALL, disturb)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(hard_file)


def _saying(array: str) -> Callable[[str], QueryResult]:
    return lambda _sql: QueryResult([(array,)], len(array))


def test_the_proof_is_what_is_asked_for() -> None:
    assert is_exact(_saying(orjson.dumps(PROOF).decode()), blobs=False)
    assert not is_exact(_saying(orjson.dumps(PROOF[:-1]).decode()), blobs=False)


def test_arrays_of_two_lengths_are_no_page() -> None:
    assert unpack([("[1,2]", '["a",null]')]) == [(1, "a"), (2, None)]
    for answer in ([("[1,2]", '["a"]')], [("[1]",), ("[2]",)], [(None,)], [("7",)]):
        with pytest.raises(Unpackable):
            unpack(answer)


def test_a_packed_page_is_billed_like_a_plain_one(libsql: MakeServer, file: Path) -> None:
    source, wire = over(libsql(content=file).url, SourceSettings(first_page_rows=400))
    with closing(source):
        table = source.inspect().table("a")
        stats = source.stats(table)
        before = source.usage.rows_read
        assert sum(len(page.rows) for page in source.pages(table, stats)) == 1000
        packed = source.usage.rows_read - before
        assert sum(len(page.rows) for page in source.pages(table, None)) == 1000
        plain = source.usage.rows_read - before - packed
    assert _packed_tables(wire) == {'"a"'}
    assert packed == plain == 1000
