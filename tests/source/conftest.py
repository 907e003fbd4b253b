"""Legacy databases with every hard value, and the ways to reach them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.libsql import LibsqlServer, libsql, servers
from tests.source import hard_values

__all__ = ["libsql"]


@dataclass(frozen=True)
class Way:
    """What is true of one way of reaching a legacy database, and of no other."""

    #: rows that the server is expected to bill for the 6 rows of `ints`
    billed: int = 0
    #: the server says how many rows it read
    counts: bool = False
    #: the database has a version
    marked: bool = True
    #: the database comes in one file, and each table of it in one piece
    whole: bool = True
    #: it is written as SQL: the rows have no rowids, and internal and virtual tables are missing
    as_sql: bool = False


#: libsql-client passes neither the number of rows nor the version on.
WAYS = {
    "http": Way(billed=18, counts=True, whole=False),
    "ws": Way(billed=24, marked=False, whole=False),
    "file": Way(),
    "dump": Way(as_sql=True),
}


@pytest.fixture(scope="session")
def hard_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every hard value; it is never written to."""
    return hard_values.make(tmp_path_factory.mktemp("hard") / "hard.db")


@pytest.fixture(scope="session")
def hard_server(tmp_path_factory: pytest.TempPathFactory, hard_file: Path) -> Iterator[LibsqlServer]:
    """A libSQL server with every hard value; it is never written to."""
    with servers(tmp_path_factory.mktemp("server")) as make:
        yield make(content=hard_file)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Each way of reaching a legacy database."""
    return str(request.param)


@pytest.fixture
def hard_url(way: str, hard_file: Path, hard_server: LibsqlServer, tmp_path: Path) -> str:
    """The URL of the database with every hard value, by each way."""
    if way == "dump":
        return str(hard_values.write_dump(hard_file, tmp_path / "hard.sql"))
    return {"http": hard_server.url, "ws": hard_server.ws_url, "file": f"file:{hard_file}"}[way]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A legacy database of 3 tables, a thousand rows each."""
    path = tmp_path / "legacy.db"
    with closing(sqlite3.connect(path)) as connection:
        for name in ("a", "b", "c"):
            connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, v TEXT NOT NULL)")
            connection.executemany(
                f"INSERT INTO {name} (v) VALUES (?)", [(f"{name} {n}",) for n in range(1000)]
            )
        connection.commit()
    return path
