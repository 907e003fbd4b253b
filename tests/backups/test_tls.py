"""A target that wants TLS can be dumped, by programs that were built without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import conninfo

from backups import programs
from backups.errors import BackupError
from migrate.postgres.embedded import binary
from tests.backups.conftest import Live
from tests.servers.tls import TlsFront, write_certificate


@pytest.fixture
def front(live: Live, tmp_path: Path) -> Iterator[TlsFront]:
    """The live server behind a front that takes TLS only."""
    folder = tmp_path / "tls"
    folder.mkdir()
    with TlsFront(live.address, folder) as running:
        yield running


@pytest.mark.parametrize("sslmode", ["prefer", "require", "verify-full"])
def test_a_server_behind_tls_is_dumped(live: Live, front: TlsFront, sslmode: str) -> None:
    manifest = live.dump(address=front.address(sslmode))
    assert (front.accepted, front.refused) == (1, 0)
    assert live.drill(manifest).passed


def test_a_certificate_that_is_not_the_one_trusted_is_refused(
    live: Live, front: TlsFront, tmp_path: Path
) -> None:
    other, _ = write_certificate(tmp_path)
    address = conninfo.make_conninfo(front.address("verify-full"), sslrootcert=str(other))
    with pytest.raises(BackupError, match="certificate verify failed"):
        live.dump(address=address)
    assert not (live.folder / "backup.dump").exists()


def test_a_connection_without_tls_is_left_alone() -> None:
    env = programs.environment("postgresql://u@h/d?sslmode=disable")
    assert programs.lend_tls(binary("pg_dump"), env) == env


def test_a_program_with_tls_of_its_own_is_left_alone(tmp_path: Path) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    env = programs.environment("postgresql://u@h/d?sslmode=require")
    assert programs.lend_tls(program, env) == env


def test_where_no_tls_can_be_lent_a_connection_that_demands_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "_psycopg_libpq", lambda: None)
    demanding = programs.environment("postgresql://u@h/d?sslmode=require")
    with pytest.raises(BackupError, match="has no TLS") as caught:
        programs.lend_tls(binary("pg_dump"), demanding)
    assert "sslmode=disable" in str(caught.value.hint)
    content = programs.environment("postgresql://u@h/d")
    assert programs.lend_tls(binary("pg_dump"), content) == content
