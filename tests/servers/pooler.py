"""A small transaction pooler in front of a real PostgreSQL, such as PgBouncer is: for tests."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psycopg

_READY = b"Z\x00\x00\x00\x05I"
_PARAMETERS = ("server_version", "server_encoding", "client_encoding", "standard_conforming_strings",
               "integer_datetimes", "DateStyle", "TimeZone")  # fmt: skip


class TransactionPooler:
    """Lends a client one of `size` sessions for a transaction; with `whole_sessions`, until it leaves."""

    def __init__(self, database: str, size: int, *, whole_sessions: bool = False) -> None:
        self._database = database
        self._size = size
        self._whole = whole_sessions
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    @property
    def url(self) -> str:
        """Where clients connect; any user and password will do."""
        name = urlsplit(self._database).path
        return f"postgresql://anyone:any@127.0.0.1:{self._port}{name}?sslmode=disable&gssencmode=disable"

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        sessions = [psycopg.connect(self._database, autocommit=True) for _ in range(self._size)]
        self._parameters = {name: sessions[0].info.parameter_status(name) or "" for name in _PARAMETERS}
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()
        for session in sessions:  # logged in by psycopg, spoken to by us
            sock = socket.socket(fileno=os.dup(session.fileno()))
            self._free.put_nowait(await asyncio.open_connection(sock=sock))
        self._serving: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        await asyncio.gather(*self._serving)
        for writer in [self._free.get_nowait()[1] for _ in sessions]:
            writer.close()
            await writer.wait_closed()
        for session in sessions:
            session.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        length = int.from_bytes(await reader.readexactly(4))
        await reader.readexactly(length - 4)
        writer.write(_message(b"R", b"\x00\x00\x00\x00"))
        for name, value in self._parameters.items():
            writer.write(_message(b"S", f"{name}\0{value}\0".encode()))
        writer.write(_message(b"K", os.urandom(8)) + _READY)
        server = None
        try:
            while True:
                head = await reader.readexactly(5)
                if head[:1] == b"X":
                    break
                body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
                if server is None:
                    server = await self._free.get()
                server[1].write(head + body)
                if head[:1] in b"QS" and await _answer(server[0], writer) == b"I" and not self._whole:
                    self._free.put_nowait(server)
                    server = None
        except asyncio.IncompleteReadError:
            pass
        finally:
            if server is not None:
                self._free.put_nowait(server)
            writer.close()
            await writer.wait_closed()


async def _answer(server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Pass on what the server says until it is ready; return the state of its transaction."""
    while True:
        head = await server.readexactly(5)
        body = await server.readexactly(int.from_bytes(head[1:]) - 4)
        writer.write(head + body)
        await writer.drain()
        if head[:1] == b"Z":
            return body


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body
