"""What only SQLite, libSQL or an application of its own knows: R-trees, vectors, collations."""

from __future__ import annotations

import pytest

from tests.introspect.cases.conftest import MakeCase
from tests.introspect.cases.migrated import Migrated, require_green


@pytest.fixture(scope="module")
def own(migrated: MakeCase) -> Migrated:
    return require_green(migrated("references/own.py"))


def test_the_rows_of_an_rtree_are_migrated_with_their_ids(own: Migrated) -> None:
    assert own.rows("geo") == [(1, 1.0, 2.0, 3.0, 4.0, "a"), (7, 5.0, 6.5, 7.0, 8.0, "b")]
    assert own.rows("grid") == [(3, -5, 5)]
    assert "(!) an R-tree, migrated as a table" in own.section("geo")
    assert not any(name.startswith(("geo_", "grid_")) for name in own.mapping)


def test_a_collation_of_the_applications_own_is_reported_and_its_rows_are_migrated(own: Migrated) -> None:
    assert own.column("tags", "tag") == ["Bee", "Zoo", "ant"]
    assert own.rows("decks", "name", "kind") == [("B", "y"), ("a", "COLLATE unicase")]
    assert own.rows("pairs", "a", "b") == [("x", 1), ("y", 2)]
    for table in ("tags", "decks", "pairs"):
        assert f"{table} COLLATE unicase (a collation of the application's own" in own.text("mapping.toml")
    assert own.query("SELECT 1 FROM pg_indexes WHERE tablename = 'decks' AND indexdef LIKE '%UNIQUE%(name)%'")


def test_vectors_keep_their_bytes_and_are_marked(own: Migrated) -> None:
    assert sorted(bytes(value) for (value,) in own.rows("movies", "emb") if value) == [b"\x00\x00\x80?"]
    assert own.marked("movies", "emb")
    assert not own.marked("movies", "title")
