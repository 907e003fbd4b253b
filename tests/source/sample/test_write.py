"""The sample is a file that appears whole, with the same rows for the same seed and size."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime.errors import MigrateError, UsageError
from migrate.source.sample.write import legacy_schema, write_sample
from tests.source.sample.samples import digest, tables

_WRITE = "import sys, pathlib; from migrate.source.sample.write import write_sample; "
_WRITE += "write_sample(pathlib.Path(sys.argv[1]), scale=0.1, seed=3)"


def _count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])


def test_same_seed_and_scale_give_the_same_rows(tmp_path: Path) -> None:
    for name in ("a.db", "b.db"):
        write_sample(tmp_path / name, scale=0.2, seed=5)
    assert digest(tmp_path / "a.db") == digest(tmp_path / "b.db")


def test_another_seed_gives_other_rows_in_every_table_of_people(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_sample(tmp_path / f"{seed}.db", scale=0.2, seed=seed)
    one, two = digest(tmp_path / "1.db"), digest(tmp_path / "2.db")
    fixed = {"shows_roles", "faq_signuser", "_database_metadata"}
    assert {table for table in one if one[table] == two[table]} == fixed


@pytest.mark.parametrize(
    "surroundings",
    [
        {"TZ": "Asia/Kathmandu", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "1", "POLARS_MAX_THREADS": "1"},
        {"TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONHASHSEED": "77", "POLARS_MAX_THREADS": "4"},
    ],
)
def test_rows_do_not_depend_on_the_surroundings(tmp_path: Path, surroundings: dict[str, str]) -> None:
    write_sample(tmp_path / "here.db", scale=0.1, seed=3)
    there = tmp_path / "there.db"
    subprocess.run([sys.executable, "-c", _WRITE, str(there)], env=os.environ | surroundings, check=True)
    assert digest(there) == digest(tmp_path / "here.db")


def test_the_schema_is_the_packaged_one(sample: sqlite3.Connection) -> None:
    query = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name"
    with closing(sqlite3.connect(":memory:")) as bare:
        bare.executescript(legacy_schema())
        assert sample.execute(query).fetchall() == bare.execute(query).fetchall()


def test_every_table_has_rows(sample: sqlite3.Connection) -> None:
    empty = [
        name
        for name in tables(sample)
        if sample.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() is None
    ]
    assert empty == []


@pytest.mark.parametrize("scale", [0.001, 0.02, 0.5])
def test_small_samples_have_rows_in_every_table(tmp_path: Path, scale: float) -> None:
    write_sample(tmp_path / "s.db", scale=scale)
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        assert all(
            connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables(connection)
        )


def test_scale_multiplies_the_counts(tmp_path: Path) -> None:
    write_sample(tmp_path / "s.db", scale=2)
    counts = {
        name: _count(tmp_path / "s.db", name) for name in ("shows_users", "shows_usermeta", "shows_messages")
    }
    assert counts == {"shows_users": 1280, "shows_usermeta": 73402, "shows_messages": 5380}


def test_messages_bring_a_user_for_every_twenty(tmp_path: Path) -> None:
    write_sample(tmp_path / "s.db", messages=4000)
    assert _count(tmp_path / "s.db", "shows_messages") == 4000
    assert _count(tmp_path / "s.db", "shows_users") == 200


def test_profiles_bring_meta_rows_and_images_for_a_few_users_only(tmp_path: Path) -> None:
    write_sample(tmp_path / "s.db", messages=4000, profiles=20)
    assert _count(tmp_path / "s.db", "shows_users") == 200
    assert _count(tmp_path / "s.db", "shows_usermeta") == round(36_701 * 20 / 640)
    assert _count(tmp_path / "s.db", "studio_gallery") == round(1_791 * 20 / 640)
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        shown = "SELECT count(DISTINCT user_id) FROM {} WHERE user_id < (SELECT max(id) FROM shows_users)"
        assert connection.execute(shown.format("profile")).fetchone()[0] <= 20
        assert 15 <= connection.execute(shown.format("shows_usermeta")).fetchone()[0] <= 20


def test_an_existing_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        write_sample(path)
    assert path.read_text() == "mine"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        write_sample(tmp_path / "nowhere" / "s.db")


@pytest.mark.parametrize(
    "size",
    [
        {"scale": 0},
        {"scale": -1},
        {"scale": float("nan")},
        {"scale": 1e9},
        {"messages": 0},
        {"profiles": 641},
    ],
)
def test_a_size_without_sense_is_refused(tmp_path: Path, size: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="cannot be made"):
        write_sample(tmp_path / "s.db", **size)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_it_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_sample(tmp_path / "s.db", scale=0.02)
    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]
    assert stat.S_IMODE((tmp_path / "s.db").stat().st_mode) == 0o600


def test_a_disk_that_refuses_leaves_nothing(tmp_path: Path) -> None:
    script = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    script += "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
    done = subprocess.run(
        [sys.executable, "-c", script + _WRITE, str(tmp_path / "s.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert MigrateError.__name__ in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_points_outside_the_reserved_domains(sample: sqlite3.Connection) -> None:
    # Names kept for examples, and the demo account that the images name.
    host = re.compile(r"(?:https?://|www\.|@)([\w.-]+\.[a-z]{2,})", re.IGNORECASE)
    seen: set[str] = set()
    for table in tables(sample):
        for row in sample.execute(f'SELECT * FROM "{table}"'):
            for value in row:
                if isinstance(value, str):
                    seen.update(name.lower() for name in host.findall(value))
    strange = {name for name in seen if not re.search(r"(^|\.)example\.(com|org|net)$", name)}
    assert strange == {"res.cloudinary.com"}


def test_it_shares_no_person_with_the_worked_example(sample: sqlite3.Connection) -> None:
    names = ("boss", "ana", "cy", "dee", "eli", "fay", "gus", "stub")
    addresses = {f"{name}@example.{end}" for name in names for end in ("com", "org", "net")}
    query = "SELECT lower(trim(email)) FROM {}"
    for table in ("shows_users", "users", "community_users"):
        assert addresses.isdisjoint(email for (email,) in sample.execute(query.format(table)))


@pytest.mark.slow
def test_a_million_messages_take_less_than_forty_seconds(tmp_path: Path) -> None:
    start = time.monotonic()
    write_sample(tmp_path / "s.db", messages=1_000_000)
    assert time.monotonic() - start < 40
    assert _count(tmp_path / "s.db", "shows_users") == 50_000


def test_without_faker_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        write_sample(tmp_path / "legacy.db", scale=0.02)
    assert "pip install faker" in (caught.value.hint or "")
    assert not list(tmp_path.iterdir())
