"""The mapping document once more, a row at a time in plain Python: what the mappers are compared with."""

from __future__ import annotations

from pathlib import Path

from mappers.settings import MapperSettings
from migrate.pipeline.ids import Ids
from tests.mappers.studio.reference.belongings import connections, images, messages, reviews
from tests.mappers.studio.reference.people import Book, Legacy
from tests.mappers.studio.reference.profiles import profiles, studios, users


def reference(path: Path, ids: Ids, settings: MapperSettings | None = None) -> Book:
    """Return what becomes of the legacy database in the file."""
    book = Book(Legacy.read(path), ids, settings or MapperSettings())
    book.settle()
    for step in (images, users, profiles, studios, messages, connections, reviews):
        step(book)
    return book
