"""URLs of legacy databases: the kind, the address, and the token, which is removed from the URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from migrate.runtime.errors import UsageError

Way = Literal["http", "ws", "file", "dump"]

_SECURE = {"libsql": True, "https": True, "wss": True, "http": False, "ws": False}


@dataclass(frozen=True)
class Address:
    """The address of a legacy database.

    `url` is the base address without query (`https://host`, `wss://host`), or the path of a file; `label` is
    what may be shown.
    """

    way: Way
    url: str
    label: str
    token: str | None = field(default=None, repr=False)


def parse_address(url: str, token: str | None = None) -> Address:
    """Return the address of a URL or path; a token in the URL wins over `token`.

    Raises UsageError if it is not an address of a legacy database; the message never repeats the query, which
    may hold a token.
    """
    text = url.strip()
    if not text:
        raise UsageError(
            "no source database is given",
            hint="set TURSO_DATABASE_URL, or [source] url in the config",
        )
    try:
        parts = urlsplit(text)
    except ValueError:  # `from None`: it may repeat the URL
        raise UsageError(
            "the source URL cannot be read", hint="it looks like libsql://NAME-ORG.turso.io"
        ) from None
    if parts.scheme in _SECURE:
        return _remote(parts, token)
    if parts.scheme == "file":
        return _local(unquote(parts.netloc + parts.path if parts.netloc != "localhost" else parts.path))
    if "://" in text:
        raise UsageError(
            f"the source URL has an unknown scheme: {parts.scheme}",
            hint="use libsql, https, http, wss, ws or file, a path, or the word sample",
        )
    return _local(text)


def _local(text: str) -> Address:
    path = Path(text).expanduser().absolute()
    way: Way = "dump" if path.suffix.lower() == ".sql" else "file"
    return Address(way, str(path), str(path))


def _remote(parts: SplitResult, token: str | None) -> Address:
    secure = _SECURE[parts.scheme]
    if parts.hostname is None:
        raise UsageError("the source URL has no host", hint="it looks like libsql://NAME-ORG.turso.io")
    if parts.username is not None:
        raise UsageError(
            "the source URL holds a user name or password",
            hint="libSQL uses a token: set TURSO_AUTH_TOKEN, or add ?authToken=… after the host",
        )
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key == "authToken":
            token = value or token
        elif key == "tls" and value in ("0", "1"):
            secure = value == "1"
        else:
            raise UsageError(
                f"the source URL has an unknown parameter: {key}",
                hint="possible are authToken=… and tls=0 or tls=1",
            )
    port = _port(parts)
    if parts.scheme == "libsql" and not secure and port is None:
        raise UsageError("a libsql:// URL with tls=0 must name a port", hint="write libsql://host:8080?tls=0")
    way: Way = "ws" if parts.scheme in ("ws", "wss") else "http"
    scheme = ("wss" if secure else "ws") if way == "ws" else ("https" if secure else "http")
    place = parts.netloc + parts.path.rstrip("/")
    return Address(way, f"{scheme}://{place}", place, _checked(token))


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise UsageError("the port in the source URL is not a number between 0 and 65535") from error


def _checked(token: str | None) -> str | None:
    token = token.strip() if token else None
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise UsageError(
            "the token contains invalid characters",
            hint="copy it again; `turso db tokens create NAME --read-only` prints a new one",
        )
    return token or None
