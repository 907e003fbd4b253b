"""What a mapping says alone, and bound to a source: both say the same of stages and tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappers.base import BoundMapping
from migrate.pipeline.mapping import bind_mapping, load_spec, tables_of
from migrate.runtime.config import Config, load_config
from migrate.runtime.errors import UsageError
from migrate.source.sample.write import write_sample

_MAPPING = """
version = 1
[tables.people]
target = "person"
key = ["id"]
ids = "cuid"
columns.id = { to = "id", as = "id" }
columns.name = { to = "name" }
[tables.letters]
target = "letter"
key = ["id"]
columns.id = { to = "id", as = "text" }
columns.sender = { to = "senderId", as = "reference", of = "people" }
"""


@pytest.fixture
def described(tmp_path: Path) -> Config:
    """A configuration that names a mapping file."""
    (tmp_path / "mapping.toml").write_text(_MAPPING)
    (tmp_path / "config.toml").write_text('[mappers]\nmapping = "mapping.toml"\n')
    return load_config(tmp_path / "config.toml", {})


def _written(mapping: BoundMapping) -> set[str]:
    return {table for stage in mapping.stages for mapper in stage.mappers for table in mapper.writes}


def test_a_studio_mapping_has_the_stages_and_tables_of_its_spec(tmp_path: Path) -> None:
    write_sample(tmp_path / "legacy.db", scale=0.01, seed=1)
    config = load_config(None, {})
    spec, mapping = load_spec(config), bind_mapping(config, tables_of(tmp_path / "legacy.db"))
    assert tuple(stage.name for stage in mapping.stages) == spec.stages
    assert _written(mapping) == set(spec.tables_filled)


def test_a_mapping_files_mapping_has_the_stages_and_tables_of_its_spec(described: Config) -> None:
    spec = load_spec(described)
    mapping = bind_mapping(described, {"people": ["id", "name"], "letters": ["id", "sender"]})
    assert tuple(stage.name for stage in mapping.stages) == spec.stages == ("person", "letter")
    assert _written(mapping) == set(spec.tables_filled) == {"person", "letter"}
    assert (spec.entities, spec.legacy_keys) == (("person",), ("letter",))


def test_a_source_without_a_table_leaves_its_stage_empty(described: Config) -> None:
    mapping = bind_mapping(described, {"people": ["id", "name"]})
    assert tuple(stage.name for stage in mapping.stages) == load_spec(described).stages
    assert _written(mapping) == {"person"}


def test_a_missing_mapping_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[mappers]\nmapping = "gone.toml"\n')
    with pytest.raises(UsageError, match=r"gone\.toml"):
        load_spec(load_config(tmp_path / "config.toml", {}))
