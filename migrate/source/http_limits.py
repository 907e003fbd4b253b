"""Limits of one HTTP request: how long it may take in all, and how long its answer may be."""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import httpx

from migrate.source.server_errors import Malformed, Transient
from migrate.source.transport import TooLarge

_MOST_SOCKETS: Final = 8


class RequestTimer:
    """Closes the connections of a client if one request takes longer than `seconds` in all.

    httpx limits each read alone: a server that sends a byte now and then keeps a request alive
    for ever, in its headers as well as in its body.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._sockets: list[socket.socket] = []
        self._change = threading.Lock()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember each new connection: the function for httpx's extension `trace`."""
        if not event.endswith("connect_tcp.complete"):
            return
        found = info["return_value"].get_extra_info("socket")
        with suppress(OSError, AttributeError), self._change:
            # A handle of our own: TLS takes the connection's away from the object that we see here.
            self._sockets.append(found.dup())
            while len(self._sockets) > _MOST_SOCKETS:
                self._sockets.pop(0).close()

    @contextmanager
    def limit(self) -> Iterator[threading.Event]:
        """Run the block against the clock; the event is set if its time is over."""
        over = threading.Event()
        timer = threading.Timer(self.seconds, self._cut, [over])
        timer.daemon = True
        timer.start()
        try:
            yield over
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close our handles of the connections."""
        with self._change:
            while self._sockets:
                self._sockets.pop().close()

    def _cut(self, over: threading.Event) -> None:
        over.set()
        with self._change:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def read_body(response: httpx.Response, most_bytes: int) -> bytes:
    """Return the body of a response, decompressed.

    Raises TooLarge as soon as it is longer than `most_bytes`, on the wire or decompressed,
    Malformed for an encoding that was not asked for, Transient if it is cut short.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise Malformed("it is compressed in a way that was not asked for")
    gzip = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    parts: list[bytes] = []
    wire = size = 0
    for chunk in response.stream:  # type: ignore[union-attr]
        wire += len(chunk)
        part = chunk if gzip is None else _unpack(gzip, chunk, most_bytes + 1 - size)
        size += len(part)
        if size > most_bytes or wire > most_bytes:
            raise TooLarge(f"the answer is longer than {most_bytes:,} bytes")
        parts.append(part)
    if gzip is not None and not gzip.eof and wire:
        raise Transient("a compressed answer that is cut short")
    return b"".join(parts)


def _unpack(gzip: Any, chunk: bytes, most: int) -> bytes:
    if gzip.eof:
        raise Malformed("bytes follow the end of what was compressed")
    try:
        part: bytes = gzip.decompress(chunk, most)
    except zlib.error as error:
        raise Malformed("it is no gzip, as its header says") from error
    if gzip.unused_data:
        raise Malformed("bytes follow the end of what was compressed")
    return part
