"""The databases of the systems, made once; them is never written to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.systems import nasty
from tests.e2e.systems.build import RECIPES, build


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The database of each system, by name."""
    folder = tmp_path_factory.mktemp("systems")
    return {name: build(name, folder / f"{name}.db") for name in RECIPES}


@pytest.fixture(scope="session")
def nasty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database with every looseness of SQLite."""
    return nasty.make(tmp_path_factory.mktemp("nasty") / "nasty.db")
