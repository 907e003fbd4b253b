"""A transport that watches what goes over the wire to a real server, and disturbs it on request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import orjson

from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.http import HttpTransport
from migrate.source.paged_reader import TransportSource
from migrate.source.url import parse_address

#: gets the number of the request (from 1) and the request; gives an answer in the server's place, or None
Disturb = Callable[[int, httpx.Request], httpx.Response | None]


def undisturbed(_number: int, _request: httpx.Request) -> httpx.Response | None:
    """Let every request pass."""
    return None


def always(answer: httpx.Response) -> Disturb:
    """Give the same answer to every request."""

    def disturb(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)

    return disturb


class Wire(httpx.BaseTransport):
    """Passes requests on to the server, keeps them, and lets `disturb` answer some instead."""

    def __init__(self, disturb: Disturb = undisturbed) -> None:
        self._inner = httpx.HTTPTransport()
        self._disturb = disturb
        self.requests: list[httpx.Request] = []
        self.sizes: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        instead = self._disturb(len(self.requests), request)
        if instead is not None:
            return instead
        response = self._inner.handle_request(request)
        body = response.read()
        self.sizes.append(len(body))
        return httpx.Response(response.status_code, headers=_uncompressed(response.headers), content=body)

    def close(self) -> None:
        self._inner.close()

    def statements(self) -> list[dict[str, Any]]:
        """Return every request inside every pipeline that was sent."""
        return [one for request in self.requests for one in orjson.loads(request.content)["requests"]]


def _uncompressed(headers: httpx.Headers) -> list[tuple[bytes, bytes]]:
    """Return the headers of a response whose body was decompressed."""
    dropped = (b"content-encoding", b"content-length", b"transfer-encoding")
    return [(name, value) for name, value in headers.raw if name.lower() not in dropped]


def over(
    url: str,
    settings: SourceSettings,
    disturb: Disturb = undisturbed,
    token: str | None = None,
) -> tuple[TransportSource, Wire]:
    """Return a source over HTTP and the wire that it uses."""
    wire = Wire(disturb)
    return TransportSource(HttpTransport(parse_address(url, token), settings, wire), settings), wire


def snapshot_over(url: str, work: Path, settings: SourceSettings, disturb: Disturb = undisturbed) -> Wire:
    """Take a snapshot over a disturbed wire and return the wire."""
    source, wire = over(url, settings, disturb)
    with closing(source):
        take_snapshot(source, work, settings)
    return wire
