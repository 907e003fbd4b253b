"""Single commands: what they say, and how they end, for good words and bad ones."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import psycopg
import pytest

from migrate import __version__
from migrate.cli.main import COMMANDS
from migrate.postgres.embedded import EmbeddedServer
from migrate.source.sample.target import seed_target
from tests.tools.commands import content, migrate, query

SMALL = {"MIGRATE__SAMPLE__SCALE": "0.05", "MIGRATE__IDS__SECRET": "an id secret of the tests"}


def says(text: str, *parts: str) -> None:
    assert "Traceback" not in text
    for part in parts:
        assert part in text, text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches_by_example(name: str) -> None:
    says(migrate(name, "--help").out, "Usage:", f"migrate {name}")


def test_help_and_version_answer() -> None:
    says(migrate("--help").out, *COMMANDS)
    says(migrate("--version").out, __version__)
    says(migrate("no-such-command", code=2).err, "No such command")


@pytest.mark.slow
def test_status_before_and_after_a_run(work: Path) -> None:
    says(migrate("status", "--work", str(work)).out, "No run", "migrate run")
    assert migrate("status", "--work", str(work), "--json").json()["run"] is None
    migrate("run", "--work", str(work), "--yes", **SMALL)
    says(migrate("status", "--work", str(work)).out, "published", "reviews", "migrate rollback")


def test_psql_opens_the_embedded_target_and_gives_its_exit_code(work: Path) -> None:
    words = ("psql", "--work", str(work), "--", "-At", "-c")
    assert migrate(*words, "select count(*) > 0 from users", **SMALL).out.strip() == "t"
    migrate(*words, "select * from no_such_table", code=1, **SMALL)


def test_a_sample_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "legacy.db"
    says(migrate("sample", str(path), "--scale", "0.02", "--seed", "7").out, "bytes")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM shows_users").fetchone()[0] > 0
    says(migrate("sample", str(path), code=2).err, str(path))
    migrate("sample", str(tmp_path / "x.db"), "--scale", "0", code=2)


def test_a_plan_is_shown_and_changes_nothing(work: Path) -> None:
    says(
        migrate("plan", "--work", str(work), **SMALL).out,
        "shows_messages",
        "the run will replace",
        "the run will empty",
        "backups",
    )
    facts = migrate("plan", "--work", str(work), "--json", **SMALL).json()
    assert {table["name"]: table["fate"] for table in facts["live_tables"]}["accounts"] == "emptied"
    with EmbeddedServer(work) as server:
        assert query(server.url(), "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'migrate%'") == []


def test_a_plan_says_why_rows_will_be_moved(work: Path, database: str) -> None:
    with psycopg.connect(database) as target:
        seed_target(target)
        target.execute("CREATE VIEW people AS SELECT id FROM users")
    out = migrate("plan", "--work", str(work), **SMALL, MIGRATE__TARGET__URL=database).out
    says(out, "publish will copy the rows", "the view public.people reads public.users")


def test_a_kept_table_that_refers_to_a_replaced_one_is_an_error_of_the_plan(work: Path) -> None:
    settings = {**SMALL, "MIGRATE__TARGET__KEEP": '["accounts"]'}
    says(migrate("plan", "--work", str(work), code=1, **settings).out, "accounts", "users")
    says(migrate("run", "--work", str(work), "--yes", code=1, **settings).err, "accounts")


@pytest.mark.parametrize(
    ("settings", "code", "parts"),
    [
        ({"MIGRATE__SOURCE__URL": "/no/such/file.db"}, 2, ["/no/such/file.db"]),
        ({"MIGRATE__SOURCE__URL": "ftp://host/x"}, 2, ["scheme"]),
        ({"MIGRATE__TARGET__URL": "mysql://u:hunter2@host/x"}, 2, ["not a PostgreSQL URL"]),
        ({"MIGRATE__TARGET__URL": "postgresql://u:hunter2@127.0.0.1:1/x"}, 3, ["127.0.0.1:1/x"]),
        ({"MIGRATE__LOAD__BATCH_ROWS": "0"}, 2, ["[load] batch_rows"]),
        ({"MIGRATE__NO__SUCH": "1"}, 2, ["MIGRATE__NO__SUCH"]),
    ],
)
def test_a_mistake_is_reported_in_one_line_with_its_exit_code(
    work: Path, settings: dict[str, str], code: int, parts: list[str]
) -> None:
    done = migrate("run", "--work", str(work), "--yes", code=code, **{**SMALL, **settings})
    says(done.err, "error:", *parts)
    assert "hunter2" not in done.out + done.err


def test_a_source_that_does_not_answer_is_reported_and_resumable(work: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        settings = {**SMALL, "TURSO_DATABASE_URL": url, "MIGRATE__SOURCE__ATTEMPTS": "2"}
        done = migrate("run", "--work", str(work), "--yes", code=3, **settings)
    says(done.err, "error:", "127.0.0.1")


def test_a_target_that_is_not_embedded_is_never_replaced_unasked(work: Path, database: str) -> None:
    with psycopg.connect(database) as connection:
        seed_target(connection)
    settings = {**SMALL, "MIGRATE__TARGET__URL": database}
    says(migrate("run", "--work", str(work), code=2, **settings).err, "--yes")
    migrate("run", "--work", str(work), "--yes", **settings)
    says(migrate("rollback", "--work", str(work), code=2, **settings).err, "--yes")


def test_a_changed_configuration_is_named_and_fresh_begins_anew(work: Path) -> None:
    migrate("run", "--work", str(work), "--yes", code=None, **SMALL, MIGRATE_KILL_AT="messages:begin")
    changed = {**SMALL, "MIGRATE__MAPPERS__REVIEWS__RATING": "4"}
    says(migrate("run", "--work", str(work), "--yes", code=2, **changed).err, "mappers", "--fresh")
    migrate("run", "--work", str(work), "--yes", "--fresh", **changed)
    with EmbeddedServer(work) as server:
        assert query(server.url(), "SELECT DISTINCT rating FROM reviews") == [(4,)]


@pytest.mark.slow
def test_a_lost_state_file_is_noticed(work: Path) -> None:
    migrate("run", "--work", str(work), "--yes", code=None, **SMALL, MIGRATE_KILL_AT="users:begin")
    (work / "state.json").unlink()
    says(
        migrate("run", "--work", str(work), "--yes", code=1, **SMALL).err, "state file is missing", "--fresh"
    )
    migrate("run", "--work", str(work), "--yes", "--fresh", **SMALL)


@pytest.mark.slow
def test_a_state_file_of_another_database_is_noticed(work: Path, tmp_path: Path) -> None:
    migrate("run", "--work", str(work), "--yes", **SMALL)
    other = tmp_path / "other"
    migrate("run", "--work", str(other), "--yes", **SMALL)
    (work / "state.json").replace(other / "state.json")
    says(migrate("run", "--work", str(other), "--yes", code=1, **SMALL).err, "ledger does not know")


def test_a_damaged_snapshot_is_noticed(work: Path) -> None:
    migrate("run", "--work", str(work), "--yes", code=None, **SMALL, MIGRATE_KILL_AT="users:begin")
    snapshot = work / "snapshot.db"
    snapshot.chmod(0o600)
    with snapshot.open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff")
    says(migrate("run", "--work", str(work), "--yes", code=1, **SMALL).err, "snapshot.db", "SHA-256")


def test_too_many_rejects_stop_the_run_before_publish(work: Path) -> None:
    limits = {
        "MIGRATE__VERIFICATION__MAX_REJECT_SHARE": "0.001",
        "MIGRATE__VERIFICATION__MAX_REJECT_ROWS": "0",
    }
    done = migrate("run", "--work", str(work), "--yes", code=1, **SMALL, **limits)
    says(done.err, "reject_share", "checks.json", "unchanged", "max_reject_shares = {", "goes on from here")
    report = (work / "report.html").read_text()
    says(
        report,
        "Not published: 1 of 1",
        "Failed: reject_share.",
        "The live tables are unchanged.",
    )
    says(report, "Results by source table")
    with EmbeddedServer(work) as server:
        assert query(server.url(), "SELECT count(*) FROM messages") == [(60,)]


def test_the_id_map_holds_what_the_configuration_names(work: Path) -> None:
    migrate("run", "--work", str(work), "--yes", **SMALL, MIGRATE__IDS__MAP='["users"]')
    with EmbeddedServer(work) as server:
        entities = query(server.url(), "SELECT DISTINCT entity FROM migrate_ledger.id_map ORDER BY 1")
    assert entities == [("community_users",), ("users",)]


def test_a_backup_that_does_not_restore_stops_the_run_unless_accepted(work: Path, database: str) -> None:
    with psycopg.connect(database) as connection:
        seed_target(connection)
        # A type of another schema is not in the dump of this one.
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute("CREATE TYPE elsewhere.mood AS ENUM ('fine')")
        connection.execute("CREATE TABLE feelings (id text PRIMARY KEY, mood elsewhere.mood)")
        connection.execute("INSERT INTO feelings VALUES ('a', 'fine')")
    settings = {**SMALL, "MIGRATE__TARGET__URL": database}
    before = content(database)
    done = migrate("run", "--work", str(work), "--yes", code=1, **settings)
    says(done.err, "does not restore", "feelings", "--accept-unproven-backup")
    assert content(database) == before
    done = migrate("run", "--work", str(work), "--yes", "--accept-unproven-backup", **settings)
    says(done.err, "NOT proven")
    migrate("rollback", "--work", str(work), "--yes", code=1, **settings)
    migrate("rollback", "--work", str(work), "--yes", "--accept-unproven-backup", **settings)
    assert content(database) == before


def test_an_editor_gets_the_schema_of_both_files() -> None:
    config = migrate("config", "--json-schema", "config").json()
    assert {"source", "target", "mappers"} <= config["properties"].keys()
    assert "schema" in config["$defs"]["Target"]["properties"]
    mapping = migrate("config", "--json-schema", "mapping").json()
    assert set(mapping["required"]) == {"version", "tables"}
    column = mapping["$defs"]["ColumnMapping"]
    assert {"to", "as", "drop", "otherwise"} <= column["properties"].keys()
    assert column["additionalProperties"] is False
