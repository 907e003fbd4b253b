"""Reading over HTTP: what is said when it fails."""

from __future__ import annotations

from contextlib import closing

import httpx
import pytest

from migrate.runtime.errors import SourceError, SourceUnavailable
from migrate.runtime.settings.source import SourceSettings
from migrate.source.open import open_source
from tests.servers.libsql import LibsqlServer, MakeServer, Signer, free_port
from tests.source.wire import always, over

QUICK = SourceSettings(attempts=3, longest_wait=0.01, first_page_rows=3)


def failing(url: str, token: str | None = None, settings: SourceSettings = QUICK) -> SourceError:
    """Return the error that looking into the database at `url` raises."""
    source = open_source(url, token=token, settings=settings)
    with closing(source), pytest.raises(SourceError) as caught:
        source.inspect()
    return caught.value


def test_no_server_is_unavailable() -> None:
    error = failing(f"http://127.0.0.1:{free_port()}")
    assert isinstance(error, SourceUnavailable)
    assert "ConnectError" in error.message


def test_a_missing_token_is_asked_for(libsql: MakeServer) -> None:
    error = failing(libsql(signer=Signer()).url)
    assert "none is set" in error.message
    assert "TURSO_AUTH_TOKEN" in (error.hint or "")


@pytest.mark.parametrize("fault", ["of another key", "expired"])
def test_a_wrong_token_is_refused_without_being_shown(libsql: MakeServer, fault: str) -> None:
    signer = Signer()
    token = Signer().token() if fault == "of another key" else signer.token(expires_in=-3600)
    error = failing(libsql(signer=signer).url, token)
    assert "refused the token (401)" in error.message
    assert token not in error.message + str(error.hint)


def test_a_database_that_is_not_there_is_named(libsql: MakeServer) -> None:
    server = libsql(longest_row=10_000_000)
    server.forget()
    error = failing(server.url)
    assert "no such database" in error.message
    assert "turso db show" in (error.hint or "")


def test_blocked_reads_are_explained(libsql: MakeServer) -> None:
    server = libsql()
    server.block_reads(True)
    error = failing(server.url)
    assert "BLOCKED" in error.message
    assert "quota" in error.message
    assert not isinstance(error, SourceUnavailable)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(403, json={"error": "Operation was blocked: reads", "code": "BLOCKED"}), "BLOCKED"),
        (httpx.Response(403, text="BLOCKED: upgrade your plan"), "BLOCKED"),
        (httpx.Response(403), "(403)"),
        (httpx.Response(505), "(505)"),
        (httpx.Response(301, headers={"Location": "https://elsewhere"}), "redirects"),
        (httpx.Response(418), "(418)"),
    ],
)
def test_each_refusal_says_what_to_do(hard_server: LibsqlServer, answer: httpx.Response, words: str) -> None:
    source, wire = over(hard_server.url, QUICK, always(answer))
    with closing(source), pytest.raises(SourceError) as caught:
        source.mark()
    assert words in caught.value.message
    assert caught.value.hint
    assert len(wire.requests) == 1
    assert not isinstance(caught.value, SourceUnavailable)


def test_a_refused_statement_is_an_error_of_the_source(hard_server: LibsqlServer) -> None:
    with closing(open_source(hard_server.url, settings=QUICK)) as source:
        table = source.inspect().table("ints")
        gone = type(table)("gone", table.sql, table.columns, table.order, table.without_rowid)
        with pytest.raises(SourceError, match="no such table: gone"):
            source.count(gone)
