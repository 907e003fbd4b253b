"""The drafts of whole systems: every table and column is in them, and they read back."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

from mappers.declarative.mapping_file import MappingFile
from migrate.introspect.profile import Inspection
from migrate.introspect.scaffold import make_draft
from migrate.introspect.scaffold.mapping_toml import write_mapping


@pytest.mark.parametrize("name", ["marketplace", "nasty"])
def test_every_table_and_column_of_a_system_has_its_line(
    inspected: Callable[[str], Inspection], name: str
) -> None:
    inspection = inspected(name)
    text = write_mapping(make_draft(inspection))
    assert text == write_mapping(make_draft(inspection))
    mapping = MappingFile(**tomllib.loads(text))
    assert set(mapping.tables) == {table.name for table in inspection.tables}
    for table in inspection.tables:
        assert (mapping.tables[table.name].left_out is not None) == table.leftover
        if not table.leftover:
            lines = set(mapping.tables[table.name].columns)
            assert lines >= {column.name for column in table.columns}
