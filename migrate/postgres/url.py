"""PostgreSQL URLs, as people and Prisma write them.

A Prisma `DATABASE_URL` works as pasted. Parameters of libpq are passed on to it, TLS options included;
parameters that only Prisma knows are applied or dropped with a note.
https://www.prisma.io/docs/orm/overview/databases/postgresql lists Prisma's parameters, section 32.1.2 of
PostgreSQL's manual those of libpq.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import psycopg
from psycopg import conninfo as libpq

from migrate.runtime.errors import UsageError

DEFAULT_SCHEMA: Final = "public"
_SCHEMES: Final = ("postgresql", "postgres")
_LIBPQ: Final = frozenset(option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults())
#: Parameters that shape Prisma's own pool or cache and mean nothing to a single connection.
_POOL_ONLY: Final = frozenset({
    "connection_limit", "pool_timeout", "pool_max", "socket_timeout", "statement_cache_size",
    "single_use_connections", "max_connection_lifetime", "max_idle_connection_lifetime",
})  # fmt: skip
#: A peer that vanished is noticed within about a minute, in reading as in writing.
_DEFAULTS: Final = {
    "fallback_application_name": "migrate",
    "connect_timeout": "30",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
#: Hosts of providers whose pooler differs from the server only in the port.
_POOLER_PORTS: Final = (
    (".supabase.com", "6543"),
    (".supabase.co", "6543"),
    (".postgres.database.azure.com", "6432"),
    (".db.ondigitalocean.com", "25061"),
)
_TRUE: Final = frozenset({"true", "1", "yes", "on", "require"})
_EXAMPLE: Final = "write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE?schema=public"


@dataclass(frozen=True)
class Address:
    """The address of a PostgreSQL server and the schema to use.

    `conninfo` contains the password and is not in `repr`; `label` may be shown; `notes` say which parameters
    were changed or dropped; `pooled` is true if the URL itself names a transaction-pooling endpoint.
    """

    conninfo: str = field(repr=False)
    schema: str
    label: str
    notes: tuple[str, ...] = ()
    pooled: bool = False

    @property
    def database(self) -> str:
        """Return the database's name."""
        return str(libpq.conninfo_to_dict(self.conninfo).get("dbname") or "")


