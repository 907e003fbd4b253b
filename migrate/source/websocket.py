"""libSQL over WebSocket, through libsql-client: only for self-hosted servers."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from pathlib import Path
from sys import getsizeof
from typing import Any, Final

import tenacity

from migrate.runtime.errors import UsageError
from migrate.runtime.settings.source import SourceSettings
from migrate.source import hrana, server_errors
from migrate.source.model import Row, Value
from migrate.source.server_errors import Malformed, TooSlow, Transient
from migrate.source.transport import Kind, QueryResult, TooLarge, WrongAnswer
from migrate.source.url import Address

_SECONDS_TO_CLOSE: Final = 15.0  # the library itself waits ten for the server to agree


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
        self._running: Future[Any] | None = None
        self._failed = False

    def run(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        """Return what `work` returns.

        Raises TooSlow after `seconds`, WrongAnswer if the library fails at the answer.
        """
        self._loop.call_soon_threadsafe(self._loop.set_exception_handler, self._note)
        self._failed = False
        self._running = asyncio.run_coroutine_threadsafe(_limited(work, seconds), self._loop)
        try:
            return self._running.result()
        except CancelledError as error:
            if not self._failed:
                raise
            raise WrongAnswer("it is none of Hrana's") from error

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the wait for an answer that the library fails at: it says so to the loop alone."""
        if "handle" in context and self._running is not None:
            self._failed = True
            self._running.cancel()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(_end_tasks(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _end_tasks() -> None:
    """End what a connection that was lost has left in the loop, and let its socket be closed."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


async def _limited(work: Coroutine[Any, Any, Any], seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TooSlow("a request that took too long") from error


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

    def __init__(
        self, address: Address, settings: SourceSettings, pace: Callable[[], None] = lambda: None
    ) -> None:
        self._pace = pace
        if settings.ca_file is not None:
            raise UsageError(
                "[source] ca_file is for https:// and libsql://",
                hint="for wss:// set the variable SSL_CERT_FILE to the file",
            )
        self.label = address.label
        self.identity = address.label
        self._address = address
        self._settings = settings
        self._seconds = settings.longest_request
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
                self._loop.run(client.close(), _SECONDS_TO_CLOSE)

    async def _connect(self) -> Any:
        await self._greet()
        return self._library.create_client(self._address.url, auth_token=self._address.token)

    def run(self, sql: str, args: Sequence[Value] = (), kinds: Sequence[Kind] = ()) -> QueryResult:  # noqa: ARG002
        """Run one SELECT or PRAGMA and return its rows; see `Transport.run`."""
        attempts = self._settings.attempts
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            stop=server_errors.stop_after(attempts),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=self._settings.longest_wait),
            before_sleep=server_errors.announce_retry(self.label, attempts),
            reraise=True,
        )
        try:
            rows = retrying(self._once, sql, list(args))
        except Transient as error:
            raise server_errors.given_up(self.label, error, attempts, self._seconds) from error
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
        if not isinstance(answer, dict):
            raise Malformed("it is not Hrana")
        if answer.get("type") == "hello_error":
            error = answer.get("error") or {}
            raise self._library.LibsqlError(str(error.get("message")), str(error.get("code") or "AUTH"))

    def _once(self, sql: str, args: list[Value]) -> list[Row]:
        self._pace()
        try:
            self._loop = self._loop or _Loop()
            if self._client is None:
                self._client = self._loop.run(self._connect(), self._seconds)
            return self._rows(self._loop, sql, args)
        except (WrongAnswer, Transient):
            self._hang_up()
            raise
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

    def _rows(self, loop: _Loop, sql: str, args: list[Value]) -> list[Row]:
        try:
            found = loop.run(self._client.execute(sql, args), self._seconds)
            rows = [tuple(row) for row in found.rows]
            narrow = bool(set(map(len, rows)) - {len(found.columns)})
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise WrongAnswer("it is none of Hrana's") from error  # the library looks at no answer
        if narrow:
            raise WrongAnswer(f"it names {len(found.columns)} columns, and not all of its rows are as wide")
        return rows

    def _mapped(self, error: Any) -> Exception:
        code = str(error.code or "")
        message = str(error).removeprefix(f"{code}: ")
        if code.startswith(("HRANA_WEBSOCKET", "CLIENT_CLOSED", "HRANA_CLOSED")):
            self._hang_up()
            return Transient(code)
        if code == "HRANA_PROTO_ERROR":
            self._hang_up()
            return WrongAnswer("it is none of Hrana's")
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
