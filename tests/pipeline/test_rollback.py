"""The way back needs the ledger and a backup; neither the state file, the source nor the mapping."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from migrate.pipeline.live_changes import written_since
from migrate.pipeline.rollback import RollbackMode
from migrate.pipeline.rollback import roll_back as take_back
from migrate.postgres.catalog import introspect
from migrate.postgres.connection import Connection
from migrate.runtime.errors import LiveChanged
from migrate.runtime.progress import LineReporter
from migrate.staging import ledger_queries
from migrate.staging.ledger import Ledger
from tests.e2e.test_run import SETTINGS
from tests.postgres.studio_target import RUN, Plan
from tests.tools.commands import embedded_content, environment, migrate

KILLED = {"MIGRATE_KILL_AT": "messages:batch"}


def run(work: Path, *words: str, code: int | None = 0, **extra: str) -> None:
    migrate("run", "--work", str(work), "--yes", *words, code=code, **SETTINGS, **extra)


def roll_back(work: Path, *words: str, **extra: str) -> str:
    done = migrate("rollback", "--work", str(work), "--yes", *words, **{**SETTINGS, **extra})
    return done.out + done.err


def outcome(work: Path) -> str:
    return str(migrate("status", "--work", str(work), "--json").json()["outcome"])


#: The command line, with a restore that loses a row on the way.
_LOSING = """
from psycopg import sql
from migrate.cli.main import main
from migrate.pipeline import rollback
copy = rollback.copy_tables
def losing(old, connection, schema, staging, tables):
    copy(old, connection, schema, staging, tables)
    table = sql.Identifier(staging, "users")
    connection.execute(sql.SQL("DELETE FROM {0} WHERE ctid = (SELECT min(ctid) FROM {0})").format(table))
rollback.copy_tables = losing
main()
"""


def refuses_a_backup_that_restores_other_rows(work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOSING, "rollback", "--work", str(work), "--yes"],
        env=environment(**SETTINGS), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "no longer restores to the same rows: users" in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE users SET display_name = 'other' WHERE id = 'new1'", "users: 1 row changed (new1)"),
        ("DELETE FROM messages WHERE id = (SELECT min(id) FROM messages)", "messages: 1 row deleted"),
        (
            "INSERT INTO sessions VALUES ('s2', 'token-2', 'new1', '2020-01-01')",
            "sessions: 1 row added (s2)",
        ),
        (
            "UPDATE users SET id = 'app' || id WHERE id < 'new13'; "
            "UPDATE users SET role = 'ADMIN' WHERE id > 'new47'",
            "users: 4 rows added and 8 rows changed (appnew1, appnew10, appnew11, …), "
            "4 rows deleted (new1, new10, new11, …)",
        ),
        (
            "UPDATE users SET id = 'app1' WHERE id = 'new1'",
            "messages: 2 rows added or changed (newm1, newm50), ",
        ),
        ("ALTER TABLE messages ADD COLUMN seen text DEFAULT 'no'", "columns were added since: seen"),
        ("ALTER TABLE messages ALTER COLUMN content TYPE varchar", "messages.content: the type is "),
    ],
)
def test_rows_that_the_application_has_written_since_stop_a_rollback(
    ready: Connection, ledger: Ledger, go: Plan, work: Path, change: str, said: str
) -> None:
    go(backup_digest="abc")
    ready.execute(
        "INSERT INTO migrate_ledger.id_map "
        "SELECT 'users', i, 'new' || i, 'users' FROM generate_series(2, 50) i"
    )
    run: Any = SimpleNamespace(
        report=LineReporter(),
        connection=ready, ledger=ledger, id=RUN, work=work, address=SimpleNamespace(schema="public"),
        state=SimpleNamespace(document=SimpleNamespace(outcome="published")),
        live=introspect(ready, "public"),
    )  # fmt: skip
    latest = ledger_queries.last_publication(ready, ledger)
    assert latest is not None
    assert written_since(ready, ledger, "public", run.live, latest) == []
    ready.execute(change.encode())
    run.live = introspect(ready, "public")
    with pytest.raises(LiveChanged) as refused:
        take_back(run, RollbackMode.BACK)
    assert said in str(refused.value)


@pytest.mark.parametrize("left", [pytest.param(b"[1, 2]", marks=pytest.mark.slow), None])
def test_without_the_state_file_the_ledger_leads_back(work: Path, left: bytes | None) -> None:
    migrate("plan", "--work", str(work), **SETTINGS)
    before = embedded_content(work)
    run(work)
    after = embedded_content(work)
    if left is None:
        refuses_a_backup_that_restores_other_rows(work)
        assert embedded_content(work) == after
        (work / "state.json").unlink()
    else:
        (work / "state.json").write_bytes(left)
    assert migrate("verify", "--published", "--work", str(work), code=None, **SETTINGS).code in (1, 2)
    roll_back(work)
    assert embedded_content(work) == before
    assert outcome(work) == "rolled_back"
    roll_back(work, "--undo")
    assert embedded_content(work) == after
    assert outcome(work) == "published"


@pytest.mark.slow
def test_the_mapping_and_the_secret_may_have_changed_since(work: Path) -> None:
    migrate("plan", "--work", str(work), **SETTINGS)
    before = embedded_content(work)
    run(work)
    text = roll_back(
        work, MIGRATE__MAPPERS__REVIEWS__RATING="4", MIGRATE__IDS__SECRET="", MIGRATE__SAMPLE__SEED="9"
    )
    assert "hold what they held" in text
    assert embedded_content(work) == before


@pytest.mark.slow
def test_a_later_run_that_was_given_up_does_not_confuse_it(work: Path) -> None:
    migrate("plan", "--work", str(work), **SETTINGS)
    before = embedded_content(work)
    run(work)
    after = embedded_content(work)
    run(work, "--fresh", code=None, **KILLED)
    (work / "state.json").write_bytes(b"damaged")
    assert "Nothing had been published" in roll_back(work)
    assert embedded_content(work) == after
    assert outcome(work) == "rolled_back"
    assert "already discarded" in roll_back(work)
    assert embedded_content(work) == after
    assert "hold what they held" in roll_back(work, "--published")
    assert embedded_content(work) == before
    assert outcome(work) == "rolled_back"
    run(work)
    assert embedded_content(work) == after
    assert outcome(work) == "published"


@pytest.mark.slow
def test_only_a_rollback_can_be_undone(work: Path) -> None:
    run(work)
    after = embedded_content(work)
    words = ("rollback", "--yes", "--work", str(work), "--undo")
    assert "no rollback to undo" in migrate(*words, code=2, **SETTINGS).err
    assert "give only one" in migrate(*words, "--published", code=2, **SETTINGS).err
    assert embedded_content(work) == after


def test_where_nothing_was_begun_nothing_is_made(work: Path) -> None:
    for words in (("rollback", "--yes"), ("verify", "--published")):
        done = migrate(*words, "--work", str(work), code=2, **SETTINGS)
        assert "there is no run in" in done.err
    assert not (work / "state.json").exists()


def test_a_snapshot_that_was_altered_checks_nothing(work: Path) -> None:
    run(work)
    snapshot = work / "snapshot.db"
    snapshot.chmod(0o600)
    with snapshot.open("ab") as file:
        file.write(b"x")
    done = migrate("verify", "--published", "--work", str(work), code=1, **SETTINGS)
    assert "snapshot.db was changed since" in done.err
