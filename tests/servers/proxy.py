"""A TCP proxy on loopback that misbehaves on request: the network between us and a real server."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

Direction = Literal["up", "down"]
_PIECE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing sends RST


@dataclass
class _Link:
    client: socket.socket
    server: socket.socket
    torn: bool = False

    def shut(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def tear(self) -> None:
        self.torn = True
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                # A thread that sits in recv() keeps the socket open until it is woken.
                end.shutdown(socket.SHUT_RD)
            end.close()

    def close(self) -> None:
        self.client.close()
        self.server.close()


class Proxy:
    """Forwards connections on `port` to one server; used as a context manager.

    `delay` (seconds before each piece) and `bytes_per_second` (each way, each
    connection) may be changed while it runs; `on_request` is called before each
    piece goes to the server. `up` is towards the server, `down` towards the
    client; `forwarded` counts the bytes that went each way and `accepted` the
    connections.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay = 0.0
        self.bytes_per_second: float | None = None
        self.on_request: Callable[[], None] = lambda: None
        self.accepted = 0
        self.forwarded: dict[Direction, int] = {"up": 0, "down": 0}
        self._limits: dict[Direction, tuple[int, bool]] = {}
        self._refusing = False
        self._passing = threading.Event()
        self._passing.set()
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._closed = False
        self._threads: list[threading.Thread] = []

    @classmethod
    def before(cls, url: str) -> Proxy:
        """Return a proxy for the server that a URL names."""
        parts = urlsplit(url)
        assert parts.hostname and parts.port, "the URL must name host and port"
        return cls(parts.hostname, parts.port)

    def address(self, url: str) -> str:
        """Return `url` with the proxy in the place of the server."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        netloc = f"{user}@127.0.0.1:{self.port}" if user else f"127.0.0.1:{self.port}"
        return urlunsplit(parts._replace(netloc=netloc))

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()
        self.heal()
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for link in self._links:
            link.close()

    # ---- faults ----------------------------------------------------------------

    def cut(self) -> None:
        """End every open connection in good order, as a server that closes does."""
        with self._lock:
            for link in self._links:
                link.shut()

    def reset(self) -> None:
        """Tear every open connection down, as a firewall or a crash does: both ends see a reset."""
        with self._lock:
            for link in self._links:
                link.tear()

    def black_hole(self) -> None:
        """Forward nothing more, on open connections and new ones, and close none, until `heal`."""
        self._passing.clear()

    def refuse(self) -> None:
        """Close new connections as soon as they are accepted, until `heal`."""
        self._refusing = True

    def cut_after(self, size: int, direction: Direction = "down", *, reset: bool = False) -> None:
        """Cut, or reset, all connections when `size` more bytes have gone in `direction`; once."""
        with self._lock:
            self._limits[direction] = (self.forwarded[direction] + size, reset)

    def heal(self) -> None:
        """Undo `black_hole`, `refuse` and `cut_after`; what was held back goes on its way."""
        with self._lock:
            self._limits.clear()
        self._refusing = False
        self.delay, self.bytes_per_second = 0.0, None
        self._passing.set()

    # ---- parts -----------------------------------------------------------------

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            if self._refusing:
                client.close()
                continue
            self.accepted += 1
            self._start(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        self._passing.wait()
        try:
            server = socket.create_connection(self._server, timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        link = _Link(client, server)
        with self._lock:
            self._links.append(link)
            if self._closed:
                link.shut()
        self._start(self._pump, link, client, server, "up")
        self._start(self._pump, link, server, client, "down")

    def _pump(self, link: _Link, source: socket.socket, sink: socket.socket, direction: Direction) -> None:
        with contextlib.suppress(OSError):  # torn down by the other thread, or by either end
            while data := source.recv(_PIECE):
                self._passing.wait()
                if direction == "up":
                    self.on_request()
                time.sleep(self.delay)
                rate = self.bytes_per_second
                step = len(data) if rate is None else max(1, int(rate / 20))
                for start in range(0, len(data), step):
                    piece = data[start : start + step]
                    if rate is not None:
                        time.sleep(len(piece) / rate)
                    if not self._forward(piece, sink, direction):
                        return
        if not link.torn:
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

    def _forward(self, piece: bytes, sink: socket.socket, direction: Direction) -> bool:
        self._passing.wait()
        with self._lock:
            limit = self._limits.get(direction)
            room = len(piece) if limit is None else limit[0] - self.forwarded[direction]
            self.forwarded[direction] += min(room, len(piece))
            reached = limit is not None and len(piece) >= room
            if reached:
                del self._limits[direction]
        sink.sendall(piece[: max(room, 0)])
        if reached and limit is not None:
            self.reset() if limit[1] else self.cut()
        return not reached
