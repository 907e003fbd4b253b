"""URLs of images: whether they are valid, and whether they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import httpx
from psycopg import sql

from verification.context import CheckContext, UrlSettings
from verification.queries import at, count_rows, key_of, offenders, stream, texts
from verification.result import Check, Outcome

#: Columns that hold URLs of images, and the schemes allowed there. The rule is that of the mappers: no row
#: that they write is refused here.
_IMAGES: Final = {
    ("studio_images", "image_url"): "[hH][tT][tT][pP][sS]",
    ("users", "avatar_url"): "[hH][tT][tT][pP][sS]?",
}
#: Part of a host's name: of ASCII letters, digits, `_` and `-`; which other letters there are, depends
#: on the server's locale.
_LABEL: Final = r"[^\x01-\x2c\x2e\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]+"
_REST: Final = rf"://{_LABEL}(\.{_LABEL})+(:[0-9]{{1,5}})?([/?#][^[:space:]]*)?$"
#: status codes of a server that does not support HEAD; it is asked by GET
_ASK_AGAIN: Final = frozenset({400, 403, 404, 405, 501})


def _columns(context: CheckContext) -> dict[tuple[str, str], str]:
    return {
        (table, column): scheme
        for (table, column), scheme in _IMAGES.items()
        if table in context.tables and context.tables[table].column(column) is not None
    }


def _parse(context: CheckContext) -> Outcome:
    columns = _columns(context)
    if not columns:
        return Outcome.not_applicable("no table with images")
    outcome = Outcome()
    for (table, column), scheme in columns.items():
        outcome.looked_at += count_rows(context, table)
        pattern = f"^{scheme}{_REST}"
        rows = sql.SQL("SELECT {} FROM {} WHERE {} !~ {}").format(
            key_of(context.tables[table]), at(context, table), sql.Identifier(column), sql.Literal(pattern)
        )
        what = "is not a valid URL: https, a host with a dot, no user name, no white space"
        offenders(context, outcome, table, rows, what, column)
    return outcome


def _answer(context: CheckContext) -> Outcome:
    columns = _columns(context)
    if not columns:
        return Outcome.not_applicable("no table with images")
    outcome = Outcome()
    for table, column in columns:
        query = sql.SQL(
            "SELECT min({key}), {url} FROM {table} WHERE {url} IS NOT NULL GROUP BY {url}"
        ).format(key=key_of(context.tables[table]), url=sql.Identifier(column), table=at(context, table))
        for frame in stream(context, query, texts("key", "url")):
            outcome.looked_at += frame.height
            dead = check_urls(list(frame.rows()), context.urls)
            for key, what in dead:
                outcome.found(table, key, what, column)
    return outcome


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


URLS_PARSE = Check("urls_parse", "Is every image URL valid?", _parse, of_target=True)
URLS_ANSWER = Check("urls_answer", "Does every image URL answer over HTTP?", _answer)
