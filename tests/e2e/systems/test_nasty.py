"""The nasty database: every looseness is in it, and a snapshot takes it as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from migrate.runtime.settings.source import SourceSettings
from tests.e2e.systems import nasty
from tests.e2e.systems.contents import contents, ordinary_tables
from tests.snapshot.snapshots import take


@pytest.mark.parametrize("seen", [pytest.param(trap.seen, id=trap.name) for trap in nasty.TRAPS])
def test_the_looseness_is_there(nasty_file: Path, seen: str) -> None:
    with closing(sqlite3.connect(nasty_file)) as connection:
        (shown,) = connection.execute(seen).fetchone()
    assert shown > 0


def test_it_is_the_same_every_time(nasty_file: Path, tmp_path: Path) -> None:
    assert nasty.make(tmp_path / "again.db").read_bytes() == nasty_file.read_bytes()


def test_only_the_broken_promises_are_broken(nasty_file: Path) -> None:
    with closing(sqlite3.connect(nasty_file)) as connection:
        found = {message for (message,) in connection.execute("PRAGMA integrity_check")}
    assert found == {"NULL value in promises.must", "CHECK constraint failed in promises"}


def test_a_snapshot_holds_every_row_of_every_table(nasty_file: Path, work: Path) -> None:
    facts = take(str(nasty_file), work, SourceSettings())
    tables = ordinary_tables(nasty_file)
    assert {one.name for one in facts.tables} == tables
    assert contents(facts.path, tables) == contents(nasty_file, tables)
