"""libSQL over WebSocket, through libsql-client: only for self-hosted servers."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from sys import getsizeof
from typing import Any

import tenacity

from migrate.runtime.errors import UsageError
from migrate.runtime.source_settings import SourceSettings
from migrate.source import hrana, server_errors
from migrate.source.model import Row, Value
from migrate.source.server_errors import Transient
from migrate.source.transport import Kind, QueryResult, TooLarge
from migrate.source.url import Address


def _library() -> Any:
    try:
        return importlib.import_module("libsql_client")
    except ImportError as error:
        raise UsageError(
            "ws:// and wss:// need the package libsql-client, which is not installed",
            hint="pip install 'turso-to-prisma[ws]', or write the URL with http:// or https://",
        ) from error


class _Loop:
    """An event loop in a thread that does not keep the process alive; the library's own loop would."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="source-ws", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class WebSocketTransport:
    """A database on a libSQL server, over WebSocket.

    The server closes the connection on text that is not UTF-8, so all text is selected as blobs. The library
    does not pass on a replication index, so there is no version.
    """

    exact = False
    text_as_blobs = True
    bills = True
    copy: Path | None = None
    most_bytes = 1024 * 1024  # aiohttp refuses messages over 4 MiB, and JSON makes them longer

    def __init__(self, address: Address, settings: SourceSettings) -> None:
        if settings.ca_file is not None:
            raise UsageError(
                "[source] ca_file is for https:// and libsql://",
                hint="for wss:// name the file in the variable SSL_CERT_FILE instead",
            )
        self.label = address.label
        self.identity = address.label
        self._address = address
        self._settings = settings
        self._library = _library()
        self._client: Any = None
        self._loop: _Loop | None = None

    def close(self) -> None:
        """Close the connection."""
        self._hang_up()
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop is not None:
            with suppress(Exception):  # it is lost already
                self._loop.run(client.close())

    async def _connect(self) -> Any:
        await self._greet()
        return self._library.create_client(self._address.url, auth_token=self._address.token)

    def run(self, sql: str, args: Sequence[Value] = (), kinds: Sequence[Kind] = ()) -> QueryResult:  # noqa: ARG002
        """Run one SELECT or PRAGMA and return its rows; see `Transport.run`."""
        attempts = self._settings.attempts
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            stop=tenacity.stop_after_attempt(attempts),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=self._settings.longest_wait),
            reraise=True,
        )
        try:
            rows = retrying(self._once, sql, list(args))
        except Transient as error:
            raise server_errors.unavailable(self.label, str(error), attempts) from error
        size = sum(sum(map(getsizeof, column)) for column in zip(*rows, strict=True))
        return QueryResult(rows, size)

    async def _greet(self) -> None:
        """Ask the server once whether it accepts the token.

        The library sends its first request without waiting for that answer. If the server refuses, it closes
        the connection at that time and the answer is lost.
        """
        http = importlib.import_module("aiohttp")  # the library depends on it
        timeout = http.ClientTimeout(total=self._settings.read_timeout)
        async with http.ClientSession(timeout=timeout) as session:
            connecting = session.ws_connect(self._address.url, protocols=["hrana2"], heartbeat=None)
            async with connecting as socket:
                await socket.send_json({"type": "hello", "jwt": self._address.token})
                answer = await socket.receive_json()
        if answer.get("type") == "hello_error":
            error = answer.get("error") or {}
            raise self._library.LibsqlError(str(error.get("message")), str(error.get("code") or "AUTH"))

    def _once(self, sql: str, args: list[Value]) -> list[Row]:
        try:
            self._loop = self._loop or _Loop()
            if self._client is None:
                self._client = self._loop.run(self._connect())
            found = self._loop.run(self._client.execute(sql, args))
            return [tuple(row) for row in found.rows]
        except self._library.LibsqlError as error:
            raise self._mapped(error) from error
        except Exception as error:
            # aiohttp's errors: the library does not catch them, and its connection is lost.
            self._hang_up()
            if type(error).__name__ == "ClientConnectorCertificateError":
                raise server_errors.untrusted(self.label) from error
            status = getattr(error, "status", None)
            if "exceeds limit" in str(error):
                raise TooLarge("a message too long for the WebSocket") from error
            if isinstance(status, int):
                raise self._by_status(status) from error
            raise Transient(type(error).__name__) from error

    def _mapped(self, error: Any) -> Exception:
        code = str(error.code or "")
        message = str(error).removeprefix(f"{code}: ")
        if code.startswith(("HRANA_WEBSOCKET", "CLIENT_CLOSED", "HRANA_CLOSED")):
            self._hang_up()
            return Transient(code)
        if code.startswith("AUTH") or "authenticat" in message.lower():
            self._hang_up()
            return server_errors.unauthorized(self.label, 401, self._address.token is not None)
        return hrana.failure(code, message, self.label)

    def _by_status(self, status: int) -> Exception:
        if status in (401, 403):
            return server_errors.unauthorized(self.label, status, self._address.token is not None)
        if status == 404:
            return server_errors.not_found(self.label)
        if status == 429 or (status >= 500 and status != 505):
            return Transient(f"status {status}")
        return server_errors.no_websocket(self.label, status)
