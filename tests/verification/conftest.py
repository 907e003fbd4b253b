"""A fresh small world for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.verification.mapped_rows import keep_sums
from tests.verification.world import World, build


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    """A migrated world without a fault."""
    made = build(database, tmp_path)
    keep_sums(made)
    yield made
    made.target.close()
    made.snapshot.close()
