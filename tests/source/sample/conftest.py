"""One sample at scale 1 for all tests that only look at it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from migrate.source.sample.write import write_sample


@pytest.fixture(scope="session")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "legacy.db"
    write_sample(path)
    return path


@pytest.fixture
def sample(sample_file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{sample_file}?mode=ro", uri=True)) as connection:
        yield connection
