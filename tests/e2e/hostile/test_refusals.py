"""What is refused is refused in one line: no secret, no row, no traceback, a code that says why."""

from __future__ import annotations

import json
import socket
import sqlite3
from pathlib import Path

import psycopg
import pytest

from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.write import write_sample
from tests.e2e.hostile.target import PASSWORD, owned_database
from tests.e2e.hostile.watch import found_in, spellings
from tests.servers.libsql import LibsqlServer, Signer
from tests.tools.commands import Done, migrate, start

TOKEN = Signer().token()
#: Each is a command of its own: of every kind some are typed quickly, the others when all is tested.
SLOW = pytest.mark.slow
SECRETS = {"token": spellings(TOKEN), "password": spellings(PASSWORD), "odd": {"s3cr3t"}}
HOST = "postgresql://app"


def refused(work: Path, *words: str, code: int, **variables: str) -> Done:
    done = migrate(*words, "--work", str(work), code=code, **variables)
    text = done.out + done.err
    assert "Traceback" not in text
    assert found_in(text, SECRETS) == set()
    assert done.err.count("error: ") == 1
    return done


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:s3cr3t#more@db.example/live",
        pytest.param("postgresql://app:12/s3cr3t@db.example/live", marks=SLOW),
        pytest.param("postgresql://app:12?s3cr3t@db.example/live", marks=SLOW),
        pytest.param("postgresql://app:s3cr3t%zz@db.example/live", marks=SLOW),
        "postgresql://app:s3cr3t@[::1/live",
        pytest.param("postgresql://app:s3cr3t@db.example", marks=SLOW),
        pytest.param("postgresql://app:s3cr3t@db.example:99999/live", marks=SLOW),
        "postgresql://app:s3cr3t@db.example/live?sslsecret=s3cr3t",
        pytest.param("mysql://app:s3cr3t@db.example/live", marks=SLOW),
        pytest.param("s3cr3t", marks=SLOW),
    ],
)
def test_a_target_url_that_cannot_be_read_is_not_repeated(work: Path, url: str) -> None:
    refused(work, "plan", code=2, MIGRATE__TARGET__URL=url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("libsql://s3cr3t@db.turso.io", marks=SLOW),
        "libsql://user:s3cr3t@db.turso.io",
        pytest.param("https://db.turso.io?token=s3cr3t", marks=SLOW),
        pytest.param("https://[s3cr3t", marks=SLOW),
        pytest.param("https://db.turso.io:s3cr3t", marks=SLOW),
        pytest.param("ftp://db.example/?authToken=s3cr3t", marks=SLOW),
        pytest.param(f"https://db.turso.io?authToken={TOKEN}%20with%20a%20blank", id="token with a blank"),
    ],
)
def test_a_source_url_that_cannot_be_read_is_not_repeated(work: Path, url: str) -> None:
    refused(work, "plan", code=2, TURSO_DATABASE_URL=url)


def test_a_token_in_the_place_of_the_url_is_not_shown(work: Path) -> None:
    refused(work, "plan", code=2, TURSO_DATABASE_URL=TOKEN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIGRATE__TARGETT__URL", "s3cr3t"),
        pytest.param("MIGRATE__TARGET__URLL", "s3cr3t", marks=SLOW),
        ("MIGRATE__IDS__SECRET", "s3cr3t"),
        pytest.param("MIGRATE__MAPPERS__LEFT_OUT", "s3cr3t", marks=SLOW),
        pytest.param("MIGRATE__TARGET", "s3cr3t", marks=SLOW),
        pytest.param("MIGRATE__LOAD__BATCH_ROWS", "s3cr3t", marks=SLOW),
    ],
)
def test_a_variable_that_cannot_be_read_is_not_repeated(work: Path, name: str, value: str) -> None:
    refused(work, "plan", code=2, **{name: value})


@pytest.mark.parametrize(
    "text",
    [
        '[target]\nurl = "s3cr3t',
        pytest.param("[target]\nurl = s3cr3t", marks=SLOW),
        '[target]\nurl = ["s3cr3t"]',
        pytest.param('[target]\npassword = "s3cr3t"', marks=SLOW),
        pytest.param('secret = "s3cr3t"', marks=SLOW),
        '[ids]\nsecret = "s3cr3t"',
        pytest.param('[ids]\nsecret = "s3cr3t"\nsecret = "s3cr3t"', marks=SLOW),
    ],
)
def test_a_file_that_cannot_be_read_is_not_repeated(tmp_path: Path, work: Path, text: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text)
    refused(work, "plan", "--config", str(config), code=2)


def test_servers_that_refuse_or_are_not_there(postgres: EmbeddedServer, tmp_path: Path, work: Path) -> None:
    legacy, signer = tmp_path / "legacy.db", Signer()
    write_sample(legacy, scale=0.03)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with owned_database(postgres) as owned, LibsqlServer(tmp_path / "sqld", signer=signer) as libsql:
        file = {"TURSO_DATABASE_URL": str(legacy)}
        wrong = refused(work, "plan", code=1, **file, MIGRATE__TARGET__URL=owned.url("s3cr3t"))
        assert "password authentication failed" in wrong.err
        place = f"{HOST}:{'s3cr3t'}@127.0.0.1:{port}/live"
        assert "127.0.0.1" in refused(work, "run", "--yes", code=3, **file, MIGRATE__TARGET__URL=place).err
        token = refused(
            work, "plan", code=1, TURSO_DATABASE_URL=libsql.url, TURSO_AUTH_TOKEN=TOKEN,
            MIGRATE__TARGET__URL=owned.url(),
        )  # fmt: skip
        assert "refused the token" in token.err


def test_a_server_that_refuses_a_row_is_quoted_without_it(
    postgres: EmbeddedServer, tmp_path: Path, work: Path
) -> None:
    legacy = tmp_path / "legacy.db"
    write_sample(legacy, scale=0.03)
    connection = sqlite3.connect(legacy)
    addresses = {row[0].strip() for row in connection.execute("SELECT email FROM shows_users") if row[0]}
    connection.close()
    with owned_database(postgres) as owned:
        owned.run("GRANT CREATE ON DATABASE {database} TO {role}")
        with psycopg.connect(owned.admin, autocommit=True) as admin:
            admin.execute("ALTER TABLE users ADD CONSTRAINT nobody CHECK (email LIKE '%@nowhere') NOT VALID")
        done = refused(
            work,
            "run",
            "--yes",
            code=1,
            TURSO_DATABASE_URL=str(legacy),
            MIGRATE__TARGET__URL=owned.url(),
            MIGRATE__VERIFICATION__MAX_REJECT_SHARE="1",
        )
    assert "nobody" in done.err
    log = (work / "log.jsonl").read_text()
    assert found_in(done.out + done.err + log, {"people": addresses}) == set()


def test_a_defect_is_reported_without_the_text_of_the_error(tmp_path: Path, work: Path) -> None:
    # A folder in the place of a file of ours: an unexpected case.
    (work / "state.json").mkdir(parents=True)
    (work / "state.json" / "s3cr3t").touch()
    done = migrate("status", "--work", str(work), code=1)
    assert "Traceback" not in done.err
    assert json.dumps("s3cr3t") not in done.err


def test_a_reader_that_goes_away_ends_it_quietly(work: Path) -> None:
    process = start("plan", "--work", str(work), MIGRATE__SAMPLE__SCALE="0.03")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    process.wait(120)
    assert "Traceback" not in err
