"""From a URL to a source."""

from __future__ import annotations

from migrate.runtime.errors import UsageError
from migrate.runtime.source_settings import SourceSettings
from migrate.source.dump_file import open_dump
from migrate.source.model import Source
from migrate.source.paged_reader import ChannelSource
from migrate.source.sqlite_file import open_file
from migrate.source.transport import Transport
from migrate.source.url import parse_address


def open_source(url: str, *, token: str | None = None, settings: SourceSettings | None = None) -> Source:
    """Return the source that a URL or path means.

    `libsql://`, `https://`, `http://` are read over HTTP, `wss://`, `ws://`
    over WebSocket, `file:` or a path as an SQLite file, a path that ends in
    `.sql` as a dump. Raises UsageError for any other, and what the way raises
    that is chosen. Nothing is sent to a server yet.
    """
    settings = settings or SourceSettings()
    address = parse_address(url, token)
    channel: Transport
    if address.way == "http":
        from migrate.source.http import HttpChannel  # its libraries take a tenth of a second to load

        channel = HttpChannel(address, settings)
    elif address.way == "ws":
        from migrate.source.websocket import WsChannel

        channel = WsChannel(address, settings)
    elif address.way == "dump":
        channel = open_dump(address, settings)
    elif address.way == "file":
        channel = open_file(address, settings)
    else:  # pragma: no cover
        raise UsageError(f"no way to read {address.label}")
    return ChannelSource(channel, settings)
