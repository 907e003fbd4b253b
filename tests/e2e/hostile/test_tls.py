"""A server whose certificate is trusted is used, any other is refused with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrate.source.sample.target import seed_target
from migrate.source.sample.write import write_sample
from tests.e2e.hostile.relay import TlsRelay
from tests.servers.libsql import LibsqlServer, Signer
from tests.servers.tls import TlsFront, write_certificate
from tests.tools.commands import Done, content, migrate

SETTINGS = {
    "MIGRATE__IDS__SECRET": "an id secret of the tests",
    "MIGRATE__VERIFICATION__MAX_REJECT_SHARE": "1",
}


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    path = tmp_path / "legacy.db"
    write_sample(path, scale=0.03)
    return path


@pytest.fixture
def other(tmp_path: Path) -> str:
    """The file of an authority that signed nothing here."""
    folder = tmp_path / "other"
    folder.mkdir()
    return str(write_certificate(folder)[0])


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def relay(tmp_path: Path, legacy: Path, signer: Signer) -> Iterator[TlsRelay]:
    folder = tmp_path / "relay"
    folder.mkdir()
    with (
        LibsqlServer(tmp_path / "sqld", content=legacy, signer=signer) as libsql,
        TlsRelay(libsql.url, folder) as running,
    ):
        yield running


@pytest.fixture
def front(tmp_path: Path, database: str) -> Iterator[TlsFront]:
    folder = tmp_path / "front"
    folder.mkdir()
    with psycopg.connect(database) as connection:
        seed_target(connection)
    with TlsFront(database, folder) as running:
        yield running


def source(relay: TlsRelay, signer: Signer, scheme: str = "https", host: str = "127.0.0.1") -> dict[str, str]:
    return {
        "TURSO_DATABASE_URL": f"{scheme}://{host}:{relay.port}",
        "TURSO_AUTH_TOKEN": signer.token(access="ro"),
        **SETTINGS,
    }


def refused(done: Done) -> None:
    assert "is not trusted" in done.err
    assert "[source] ca_file" in done.err


@pytest.mark.parametrize("scheme", ["https", pytest.param("libsql", marks=pytest.mark.slow)])
def test_a_source_with_a_trusted_certificate_is_read(
    work: Path, relay: TlsRelay, signer: Signer, scheme: str
) -> None:
    certificate = str(relay.certificate)
    migrate(
        "run", "--yes", "--work", str(work), **source(relay, signer, scheme),
        MIGRATE__SOURCE__CA_FILE=certificate,
    )  # fmt: skip
    assert relay.accepted > 0
    migrate("plan", "--work", str(work / "plan"), **source(relay, signer), SSL_CERT_FILE=certificate)


def test_a_source_with_another_certificate_is_refused_at_once(
    work: Path, relay: TlsRelay, signer: Signer, other: str
) -> None:
    for settings in ({}, {"MIGRATE__SOURCE__CA_FILE": other}, {"SSL_CERT_FILE": other}):
        refused(migrate("plan", "--work", str(work), code=1, **source(relay, signer), **settings))
    trusted = {"MIGRATE__SOURCE__CA_FILE": str(relay.certificate)}
    by_name = source(relay, signer, host="localhost")
    refused(migrate("plan", "--work", str(work), code=1, **by_name, **trusted))
    assert relay.accepted == 0


@pytest.mark.slow
def test_a_source_over_websocket_is_checked_too(
    work: Path, relay: TlsRelay, signer: Signer, other: str
) -> None:
    settings = source(relay, signer, "wss")
    migrate("plan", "--work", str(work), **settings, SSL_CERT_FILE=str(relay.certificate))
    refused(migrate("plan", "--work", str(work), code=1, **settings, SSL_CERT_FILE=other))
    done = migrate("plan", "--work", str(work), code=2, **settings, MIGRATE__SOURCE__CA_FILE=other)
    assert "SSL_CERT_FILE" in done.err


def test_a_file_without_certificates_is_a_mistake(
    tmp_path: Path, work: Path, relay: TlsRelay, signer: Signer
) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        done = migrate(
            "plan", "--work", str(work), code=2, **source(relay, signer),
            MIGRATE__SOURCE__CA_FILE=str(tmp_path / name),
        )  # fmt: skip
        assert name in done.err


@pytest.mark.slow
def test_a_target_with_a_trusted_certificate_is_written(
    work: Path, legacy: Path, front: TlsFront, database: str
) -> None:
    settings = {
        **SETTINGS, "MIGRATE__SOURCE__URL": str(legacy), "MIGRATE__TARGET__URL": front.address("verify-full"),
    }  # fmt: skip
    before = content(database)
    migrate("run", "--yes", "--work", str(work), **settings)
    assert content(database)["users"] != before["users"]
    migrate("psql", "--work", str(work), "--", "-c", "SELECT 1", **settings)
    migrate("rollback", "--yes", "--work", str(work), **settings)
    assert content(database) == before
    assert front.accepted > 0
    assert front.refused == 0


def test_a_target_with_another_certificate_is_refused(
    work: Path, legacy: Path, front: TlsFront, other: str
) -> None:
    trusted = front.address("verify-full")
    urls = (
        trusted.replace(str(front.certificate), other),
        trusted.replace("127.0.0.1", "localhost"),
        trusted.replace("sslmode=verify-full", "sslaccept=strict").replace(str(front.certificate), other),
    )
    for url in urls:
        done = migrate(
            "plan", "--work", str(work), code=1,
            **SETTINGS, MIGRATE__SOURCE__URL=str(legacy), MIGRATE__TARGET__URL=url,
        )  # fmt: skip
        assert "certificate" in done.err
        assert "TLS options of the target URL" in done.err
