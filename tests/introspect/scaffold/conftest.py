"""Inspections of the systems' databases, each made when it is first asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from migrate.introspect.profile import Inspection, inspect_source
from migrate.runtime.settings.source import SourceSettings
from migrate.source.open import open_source
from tests.e2e.prisma_engine.prisma import engine  # noqa: F401  (a fixture)
from tests.e2e.systems import nasty
from tests.e2e.systems.build import build

SYSTEMS = ("marketplace", "talent", "interview", "nasty")


@pytest.fixture(scope="session")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Inspection]:
    """What is in the database of a system, by its name."""

    @functools.cache
    def inspect(name: str) -> Inspection:
        folder = tmp_path_factory.mktemp(name)
        path = database(name, folder)
        with closing(open_source(str(path))) as source:
            return inspect_source(source, folder / "work", SourceSettings())

    return inspect


def database(name: str, folder: Path) -> Path:
    path = folder / f"{name}.db"
    return nasty.make(path) if name == "nasty" else build(name, path)
