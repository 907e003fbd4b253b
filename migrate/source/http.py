"""libSQL over HTTP: Hrana 3 pipelines, one statement per request, on a connection that is kept alive."""

from __future__ import annotations

import ipaddress
import random
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import tenacity

from migrate.runtime.errors import UsageError
from migrate.runtime.memory import collector_paused
from migrate.runtime.settings.source import SourceSettings
from migrate.source import hrana, server_errors
from migrate.source.http_limits import RequestTimer, read_body
from migrate.source.model import Value
from migrate.source.server_errors import Malformed, TooSlow, Transient
from migrate.source.transport import InvalidText, Kind, QueryResult, TooLarge
from migrate.source.url import Address

_VERSIONS = ("v3", "v2")
_ERROR_BYTES = 64 * 1024


class HttpTransport:
    """A database on a libSQL server, over HTTP.

    `transport` replaces the one of httpx, to watch or disturb what goes over the network; `pace` is called
    before each request.
    """

    exact = False
    text_as_blobs = False
    bills = True
    copy: Path | None = None
    most_bytes = 64 * 1024 * 1024

    def __init__(
        self,
        address: Address,
        settings: SourceSettings,
        transport: httpx.BaseTransport | None = None,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        self._pace = pace
        self.label = address.label
        self.identity = address.label
        self._settings = settings
        self._token = address.token
        self._versions = list(_VERSIONS)
        self._timer = RequestTimer(settings.longest_request)
        self._client = httpx.Client(
            base_url=address.url,
            headers=self._headers(address),
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout),
            transport=transport,
            verify=_trusted(settings.ca_file),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
        self._timer.close()

    def run(self, sql: str, args: Sequence[Value] = (), kinds: Sequence[Kind] = ()) -> QueryResult:
        """Run one SELECT or PRAGMA and return its rows; see `Transport.run`."""
        request = orjson.dumps(hrana.statement(sql, args))
        return self._retrying(request, kinds)

    def _headers(self, address: Address) -> dict[str, str]:
        gzip = self._settings.gzip
        if gzip is None:
            gzip = not _is_loopback(urlsplit(address.url).hostname or "")
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "gzip" if gzip else "identity",
        }
        if address.token:
            headers["Authorization"] = f"Bearer {address.token}"
        return headers

    def _retrying(self, request: bytes, kinds: Sequence[Kind]) -> QueryResult:
        attempts = self._settings.attempts
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            stop=server_errors.stop_after(attempts),
            wait=self._wait,
            before_sleep=server_errors.announce_retry(self.label, attempts),
            reraise=True,
        )
        try:
            return retrying(self._once, request, kinds)
        except Transient as error:
            raise server_errors.given_up(self.label, error, attempts, self._timer.seconds) from error

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds to wait: the server's wish, or a jittered, growing time."""
        error = state.outcome.exception() if state.outcome else None
        longest = self._settings.longest_wait
        if isinstance(error, Transient) and error.retry_after is not None:
            return min(longest, error.retry_after)
        growing: float = 0.2 * 2**state.attempt_number
        return random.uniform(0.5, 1.0) * min(longest, growing)  # noqa: S311

    def _once(self, request: bytes, kinds: Sequence[Kind]) -> QueryResult:
        while True:
            self._pace()
            status, headers, body = self._send(request)
            if status == 404 and len(self._versions) > 1:
                self._versions.pop(0)
                continue
            self._check(status, headers, body)
            return self._read(body, kinds)

    def _send(self, request: bytes) -> tuple[int, httpx.Headers, bytes]:
        """Return status, headers and body of the response; of an error no more than its beginning."""
        with self._timer.limit() as over:
            try:
                answer = self._exchange(request)
            except httpx.TransportError as error:
                if over.is_set():
                    raise TooSlow("a request that took too long") from error
                raise self._mapped(error) from error
            if over.is_set():  # an answer without a length ends where the connection does
                raise TooSlow("a request that took too long")
            return answer

    def _exchange(self, content: bytes) -> tuple[int, httpx.Headers, bytes]:
        request = self._client.build_request(
            "POST",
            f"/{self._versions[0]}/pipeline",
            content=content,
            extensions={"trace": self._timer.trace},
        )
        response = self._client.send(request, stream=True)
        with closing(response):
            if response.status_code == 200:
                return 200, response.headers, read_body(response, self._settings.longest_response)
            try:
                body = read_body(response, _ERROR_BYTES)
            except (TooLarge, Malformed):
                body = b""  # the status says what there is to say
            return response.status_code, response.headers, body

    def _mapped(self, error: httpx.TransportError) -> Exception:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            return server_errors.untrusted(self.label)
        return Transient(f"{type(error).__name__}: {error}")

    def _read(self, content: bytes, kinds: Sequence[Kind]) -> QueryResult:
        with collector_paused():
            try:
                body = orjson.loads(content)
            except orjson.JSONDecodeError as error:
                raise Malformed("it is not JSON") from error
            result = hrana.result(body, self.label)
            return QueryResult(
                rows=hrana.rows(result, kinds),
                bytes=len(content),
                rows_read=hrana.rows_read(result),
                mark=hrana.mark(result),
            )

    def _check(self, status: int, headers: httpx.Headers, body: bytes) -> None:
        """Raise the error that the status of a response means, if it means one."""
        if status == 200:
            return
        code, message = _error_in(body)
        if hrana.says_invalid_text(message):
            raise InvalidText(message)
        if status == 429 or status == 503:
            raise Transient(f"status {status}", _retry_after(headers))
        if code in ("BLOCKED", "STREAM_EXPIRED", "RESPONSE_TOO_LARGE"):
            raise hrana.failure(code, message, self.label)
        if status == 505:
            raise server_errors.no_websocket(self.label)
        if status >= 500:
            raise Transient(f"status {status}")
        if status in (401, 403):
            raise server_errors.unauthorized(self.label, status, self._token is not None)
        if status == 404:
            raise server_errors.not_found(self.label)
        if 300 <= status < 400:
            raise server_errors.moved_away(self.label, status)
        raise server_errors.refused(self.label, status)


def _error_in(content: bytes) -> tuple[str, str]:
    """Return code and message of an error response, empty if it has none."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        text = content.decode(errors="replace")
        return (
            "BLOCKED" if "BLOCKED" in text else "STREAM_EXPIRED" if "STREAM_EXPIRED" in text else "",
            text,
        )
    if not isinstance(body, dict):
        return "", ""
    inner = body.get("error")
    if isinstance(inner, dict):
        body = inner
        inner = None
    message = str(inner or body.get("message") or "")
    code = str(body.get("code") or "")
    if not code and ("BLOCKED" in message or "was blocked" in message):
        code = "BLOCKED"
    return code, message


def _retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds of a Retry-After header, which may hold seconds or a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _trusted(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Return the trusted authorities: only those of the file if there is one, otherwise the usual ones."""
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise UsageError(
            f"cannot read the certificates in {ca_file}: {error.strerror or 'it holds none'}",
            hint="[source] ca_file must be a file with the authority's certificate in PEM",
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
