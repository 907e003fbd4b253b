"""Requests URLs and says which do not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import httpx

from verification.context import UrlSettings

#: status codes of a server that does not support HEAD; it is asked by GET
_ASK_AGAIN: Final = frozenset({400, 403, 404, 405, 501})


def check_urls(urls: list[tuple[str, str]], settings: UrlSettings) -> list[tuple[str, str]]:
    """Request each of the (key, URL) pairs; return (key, fault) for those that do not answer.

    Uses HEAD, and GET (without reading the body) if a server does not support it. At most
    `settings.concurrency` requests run at the same time.
    """
    return asyncio.run(_ask_all(urls, settings))


async def _ask_all(urls: list[tuple[str, str]], settings: UrlSettings) -> list[tuple[str, str]]:
    waiting: Iterator[tuple[str, str]] = iter(urls)
    dead: list[tuple[str, str]] = []
    limits = httpx.Limits(max_connections=settings.concurrency)
    async with httpx.AsyncClient(
        timeout=settings.timeout, limits=limits, follow_redirects=True, max_redirects=settings.redirects
    ) as client:

        async def work() -> None:
            for key, url in waiting:
                if what := await _ask(client, url, settings):
                    dead.append((key, what))

        async with asyncio.TaskGroup() as group:
            for _ in range(settings.concurrency):
                group.create_task(work())
    return sorted(dead)


async def _ask(client: httpx.AsyncClient, url: str, settings: UrlSettings) -> str | None:
    """Return the fault of a URL, None if it answers; never the URL itself."""
    try:
        # `timeout` limits each read alone: a server that sends a byte now and then would never end.
        async with asyncio.timeout(settings.timeout * (settings.redirects + 2)):
            status = (await client.head(url)).status_code
            if status in _ASK_AGAIN:
                status = await _get(client, url, settings.redirects)
    except (httpx.TimeoutException, TimeoutError):
        return "does not answer in time"
    except httpx.TooManyRedirects:
        return "redirects without end"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"cannot be asked for ({type(error).__name__})"
    return f"answers {status}" if status >= httpx.codes.BAD_REQUEST else None


async def _get(client: httpx.AsyncClient, url: str, redirects: int) -> int:
    """Return the status of a GET, redirects followed; no body is read (httpx itself reads a redirect's)."""
    for _ in range(redirects + 1):
        async with client.stream("GET", url, follow_redirects=False) as response:
            if response.next_request is None:
                return response.status_code
            url = str(response.next_request.url)
    raise httpx.TooManyRedirects("too many redirects")