def parse_url(url: str) -> Address:
    """Return the address in a `postgresql://` or `postgres://` URL.

    Raises UsageError if the URL is not a PostgreSQL URL, has no host or no database, or cannot be read; the
    message never repeats the URL.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        raise UsageError("the target URL is not a PostgreSQL URL", hint=_hint_for_scheme(scheme))
    body, _, query = rest.partition("?")
    authority, _, path = body.partition("/")
    # The text after an unescaped / or ? of a password would be read as a database or parameter, and be shown.
    for char, where in (("#", rest), ("@", path), ("@", "&".join(_query(query)))):
        if char in where:
            raise UsageError(
                f"the target URL contains a {char!r} that is not percent-encoded",
                hint="percent-encode special characters of the password: "
                "# is %23, / is %2F, ? is %3F, @ is %40",
            )
    parameters = _authority(authority)
    if path:
        parameters["dbname"] = _decode(path, "database name")
    notes: list[str] = []
    extra = _Reading(_query(query), notes)
    parameters.update(extra.libpq())
    _require(parameters)
    return Address(
        conninfo=_compose(parameters),
        schema=extra.schema,
        label=_label(parameters),
        notes=tuple(notes),
        pooled=extra.pooled or _names_a_pooler(parameters),
    )


class _Reading:
    """The query part of a URL, divided into libpq's parameters and Prisma's."""

    def __init__(self, query: Mapping[str, str], notes: list[str]) -> None:
        self._remaining = dict(query)
        self._notes = notes
        self.schema = self._remaining.pop("schema", "") or DEFAULT_SCHEMA
        self.pooled = self._remaining.pop("pgbouncer", "").lower() in _TRUE

    def libpq(self) -> dict[str, str]:
        """Return the parameters for libpq; what was changed or dropped is added to the notes."""
        self._drop(_POOL_ONLY, "it is for Prisma's own connection pool")
        tls = self._tls()
        out = {key: value for key, value in self._remaining.items() if key in _LIBPQ and value}
        for key in self._remaining.keys() - _LIBPQ:
            if key.startswith("ssl"):
                raise UsageError(
                    f"the target URL has the unknown parameter {key!r}",
                    hint="TLS is never weakened silently: use sslmode, sslrootcert, sslcert and sslkey",
                )
            self._notes.append(f"the URL parameter {key!r} is unknown to PostgreSQL and was ignored")
        return out | tls

    def _drop(self, keys: frozenset[str], why: str) -> None:
        for key in sorted(keys & self._remaining.keys()):
            del self._remaining[key]
            self._notes.append(f"the URL parameter {key!r} was ignored: {why}")

    def _tls(self) -> dict[str, str]:
        take: Callable[[str], str] = lambda key: self._remaining.pop(key, "")  # noqa: E731
        if "sslidentity" in self._remaining:
            self._drop(
                frozenset({"sslidentity", "sslpassword"}),
                "libpq reads no PKCS#12; unpack it with openssl and give sslcert and sslkey",
            )
        accept, switch, out = take("sslaccept"), take("ssl").lower(), {}
        mode = take("sslmode")
        if mode == "no-verify" or (not mode and switch in _TRUE):
            mode = "require"
        certificate = self._remaining.get("sslcert")
        if certificate and "sslkey" not in self._remaining:
            # Prisma's `sslcert` is the authority's certificate; libpq's is the client's, with a key.
            out["sslrootcert"] = take("sslcert")
            self._notes.append(
                "sslcert without sslkey is read as in Prisma: as the certificate of the authority"
            )
        if accept == "strict":
            mode = "verify-full"
            if "sslrootcert" not in self._remaining:
                out.setdefault("sslrootcert", _trusted_roots())
            self._notes.append("sslaccept=strict is used as sslmode=verify-full")
        elif accept == "accept_invalid_certs":
            if mode not in ("disable", "verify-ca", "verify-full"):
                mode = "require"
            self._notes.append(f"sslaccept=accept_invalid_certs is used as sslmode={mode}")
        elif accept:
            raise UsageError(
                "the target URL has an unknown value of sslaccept",
                hint="possible are strict and accept_invalid_certs",
            )
        return out | ({"sslmode": mode} if mode else {})


def _trusted_roots() -> str:
    # The libpq inside psycopg's wheel may look for the system's certificates in the wrong place.
    paths = ssl.get_default_verify_paths()
    found = paths.cafile or paths.openssl_cafile
    return found if found and Path(found).exists() else "system"


def _authority(text: str) -> dict[str, str]:
    credentials, at, places = text.rpartition("@")
    user, _, password = credentials.partition(":")
    out: dict[str, str] = {}
    if at and user:
        out["user"] = _decode(user, "user")
    if password:
        out["password"] = _decode(password, "password")
    hosts, ports = [], []
    for place in places.split(",") if places else []:
        match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", place)
        if match is None or (match[2] and not 0 < int(match[2]) < 65536):
            raise UsageError("the host or the port in the target URL cannot be read", hint=_EXAMPLE)
        hosts.append(_decode(match[1].strip("[]"), "host"))
        ports.append(match[2] or "")
    if any(hosts):
        out["host"] = ",".join(hosts)
    if any(ports):
        out["port"] = ",".join(ports)
    return out


def _query(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {_decode(key, "parameter"): _decode(value, "parameter") for key, _, value in pairs}


def _decode(text: str, what: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise UsageError(
            f"the {what} in the target URL has a '%' without a valid code",
            hint="write a percent sign as %25",
        )
    try:
        value = unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise UsageError(f"the {what} in the target URL is not UTF-8", hint=_EXAMPLE) from error
    if "\0" in value:
        raise UsageError(f"the {what} in the target URL contains a NUL character", hint=_EXAMPLE)
    return value


def _require(parameters: Mapping[str, str]) -> None:
    if "service" in parameters:
        return
    for key, what in (("host", "host"), ("dbname", "database name")):
        if not parameters.get(key) and not (key == "host" and parameters.get("hostaddr")):
            raise UsageError(f"the target URL has no {what}", hint=_EXAMPLE)


def _compose(parameters: Mapping[str, str]) -> str:
    settings = {**_DEFAULTS, **parameters}
    try:
        return libpq.make_conninfo("", **settings)
    except psycopg.Error:
        # `from None`: libpq's message may repeat a part of the URL.
        raise UsageError("libpq cannot read the target URL", hint=_EXAMPLE) from None


def _label(parameters: Mapping[str, str]) -> str:
    if "service" in parameters:
        return f"service {parameters['service']}"
    host = parameters.get("host") or parameters.get("hostaddr", "")
    port = f":{parameters['port']}" if parameters.get("port") else ""
    return f"{host}{port}/{parameters['dbname']}"


def _names_a_pooler(parameters: Mapping[str, str]) -> bool:
    hosts = (parameters.get("host") or "").lower().split(",")
    ports = parameters.get("port", "").split(",")
    named = any(host.split(".")[0].endswith("-pooler") or host == "pooled.db.prisma.io" for host in hosts)
    return named or any(
        host.endswith(domain) and port in ports for host in hosts for domain, port in _POOLER_PORTS
    )


def _hint_for_scheme(scheme: str) -> str:
    if scheme.lower() in ("prisma", "prisma+postgres"):
        return "that is Prisma Accelerate; give the direct URL of the PostgreSQL behind it (DIRECT_URL)"
    if scheme.lower().startswith("jdbc:"):
        return "leave out `jdbc:` and put user and password before the host"
    return _EXAMPLE
