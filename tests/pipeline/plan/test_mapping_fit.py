"""Mistakes of a mapping file, and files of the target that were made for another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappers.declarative.mapping_file import fits
from migrate.introspect.profile import Inspection
from migrate.introspect.scaffold import make_draft
from migrate.introspect.scaffold.write_files import models_of, texts_of, write_files
from migrate.pipeline.mapping import described_mapping
from migrate.pipeline.plan.mapping_fit import find_doubts, find_drift, find_mistakes
from migrate.postgres.catalog import LiveSchema
from migrate.runtime.config import Config, load_config
from tests.introspect.profile.sources import inspect_script
from tests.introspect.scaffold.sources import source_tables

SOURCE = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users VALUES (1, 'Ann');"


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    return inspect_script(tmp_path_factory.mktemp("source"), SOURCE)


def edited(inspection: Inspection, out: Path, *edits: tuple[str, str]) -> Config:
    """Return the configuration of a draft in the folder `out` after edits of its mapping.toml."""
    write_files(out, texts_of(make_draft(inspection), "legacy.db", embedded=True))
    text = (out / "mapping.toml").read_text()
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    (out / "mapping.toml").write_text(text)
    return load_config(out / "config.toml")


def test_files_of_the_target_that_are_older_than_an_edit_are_named_with_the_command(
    inspection: Inspection, tmp_path: Path
) -> None:
    assert find_drift(edited(inspection, tmp_path / "a")) == []
    assert find_drift(edited(inspection, tmp_path / "b", ("# 1 row", "# a comment of mine"))) == []
    path = tmp_path / "c"
    config = edited(inspection, path, ('to = "name"', 'to = "fullName"'))
    (note,) = find_drift(config)
    assert note.message == (
        f"init.sql was made before {path / 'mapping.toml'} was edited; to make it follow: "
        f"migrate init --regenerate --out {path}"
    )
    described = described_mapping(config)
    assert described is not None
    again = models_of(make_draft(inspection), described)
    assert all(fits(described, text) for text in again.values())


def test_cents_that_go_to_units_as_they_are_are_a_note(inspection: Inspection, tmp_path: Path) -> None:
    as_amount = 'price_cents = { to = "price", as = "decimal", scale = 2'
    config = edited(inspection, tmp_path / "a", ("name = {", f"{as_amount} }}\nname = {{"))
    (note,) = find_doubts(config)
    assert "tables.users.columns.price_cents: hundredths by the name go to users.price" in note.message
    divided = ("name = {", f"{as_amount}, divide = 100 }}\nname = {{")
    assert find_doubts(edited(inspection, tmp_path / "b", divided)) == []


def test_a_mistake_names_the_line_and_the_command(inspection: Inspection, tmp_path: Path) -> None:
    config = edited(inspection, tmp_path, ("name = {", "nmae = {"))
    found = find_mistakes(config, source_tables(inspection), LiveSchema("public", {}, ()))
    lines = (tmp_path / "mapping.toml").read_text().splitlines()
    line = lines.index("[tables.users.columns]") + 3
    what = "tables.users.columns.nmae: the source has no such column; did you mean name?"
    assert f"mapping.toml:{line}: {what}" in [one.message for one in found]
    assert f"migrate init --regenerate --out {tmp_path}" in (found[0].hint or "")
