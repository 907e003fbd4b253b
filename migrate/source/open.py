"""Opens the source that a URL names."""

from __future__ import annotations

from collections.abc import Callable

from migrate.runtime.errors import UsageError
from migrate.runtime.settings.source import SourceSettings
from migrate.source.dump_file import open_dump
from migrate.source.model import Source
from migrate.source.paged_reader import TransportSource
from migrate.source.sqlite_file import open_file
from migrate.source.transport import Transport
from migrate.source.url import parse_address


def _at_once() -> None:
    """Wait for nothing before a request."""


def open_source(
    url: str,
    *,
    token: str | None = None,
    settings: SourceSettings | None = None,
    pace: Callable[[], None] = _at_once,
) -> Source:
    """Return the source for a URL or path.

    `libsql://`, `https://`, `http://` are read over HTTP, `wss://`, `ws://` over WebSocket, `file:` or a path
    as an SQLite file, a path that ends in `.sql` as a dump. Raises UsageError for any other URL, and the
    errors of the chosen transport. Nothing is sent to a server yet.
    `pace` is called before each request, also a repeated one, and returns if it may be sent.
    """
    settings = settings or SourceSettings()
    address = parse_address(url, token)
    transport: Transport
    if address.way == "http":
        from migrate.source.http import HttpTransport  # its libraries take a tenth of a second to load

        transport = HttpTransport(address, settings, pace=pace)
    elif address.way == "ws":
        from migrate.source.websocket import WebSocketTransport

        transport = WebSocketTransport(address, settings, pace)
    elif address.way == "dump":
        transport = open_dump(address, settings)
    elif address.way == "file":
        transport = open_file(address, settings)
    else:  # pragma: no cover
        raise UsageError(f"no way to read {address.label}")
    return TransportSource(transport, settings)
