"""URLs as arguments: a secret in one is refused without being shown, a variable's name takes its place."""

from __future__ import annotations

import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from migrate.cli.url_argument import read_url
from migrate.runtime.errors import UsageError
from tests.tools.commands import migrate

SECRET = "Zq7hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ana:{SECRET}@db/live",
        f"postgresql://ana:a/{SECRET}@db/live",
        f"postgresql://:{SECRET}@db/live",
        f"postgresql://db/live?user=ana&password={SECRET}",
        f"host=db user=ana password={SECRET}",
        f"host=db password = '{SECRET} x'",
        f"libsql://name-org.turso.io?authToken={SECRET}",
        f"https://name-org.turso.io/?tls=1&authToken={SECRET}",
    ],
)
@pytest.mark.parametrize("option", ["--target", "--source"])
def test_a_secret_in_an_argument_is_refused_with_the_way_out(url: str, option: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_url(url, option, {})
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"
    assert f"{option} env:NAME" in (caught.value.hint or "")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db:5432/live?schema=public", "postgresql://ana@db/live", "legacy.db",
        "/home/a@b.example/x.db", "libsql://name-org.turso.io", "http://127.0.0.1:8080",
        "dump.sql", "sample", "file:C:/x.db",
    ],
)  # fmt: skip
def test_a_url_without_a_secret_is_taken(url: str) -> None:
    assert read_url(url, "--target", {}) == (url, None)


def test_a_variable_is_read_by_its_name() -> None:
    url = f"postgresql://ana:{SECRET}@db/live"
    assert read_url("env:LIVE", "--target", {"LIVE": url}) == (url, "LIVE")
    for environ in ({}, {"LIVE": ""}):
        with pytest.raises(UsageError, match=r"variable LIVE, given in --target, is not set"):
            read_url("env:LIVE", "--target", environ)


def test_init_reads_source_and_target_as_a_run_does(tmp_path: Path, database: str) -> None:
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as connection:
        connection.executescript(
            "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO note VALUES (1, 'a')"
        )
    refused = migrate(
        "init", "--out", "a", "--target", f"postgresql://ana:{SECRET}@db/x", cwd=tmp_path, code=2
    )
    assert SECRET not in refused.out + refused.err
    assert "env:NAME" in refused.err
    migrate(
        "init", "--source", "env:OLD", "--out", "b", "--target", "env:NEW",
        cwd=tmp_path, OLD="legacy.db", NEW=database,
    )  # fmt: skip
    assert tomllib.loads((tmp_path / "b/config.toml").read_text())["target"]["url_env"] == "NEW"
    migrate("init", "--out", "c", cwd=tmp_path, TURSO_DATABASE_URL="legacy.db", MIGRATE__TARGET__URL=database)
    assert tomllib.loads((tmp_path / "c/config.toml").read_text())["target"]["url_env"] == "DATABASE_URL"
    assert "legacy.db" in (tmp_path / "c/config.toml").read_text()
    refused = migrate("inspect", f"http://127.0.0.1:9/?authToken={SECRET}", cwd=tmp_path, code=2)
    assert SECRET not in refused.out + refused.err
