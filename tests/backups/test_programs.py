"""What the programs of PostgreSQL get: never more than they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from backups import programs
from migrate.postgres.embedded import binary

SECRET = "nobody-may-read-this"


@pytest.fixture
def teller(tmp_path: Path) -> Path:
    """A program that says its variables, and a version."""
    path = tmp_path / "teller"
    path.write_text('#!/bin/sh\nenv > "$0.env"\necho "teller (PostgreSQL) 18.1"\n')
    path.chmod(0o755)
    return path


def test_who_is_asked_for_a_version_sees_no_secret(teller: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURSO_AUTH_TOKEN", "MIGRATE__IDS__SECRET", "PGPASSWORD"):
        monkeypatch.setenv(name, SECRET)
    assert programs.major_version(teller) == 18
    seen = teller.with_name("teller.env").read_text()
    assert "PATH=" in seen
    assert SECRET not in seen


def test_a_real_program_says_its_version() -> None:
    assert programs.version_line(binary("pg_dump")).startswith("pg_dump (PostgreSQL) ")
