"""The errors of a libSQL server, each cause with what the operator can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tenacity import RetryCallState

from migrate.runtime import announce
from migrate.runtime.amount import amount
from migrate.runtime.errors import SourceError, SourceUnavailable

#: Tries of a request that takes too long each time.
_SLOW_TRIES: Final = 2


class Transient(Exception):
    """Worth another try. `retry_after` is the wait that the server asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooSlow(Transient):
    """One request took longer in all than it may."""


class Malformed(Transient):
    """An answer that is none of a libSQL server's; a proxy may have given it, so it is asked for again."""


class BadAnswer(SourceError):
    """The server's answer is not what was asked for: nothing that comes from it can be trusted."""


class CellTooLong(SourceError):
    """A cell, or a page packed into cells, is longer than the server allows in a statement."""


def stop_after(attempts: int) -> Callable[[RetryCallState], bool]:
    """Return the rule for tenacity that ends the tries: sooner if a request takes too long each time."""

    def stop(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        most = min(attempts, _SLOW_TRIES) if isinstance(error, TooSlow) else attempts
        return state.attempt_number >= most

    return stop


def announce_retry(label: str, attempts: int) -> Callable[[RetryCallState], None]:
    """Return what tenacity calls before each wait: it announces the try that failed, and why."""

    def say(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        announce.retrying(label, state.attempt_number, attempts, error, state.upcoming_sleep)

    return say


def given_up(label: str, cause: Transient, attempts: int, seconds: float) -> SourceError:
    """Return what the last of the tries means; `seconds` is the limit of one request."""
    if isinstance(cause, TooSlow):
        return SourceUnavailable(
            f"{label} took longer than {seconds:g} seconds to answer one request",
            hint="if the connection is slow, lower [source] page_bytes or raise [source] request_timeout, "
            "then run the same command again: a run continues",
        )
    if isinstance(cause, Malformed):
        return SourceUnavailable(
            f"{label} gave an answer that is none of a libSQL server's "
            f"({amount(attempts, 'try', 'tries')}): {cause}",
            hint="see that the URL is the database's own and that no proxy or login page answers instead, "
            "then run the same command again: a run continues",
        )
    return SourceUnavailable(
        f"{label} did not answer ({amount(attempts, 'try', 'tries')}): {cause}",
        hint="check that the server runs and the network works, then run the same command again: "
        "a run continues",
    )


def wrong_answer(label: str, place: str, how: str) -> BadAnswer:
    """The answer to a statement is not what it asks for; `place` names table and page, if any."""
    return BadAnswer(
        f"{place}{label} gave a wrong answer: {how}",
        hint="see that the URL is a libSQL database's own, and not a proxy's; nothing was changed. "
        "If it is, take a dump of the database and name its .sql file as the source",
    )


def too_long(label: str, how: str) -> BadAnswer:
    """An answer that no smaller page makes shorter is longer than it may be."""
    return BadAnswer(
        f"{label} gave an answer that is too long: {how}",
        hint="use the database file, or a dump of it, as the source",
    )


def unreadable_text(label: str) -> SourceError:
    """A name or a definition is not UTF-8, which no server can send."""
    return SourceError(
        f"{label} has names that are not UTF-8",
        hint="use the database file, or a dump of it, as the source",
    )


def unauthorized(label: str, status: int, has_token: bool) -> SourceError:
    """401 or 403: no token, or one that is wrong, expired or revoked."""
    if not has_token:
        return SourceError(
            f"{label} needs a token, and none is set ({status})",
            hint="set TURSO_AUTH_TOKEN to what `turso db tokens create NAME --read-only` prints",
        )
    return SourceError(
        f"{label} refused the token ({status}): it is wrong, expired, revoked, or for another database",
        hint="make a new one with `turso db tokens create NAME --read-only` and put it in TURSO_AUTH_TOKEN",
    )


def untrusted(label: str) -> SourceError:
    """The server's certificate is not signed by a trusted authority, or is another host's."""
    return SourceError(
        f"the certificate of {label} is not trusted",
        hint="check the host name; for a private authority, give the file of its "
        "certificate in [source] ca_file, or in SSL_CERT_FILE",
    )


def not_found(label: str) -> SourceError:
    """404 for every API version: the host has no such database, or is not a libSQL server."""
    return SourceError(
        f"{label} has no such database, or supports neither Hrana 3 nor 2 (404)",
        hint="compare the URL with what `turso db show NAME --url` prints; "
        "an archived or moved database gives the same answer",
    )


def no_websocket(label: str, status: int = 505) -> SourceError:
    """505: Turso's current hosting accepts no WebSocket; other hosts refuse it in other ways."""
    return SourceError(
        f"{label} does not support this protocol ({status})",
        hint="this host has no WebSocket: write the URL with libsql:// or https:// instead of wss://",
    )


def moved_away(label: str, status: int) -> SourceError:
    """3xx: the server redirects to another host, which must not get the token."""
    return SourceError(
        f"{label} redirects to another address ({status})",
        hint="use the address that it redirects to; often http:// must be https://",
    )


def blocked(label: str) -> SourceError:
    """BLOCKED: the plan's quota is used up, or reads were blocked."""
    return SourceError(
        f"{label} blocks reads: the plan's quota is used up, or reads were switched off (BLOCKED)",
        hint="see the usage in the Turso dashboard; upgrade the plan or wait for the next month, "
        "then run the same command again: a run continues",
    )


def cell_too_long(label: str) -> CellTooLong:
    """SQLITE_TOOBIG: a cell is longer than the server allows in any statement."""
    return CellTooLong(
        f"{label} has a cell that is longer than its server can return (SQLITE_TOOBIG)",
        hint="raise the server's max_row_size, or use the database file, or a dump of it, as the source",
    )


def refused(label: str, status: int) -> SourceError:
    """Any other refusal."""
    return SourceError(
        f"{label} refused the request ({status})",
        hint="check that the URL is that of a libSQL database, as `turso db show NAME --url` prints it",
    )
