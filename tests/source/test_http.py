"""Reading over HTTP: what is sent, how large, which faults are borne."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from migrate.runtime.errors import SourceError, SourceUnavailable
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source
from tests.servers.libsql import LibsqlServer, MakeServer, Signer
from tests.source import hard_values
from tests.source.wire import always, over, snapshot_over

QUICK = SourceSettings(attempts=3, longest_wait=0.01, first_page_rows=3)


# ---- what is sent ----------------------------------------------------------------


def test_nothing_but_selects_is_ever_sent(hard_server: LibsqlServer, work: Path) -> None:
    before = hard_server.execute("SELECT count(*) FROM ints")
    wire = snapshot_over(hard_server.url, work, QUICK)
    executed = [one["stmt"]["sql"] for one in wire.statements() if one["type"] == "execute"]
    assert len(executed) > 50
    assert {one["type"] for one in wire.statements()} == {"execute", "close"}
    assert {sql.split()[0] for sql in executed} == {"SELECT"}
    assert not [sql for sql in executed if ";" in sql or " OFFSET " in sql]
    assert hard_server.execute("SELECT count(*) FROM ints") == before


def test_requests_go_to_hrana_3_on_one_connection_with_the_token_as_bearer(libsql: MakeServer) -> None:
    signer = Signer()
    server = libsql(signer=signer)
    token = signer.token(access="ro")
    source, wire = over(server.url, QUICK, token=token)
    with closing(source):
        assert source.inspect().tables == ()
    assert {request.url.path for request in wire.requests} == {"/v3/pipeline"}
    assert {request.headers["authorization"] for request in wire.requests} == {f"Bearer {token}"}
    assert token not in repr(source.label) + repr(source.identity)


@pytest.mark.parametrize("gzip", [True, False])
def test_responses_are_compressed_where_asked_for(hard_server: LibsqlServer, work: Path, gzip: bool) -> None:
    settings = SourceSettings(gzip=gzip)
    source, wire = over(hard_server.url, settings)
    with closing(source):
        assert source.count(source.inspect().table("ints")) == 6
    assert {request.headers["accept-encoding"] for request in wire.requests} == {
        "gzip" if gzip else "identity"
    }


def test_the_token_in_the_url_is_used_and_never_shown(libsql: MakeServer) -> None:
    signer = Signer()
    server = libsql(signer=signer)
    token = signer.token()
    with closing(open_source(f"{server.url}?authToken={token}", token="other", settings=QUICK)) as source:
        assert source.inspect().tables == ()
        assert token not in source.label
        assert source.label == f"127.0.0.1:{server.port}"


def test_libsql_without_tls_is_read_over_http(hard_server: LibsqlServer) -> None:
    url = f"libsql://127.0.0.1:{hard_server.port}?tls=0"
    with closing(open_source(url, settings=QUICK)) as source:
        assert source.inspect().version.startswith("3.")


# ---- sizes -----------------------------------------------------------------------


def _wide_rows(path: Path, rows: int, size: int) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE wide (id INTEGER PRIMARY KEY, v TEXT)")
        connection.executemany("INSERT INTO wide VALUES (?, ?)", ((n, "x" * size) for n in range(rows)))
        connection.commit()
    return path


def test_pages_grow_towards_the_size_asked_for(libsql: MakeServer, tmp_path: Path, work: Path) -> None:
    server = libsql(content=_wide_rows(tmp_path / "wide.db", 30_000, 100))
    settings = SourceSettings(page_bytes=400_000, first_page_rows=10)
    wire = snapshot_over(server.url, work, settings)
    assert max(wire.sizes) < 800_000
    assert len([size for size in wire.sizes if size > 200_000]) >= 7
    assert len(wire.sizes) < 40


def test_pages_shrink_when_the_response_is_too_large(libsql: MakeServer, tmp_path: Path, work: Path) -> None:
    file = _wide_rows(tmp_path / "wide.db", 200, 300_000)
    server = libsql(content=file)
    settings = SourceSettings(first_page_rows=1000)
    wire = snapshot_over(server.url, work, settings)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)
    assert max(wire.sizes) < 10_000_000


@pytest.mark.parametrize("piece_bytes", [1024 * 1024, 4 * 1024 * 1024])
def test_a_cell_over_the_response_limit_comes_in_pieces(
    libsql: MakeServer, tmp_path: Path, work: Path, piece_bytes: int
) -> None:
    file = tmp_path / "big.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE big (a TEXT, v, w, PRIMARY KEY (a)) WITHOUT ROWID")
        connection.execute("INSERT INTO big VALUES ('small', 'x', NULL)")
        connection.execute("INSERT INTO big VALUES ('blob', ?, 1)", (bytes(range(250)) * 60_000,))
        connection.execute("INSERT INTO big VALUES ('text', ?, 2.5)", ("é\0" * 5_000_000,))
        connection.execute("INSERT INTO big VALUES ('raw', CAST(? AS TEXT), '')", (b"\xff" * 15_000_000,))
        connection.commit()
    server = libsql(content=file, longest_row=64_000_000)
    snapshot_over(server.url, work, SourceSettings(piece_bytes=piece_bytes))
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)


def test_many_long_cells_in_one_row_come_in_pieces(libsql: MakeServer, tmp_path: Path, work: Path) -> None:
    file = tmp_path / "row.db"
    columns = [f"c{n}" for n in range(16)]
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"CREATE TABLE row ({', '.join(columns)})")
        connection.execute(f"INSERT INTO row VALUES ({', '.join('?' * 16)})", ["y" * 1_000_000] * 16)
        connection.commit()
    server = libsql(content=file, longest_row=64_000_000)
    snapshot_over(server.url, work, SourceSettings())
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)


def test_a_cell_longer_than_the_server_reads_is_named_with_the_way_out(
    libsql: MakeServer, tmp_path: Path, work: Path
) -> None:
    server = libsql(content=_wide_rows(tmp_path / "wide.db", 1, 9_000_000))
    source = open_source(server.url, settings=QUICK)
    with closing(source), pytest.raises(SourceError, match=r"table wide.*SQLITE_TOOBIG") as caught:
        take_snapshot(source, work, QUICK)
    assert "max_row_size" in (caught.value.hint or "")


def test_a_table_without_key_that_does_not_fit_is_named(
    libsql: MakeServer, tmp_path: Path, work: Path
) -> None:
    file = tmp_path / "hidden.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE hidden (rowid, _rowid_, oid TEXT)")
        connection.executemany("INSERT INTO hidden VALUES (1, 2, ?)", [("x" * 1_000_000,)] * 12)
        connection.commit()
    server = libsql(content=file)
    source = open_source(server.url, settings=QUICK)
    with closing(source), pytest.raises(SourceError, match=r"hidden.*does not fit"):
        take_snapshot(source, work, QUICK)


# ---- what is borne ---------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500, json={"error": "internal"}),
        httpx.Response(502, text="<html>bad gateway</html>"),
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "0"}),
        httpx.Response(400, json={"message": "The stream has expired", "code": "STREAM_EXPIRED"}),
        httpx.Response(400, text="STREAM_EXPIRED: The stream has expired due to inactivity"),
        httpx.Response(200, text='{"cut short'),
        httpx.Response(200, json={"results": []}),
        httpx.Response(
            200, json={"results": [{"type": "error", "error": {"message": "busy", "code": "SQLITE_BUSY"}}]}
        ),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("too slow"),
        httpx.RemoteProtocolError("peer closed the connection"),
    ],
    ids=lambda trouble: repr(trouble)[:40],
)
def test_a_passing_fault_is_borne(
    hard_server: LibsqlServer, hard_file: Path, work: Path, trouble: httpx.Response | Exception
) -> None:
    def disturb(number: int, request: httpx.Request) -> httpx.Response | None:
        if number % 3:
            return None
        if isinstance(trouble, Exception):
            raise trouble
        return httpx.Response(trouble.status_code, headers=dict(trouble.headers), content=trouble.content)

    snapshot_over(hard_server.url, work, QUICK, disturb)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(hard_file)


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.Response(429)])
def test_a_lasting_fault_ends_the_run_resumable(hard_server: LibsqlServer, answer: httpx.Response) -> None:
    source, wire = over(hard_server.url, QUICK, always(answer))
    with closing(source), pytest.raises(SourceUnavailable, match=f"3 tries.*{answer.status_code}") as caught:
        source.mark()
    assert len(wire.requests) == QUICK.attempts
    assert "continues" in (caught.value.hint or "")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("wish", ["0.3", "date"])
def test_retry_after_is_honoured(hard_server: LibsqlServer, wish: str) -> None:
    def disturb(number: int, request: httpx.Request) -> httpx.Response | None:
        if number > 1:
            return None
        value = wish
        if wish == "date":
            value = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))
        return httpx.Response(429, headers={"Retry-After": value})

    source, _ = over(hard_server.url, SourceSettings(longest_wait=5), disturb)
    started = time.monotonic()
    with closing(source):
        source.mark()
    assert time.monotonic() - started >= 0.3


def test_a_server_without_hrana_3_is_read_by_hrana_2(
    hard_server: LibsqlServer, hard_file: Path, work: Path
) -> None:
    def disturb(number: int, request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(404) if request.url.path.startswith("/v3") else None

    wire = snapshot_over(hard_server.url, work, QUICK, disturb)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(hard_file)
    assert [request.url.path for request in wire.requests].count("/v3/pipeline") == 1


def test_a_server_that_dies_and_comes_back_is_borne(libsql: MakeServer, hard_file: Path, work: Path) -> None:
    server = libsql(content=hard_file)

    def disturb(number: int, request: httpx.Request) -> httpx.Response | None:
        if number == 60:
            server.kill()
            server.start()
        return None

    snapshot_over(server.url, work, SourceSettings(first_page_rows=3), disturb)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(hard_file)


def test_a_column_that_libsql_gave_another_type_keeps_the_class_of_every_value(
    libsql: MakeServer, work: Path
) -> None:
    server = libsql()
    for statement in (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, phone TEXT NOT NULL, n INTEGER, r TEXT, u TEXT UNIQUE)",
        "INSERT INTO t VALUES (1, '007', 5, '1.50', '1'), (2, 'x', 6, 'y', NULL)",
        "ALTER TABLE t ALTER COLUMN phone TO phone INTEGER", "ALTER TABLE t ALTER COLUMN n TO n TEXT",
        "ALTER TABLE t ALTER COLUMN r TO r REAL", "INSERT INTO t VALUES (3, 8, 7, 2, '3')",
    ):  # fmt: skip
        server.execute(statement)
    with closing(open_source(server.url)) as source:
        take_snapshot(source, work, SourceSettings())
    with closing(sqlite3.connect(work / "snapshot.db")) as copy:
        assert copy.execute("SELECT * FROM t ORDER BY id").fetchall() == [
            (1, "007", 5, "1.50", "1"), (2, "x", 6, "y", None), (3, 8, "7", 2.0, "3"),
        ]  # fmt: skip
        types = copy.execute("SELECT name, type FROM pragma_table_info('t')").fetchall()
    assert types == [("id", "INTEGER"), ("phone", ""), ("n", ""), ("r", ""), ("u", "TEXT")]
