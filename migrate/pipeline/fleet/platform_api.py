"""Turso's Platform API: the databases of an organization, or of one of its groups.

https://docs.turso.tech/api-reference/databases/list: GET /v1/organizations/{org}/databases, with `group`;
the answer is `{"databases": [{"Name", "Hostname", "is_schema", "archived", …}]}`. It comes in one piece; if a
`Link` header names a next page, that is read too.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import tenacity

from migrate.pipeline.fleet.tenant import Tenant
from migrate.runtime.errors import SourceError, SourceUnavailable, UsageError
from migrate.runtime.settings.fleet import FleetSettings

_MOST_PAGES: Final = 10_000
_ATTEMPTS: Final = 5
_LONGEST_WAIT: Final = 30.0


class _Again(Exception):
    """An answer after which the request is worth another try."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


def list_databases(
    settings: FleetSettings, named: str, environ: Mapping[str, str] = os.environ
) -> list[Tenant]:
    """Return the databases of `ORG` or `ORG/GROUP`; those that hold only a schema are left out.

    Raises UsageError if the token or the name is missing, SourceUnavailable if the API does not answer,
    SourceError if it refuses or its answer cannot be understood. The token is never shown.
    """
    organization, _, group = named.partition("/")
    token = environ.get(settings.api_token_env, "").strip()
    if not organization:
        raise UsageError("turso: names no organization", hint="write turso:ORG or turso:ORG/GROUP")
    if not token:
        raise UsageError(
            f"the variable {settings.api_token_env} holds no token for the Platform API",
            hint="`turso auth api-tokens mint NAME` prints one",
        )
    url = f"{settings.api_url.rstrip('/')}/v1/organizations/{quote(organization, safe='')}/databases"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    with httpx.Client(headers=headers, timeout=60, follow_redirects=False) as client:
        found = list(_databases(client, url, {"group": group} if group else {}))
    return [
        Tenant(str(one["Name"]), f"libsql://{one['Hostname']}") for one in found if not one.get("is_schema")
    ]


def _databases(client: httpx.Client, url: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    home, seen = urlsplit(url)[:2], set[str]()
    here = httpx.URL(url, params=dict(query) or None)
    for _ in range(_MOST_PAGES):
        answer = _get(client, here)
        yield from _listed(answer)
        following = answer.links.get("next", {}).get("url")
        if following is None:
            return
        here = here.join(following)
        if urlsplit(str(here))[:2] != home or str(here) in seen:
            raise SourceError(f"{home[1]}: the next page that the Platform API names is not its own")
        seen.add(str(here))
    raise SourceError(f"{home[1]}: the list of databases does not end")


def _get(client: httpx.Client, url: httpx.URL) -> httpx.Response:
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_Again),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=_wait,
        reraise=True,
    )
    try:
        return retrying(_once, client, url)
    except _Again as error:
        raise SourceUnavailable(
            f"the Platform API at {url.host} did not answer in {_ATTEMPTS} attempts: {error}",
            hint="run the same command again later",
        ) from error


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.after is not None:
        return min(error.after, _LONGEST_WAIT)
    growing: float = 0.1 * 2**state.attempt_number
    return random.uniform(0.5, 1.0) * growing  # noqa: S311  only to spread the attempts


def _once(client: httpx.Client, url: httpx.URL) -> httpx.Response:
    try:
        answer = client.get(url)
    except httpx.TransportError as error:
        raise _Again(type(error).__name__) from error
    status = answer.status_code
    if status == 429 or status >= 500:
        after = answer.headers.get("Retry-After", "")
        raise _Again(f"HTTP {status}", float(after) if after.isdecimal() else None)
    if status in (401, 403):
        raise SourceError(
            f"the Platform API at {url.host} refuses the token (HTTP {status})",
            hint="is it one of this organization? `turso auth api-tokens mint NAME` prints a new one",
        )
    if status != 200:
        raise SourceError(
            f"the Platform API at {url.host} does not list the databases (HTTP {status})",
            hint="are organization and group spelled as in `turso org list` and `turso group list`?",
        )
    return answer


def _listed(answer: httpx.Response) -> list[dict[str, Any]]:
    wrong = SourceError(
        f"the answer of {answer.url.host} is not a list of databases", hint="check [fleet] api_url"
    )
    try:
        listed = answer.json()["databases"]
    except (ValueError, KeyError, TypeError):
        raise wrong from None  # without its text
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and isinstance(one.get("Name"), str) and isinstance(one.get("Hostname"), str)
        for one in listed
    ):
        raise wrong
    return listed
