"""The snapshot: capped, exact, frozen."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime import files
from migrate.runtime.errors import SourceError, StateMismatch
from migrate.snapshot.manifest import read_facts
from migrate.source.model import Progress
from tests.servers.libsql import LibsqlServer, MakeServer
from tests.snapshot.snapshots import SMALL, take
from tests.source import hard_values


def test_the_snapshot_is_frozen_and_its_digest_recorded(file: Path, work: Path) -> None:
    facts = take(str(file), work)
    path = work / "snapshot.db"
    assert facts.path == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert facts.sha256 == files.digest_file(path)
    assert read_facts(work) == facts
    assert sorted(one.name for one in work.iterdir()) == ["snapshot.db", "snapshot.json"]
    assert stat.S_IMODE(work.stat().st_mode) == 0o700


def test_a_finished_snapshot_is_not_taken_again(libsql: MakeServer, file: Path, work: Path) -> None:
    server = libsql(content=file)
    facts = take(server.url, work)
    server.kill()
    assert take(server.url, work) == facts


def test_an_altered_snapshot_is_refused(file: Path, work: Path) -> None:
    take(str(file), work)
    path = work / "snapshot.db"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(StateMismatch, match="altered") as caught:
        take(str(file), work)
    assert f"delete {path}" in (caught.value.hint or "")


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_snapshot_without_its_facts_is_refused(file: Path, work: Path, harm: str) -> None:
    take(str(file), work)
    if harm == "missing":
        (work / "snapshot.json").unlink()
    else:
        (work / "snapshot.json").write_text('{"path"')
    with pytest.raises(StateMismatch, match=r"snapshot\.json is") as caught:
        take(str(file), work)
    assert "delete" in (caught.value.hint or "")


def test_a_deleted_snapshot_is_taken_anew(file: Path, work: Path) -> None:
    first = take(str(file), work)
    (work / "snapshot.db").unlink()
    assert take(str(file), work).sha256 == first.sha256


def test_the_snapshot_of_another_source_is_refused(file: Path, tmp_path: Path, work: Path) -> None:
    take(str(file), work)
    other = tmp_path / "other.db"
    other.write_bytes(file.read_bytes())
    with pytest.raises(StateMismatch, match=r"was taken from .*legacy\.db, not from .*other\.db"):
        take(str(other), work)


@pytest.mark.parametrize(("key", "value"), [("max_rows_read", 1500), ("max_bytes", 40_000)])
def test_the_snapshot_stops_at_a_cap_and_goes_on_when_it_is_raised(
    hard_server: LibsqlServer, libsql: MakeServer, file: Path, work: Path, key: str, value: int
) -> None:
    server = libsql(content=file)
    capped = SMALL.model_copy(update={key: value})
    with pytest.raises(SourceError, match="stopped at its limit") as caught:
        take(server.url, work, capped)
    assert key in (caught.value.hint or "")
    with pytest.raises(SourceError, match="stopped at its limit"):
        take(server.url, work, capped)  # what was billed before counts
    take(server.url, work)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(file)


def test_a_table_whose_ddl_is_not_known_here_is_copied_by_its_columns(
    libsql: MakeServer, work: Path, tmp_path: Path
) -> None:
    server = libsql()
    server.load_script(
        "CREATE TABLE r (id INTEGER PRIMARY KEY, v F32_BLOB(3) NOT NULL, w TEXT CHECK (w > '')) RANDOM ROWID;"
        "CREATE TABLE s (k TEXT, v, w NOT NULL) RANDOM ROWID;"
        "INSERT INTO r VALUES (1, x'00', 'a'), (5, x'01', 'b'); INSERT INTO s VALUES ('x', 1, 2), ('y', 2, 3)"
    )
    take(server.url, work)
    with closing(sqlite3.connect(work / "snapshot.db")) as copy:
        assert copy.execute("SELECT * FROM r ORDER BY id").fetchall() == [(1, b"\0", "a"), (5, b"\1", "b")]
        assert copy.execute("SELECT * FROM s ORDER BY k").fetchall() == [("x", 1, 2), ("y", 2, 3)]


def test_rows_that_break_their_own_rules_are_copied(work: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v CHECK (v > 0), w REFERENCES gone (id))")
        connection.execute("INSERT INTO t VALUES (1, -1, 404)")
        connection.commit()
    take(str(path), work)
    assert hard_values.content(work / "snapshot.db") == hard_values.content(path)


@pytest.mark.parametrize("room", [1_000, 40_000, 100_000])
def test_a_full_disk_is_an_error_that_can_be_mended(file: Path, work: Path, room: int) -> None:
    script = """
import resource, sys
from pathlib import Path
from migrate.runtime.errors import MigrateError
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source
source = open_source(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    take_snapshot(source, Path(sys.argv[2]), SourceSettings())
except MigrateError as error:
    print(type(error).__name__, error.message, "|", error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(file), str(work), str(room)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("SourceError"), done
    assert "free disk space" in done.stdout
    assert take(str(file), work).rows == 3000


def test_progress_reports_rows_and_what_is_expected(file: Path, work: Path) -> None:
    seen: list[Progress] = []
    take(str(file), work, on_progress=seen.append)
    assert [one for one in seen if one.table == "b"][-1].rows == 1000
    assert {one.expected for one in seen} == {1000}
    assert [one.bytes for one in seen] == sorted(one.bytes for one in seen)


@pytest.mark.parametrize(
    ("key", "end"),
    [
        ("k TEXT PRIMARY KEY", ""), ("k TEXT", ""), ("k INTEGER PRIMARY KEY", ""),
        ("k TEXT PRIMARY KEY", " WITHOUT ROWID"), ("k INTEGER PRIMARY KEY", " WITHOUT ROWID"),
    ],
)  # fmt: skip
def test_columns_of_a_file_that_were_given_another_type_keep_the_class_of_every_value(
    tmp_path: Path, work: Path, key: str, end: str
) -> None:
    rows = [(1, "1.50", "x", 2.0, "7", 5), (2, b"1", 5, 2.5, "y", 6), (3, 7, None, None, "08", None)]
    path = tmp_path / "legacy.db"
    with closing(sqlite3.connect(path)) as source:
        source.execute(f"CREATE TABLE t ({key}, a TEXT, b BLOB, c REAL, d TEXT, e INTEGER){end}")
        source.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
        source.commit()
        found = source.execute("SELECT * FROM t ORDER BY 1").fetchall()
        source.execute("PRAGMA writable_schema = ON")  # as libSQL's ALTER COLUMN
        source.execute(
            "UPDATE sqlite_schema SET sql = replace(replace(replace(replace(sql, 'a TEXT', 'a NUMERIC'),"
            " 'b BLOB', 'b TEXT'), 'c REAL', 'c INTEGER'), 'd TEXT', 'd DOUBLE')"
        )
        source.commit()
    take(str(path), work)
    with closing(sqlite3.connect(work / "snapshot.db")) as copy:
        assert copy.execute("SELECT * FROM t ORDER BY 1").fetchall() == found
        types = dict(copy.execute("SELECT name, type FROM pragma_table_info('t')").fetchall())
    assert types["e"] == "INTEGER"
