"""A server that answers every HTTP request with whatever a test wants: no libSQL at all."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

#: Writes an answer to the client's connection; what follows is closed.
Answer = Callable[[socket.socket], None]

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_MEGABYTE: Final = b" " * 1024 * 1024
#: how many megabytes "endless" is: a client that takes them all fails the test by its memory
_ENDLESS: Final = 2_000


@contextmanager
def hostile(answer: Answer) -> Iterator[int]:
    """Serve `answer` on a port of this machine until the block ends, and yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(listener, answer), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve(listener: socket.socket, answer: Answer) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(client, answer), daemon=True).start()


def _answer(client: socket.socket, answer: Answer) -> None:
    with suppress(OSError), client:
        answer(client)


def _take_request(client: socket.socket) -> bytes:
    """Read a request up to the end of its headers, and what came with them of its body."""
    request = b""
    while b"\r\n\r\n" not in request:
        part = client.recv(65536)
        if not part:
            break
        request += part
    return request


def endless_body(client: socket.socket) -> None:
    """An answer that never ends, in chunks."""
    _take_request(client)
    client.sendall(_OK + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(_ENDLESS):
        client.sendall(b"%x\r\n" % len(_MEGABYTE) + _MEGABYTE + b"\r\n")


def compressed_bomb(client: socket.socket) -> None:
    """An answer that is small, and endless when it is decompressed."""
    _take_request(client)
    client.sendall(_OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for _ in range(_ENDLESS):
        client.sendall(packing.compress(_MEGABYTE))


def behind_the_gzip(client: socket.socket) -> None:
    """A compressed answer with endless bytes behind its end."""
    _take_request(client)
    client.sendall(_OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    client.sendall(packing.compress(b"{}") + packing.flush())
    for _ in range(_ENDLESS):
        client.sendall(_MEGABYTE)


def empty_blocks(client: socket.socket) -> None:
    """A compressed answer of endless blocks that hold nothing."""
    _take_request(client)
    client.sendall(_OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    client.sendall(packing.compress(b"") + packing.flush(zlib.Z_SYNC_FLUSH))
    for _ in range(_ENDLESS):
        client.sendall(b"\x00\x00\x00\xff\xff" * 200_000)


def endless_error(client: socket.socket) -> None:
    """A refusal whose text never ends."""
    _take_request(client)
    client.sendall(b"HTTP/1.1 418 No\r\nConnection: close\r\n\r\n")
    for _ in range(_ENDLESS):
        client.sendall(_MEGABYTE)


def endless_redirect(client: socket.socket) -> None:
    """A server without HEAD whose redirect to `/next`, which is there, has a body that never ends."""
    request = _take_request(client)
    if request.startswith(b"HEAD"):
        client.sendall(b"HTTP/1.1 405 No\r\nConnection: close\r\n\r\n")
    elif request.startswith(b"GET /next"):
        client.sendall(_OK + b"Connection: close\r\n\r\n")
    else:
        client.sendall(b"HTTP/1.1 302 There\r\nLocation: /next\r\nConnection: close\r\n\r\n")
        for _ in range(_ENDLESS):
            client.sendall(_MEGABYTE)


def _drip(client: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.05):
        client.sendall(b"x")


def slow_body(over: threading.Event) -> Answer:
    """Return an answer that comes byte by byte until `over`."""

    def answer(client: socket.socket) -> None:
        _take_request(client)
        client.sendall(_OK + b"Content-Length: 1000000\r\n\r\n")
        _drip(client, over)

    return answer


def slow_headers(over: threading.Event) -> Answer:
    """Return an answer whose headers come byte by byte until `over`."""

    def answer(client: socket.socket) -> None:
        _take_request(client)
        client.sendall(_OK + b"X-Long: ")
        _drip(client, over)

    return answer


# ---- WebSocket -------------------------------------------------------------------


def _accept_websocket(client: socket.socket) -> None:
    request = _take_request(client).decode()
    key = next(
        line.split(": ")[1] for line in request.split("\r\n") if line.lower().startswith("sec-websocket-key")
    )
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: hrana2\r\nSec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def _text(client: socket.socket, text: bytes) -> None:
    length = bytes([len(text)]) if len(text) < 126 else bytes([126]) + len(text).to_bytes(2)
    client.sendall(b"\x81" + length + text)


def _take_message(client: socket.socket) -> int:
    """Read one message of a client, and return its kind; 8, which closes, if the client hung up.

    Several messages may arrive at once, so no more than one is read.
    """
    head = client.recv(2, socket.MSG_WAITALL)
    if len(head) < 2:
        return 8
    size = head[1] & 0x7F
    if size > 125:
        size = int.from_bytes(client.recv(2 if size == 126 else 8, socket.MSG_WAITALL))
    client.recv(4 + size, socket.MSG_WAITALL)  # the mask and the text
    return head[0] & 0x0F


def _greet(client: socket.socket) -> bool:
    """Answer the client's greeting; return whether it goes on, and does not hang up."""
    _take_message(client)
    _text(client, b'{"type": "hello_ok"}')
    return _take_message(client) != 8


def websocket(*replies: bytes) -> Answer:
    """Return an answer that takes a WebSocket, greets, gives `replies` and then is silent."""

    def answer(client: socket.socket) -> None:
        _accept_websocket(client)
        if not _greet(client):
            return
        for reply in replies:
            _text(client, reply)
        while client.recv(65536):
            pass

    return answer


def endless_frame(client: socket.socket) -> None:
    """A WebSocket message of 2^40 bytes."""
    _accept_websocket(client)
    if not _greet(client):
        return
    client.sendall(b"\x81\x7f" + (2**40).to_bytes(8))
    for _ in range(_ENDLESS):
        client.sendall(_MEGABYTE)


def endless_fragments(client: socket.socket) -> None:
    """A WebSocket message in fragments that never ends."""
    _accept_websocket(client)
    if not _greet(client):
        return
    kind = 1
    for _ in range(_ENDLESS):
        client.sendall(bytes([kind, 0x7F]) + len(_MEGABYTE).to_bytes(8) + _MEGABYTE)
        kind = 0


def long_message(client: socket.socket) -> None:
    """A WebSocket message of 8 MB."""
    _accept_websocket(client)
    if _greet(client):
        client.sendall(b"\x81\x7f" + (8 * len(_MEGABYTE)).to_bytes(8))
        for _ in range(8):
            client.sendall(_MEGABYTE)
