"""The proxy's faults are what a client really sees."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from migrate.postgres.embedded import EmbeddedServer
from tests.servers.proxy import Proxy


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(65536):
                    client.sendall(data)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    """A proxy before the echo server."""
    with Proxy("127.0.0.1", echo) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    """A connection through the proxy that has carried a byte each way."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        connection.sendall(b"?")
        assert connection.recv(1) == b"?"
        yield connection


def _ask(client: socket.socket, question: bytes) -> tuple[bytes, float]:
    began = time.monotonic()
    client.sendall(question)
    answer = b""
    while len(answer) < len(question) and (piece := client.recv(65536)):
        answer += piece
    return answer, time.monotonic() - began


def test_what_goes_through_is_unaltered_and_counted(proxy: Proxy, client: socket.socket) -> None:
    question = bytes(range(256)) * 1000
    assert _ask(client, question)[0] == question
    assert (proxy.forwarded, proxy.accepted) == ({"up": 256_001, "down": 256_001}, 1)


def test_a_delay_is_felt_each_way(proxy: Proxy, client: socket.socket) -> None:
    proxy.delay = 0.1
    assert _ask(client, b"x")[1] >= 0.2


def test_a_throttled_line_is_as_slow_as_set(proxy: Proxy, client: socket.socket) -> None:
    proxy.bytes_per_second = 100_000
    answer, seconds = _ask(client, bytes(20_000))
    assert len(answer) == 20_000
    assert 0.2 <= seconds < 2


def test_a_cut_is_an_end_of_file(proxy: Proxy, client: socket.socket) -> None:
    proxy.cut()
    assert client.recv(1) == b""


def test_a_reset_is_an_error(proxy: Proxy, client: socket.socket) -> None:
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_black_hole_says_nothing_until_it_heals(proxy: Proxy, client: socket.socket) -> None:
    proxy.black_hole()
    client.sendall(b"late")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(1)
    proxy.heal()
    client.settimeout(10)
    assert client.recv(4) == b"late"


def test_a_black_hole_takes_new_connections_too(proxy: Proxy) -> None:
    proxy.black_hole()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.2) as late:
        late.sendall(b"x")
        with pytest.raises(TimeoutError):
            late.recv(1)


def test_a_refused_connection_ends_at_once_and_open_ones_stay(proxy: Proxy, client: socket.socket) -> None:
    proxy.refuse()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as refused:
        assert refused.recv(1) == b""
    assert _ask(client, b"x")[0] == b"x"


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_after_so_many_bytes_lets_no_more_through(
    proxy: Proxy, client: socket.socket, reset: bool
) -> None:
    proxy.cut_after(1000, "up", reset=reset)
    before = proxy.forwarded["up"]
    client.sendall(bytes(5000))
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        assert reset
    assert proxy.forwarded["up"] - before == 1000
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as again:
        assert _ask(again, bytes(5000))[0] == bytes(5000)


def test_a_server_that_is_not_there_is_a_closed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Proxy("127.0.0.1", port) as proxy, socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.settimeout(10)
        assert client.recv(1) == b""


def test_postgresql_is_reached_through_it_and_lost_with_it(postgres: EmbeddedServer) -> None:
    with (
        Proxy.before(postgres.url()) as proxy,
        psycopg.connect(proxy.address(postgres.url()), autocommit=True) as conn,
    ):
        assert conn.execute("SELECT 1").fetchone() == (1,)
        proxy.reset()
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
