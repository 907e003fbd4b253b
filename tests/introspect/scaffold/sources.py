"""Drafts of small databases made in a test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mappers.base import SourceTables
from mappers.declarative.mapping_file import read_mapping
from migrate.introspect.profile import Inspection
from migrate.introspect.scaffold import Draft, foresee, make_draft
from migrate.introspect.scaffold.choices.regenerate import draft_from
from migrate.introspect.scaffold.mapping_toml import write_mapping
from migrate.introspect.scaffold.model import Field, Line
from migrate.postgres.catalog import Column, LiveSchema
from tests.introspect.profile.sources import inspect_script


def draft_script(
    folder: Path, script: str, *fills: tuple[str, Iterable[Sequence[object]]], enums: bool = False
) -> Draft:
    """Return the draft of a database made by a script and by statements with many rows."""
    draft = make_draft(inspect_script(folder, script, *fills), enums=enums)
    return foresee(draft, folder / "work" / "snapshot.db", folder / "work" / "crosswalk.db")


def line(draft: Draft, table: str, column: str) -> Line:
    """Return the line of a column in the mapping."""
    section = next(one for one in draft.sections if one.source == table)
    return next(one for one in section.lines if one.column == column)


def field(draft: Draft, table: str, column: str) -> Field:
    """Return the field that a column becomes."""
    return next(model for model in draft.models if model.table == table).field(column)


def source_tables(inspection: Inspection) -> SourceTables:
    tables = SourceTables(
        {table.name: [column.name for column in table.columns] for table in inspection.tables}
    )
    tables.without_rowid = frozenset(table.name for table in inspection.tables if table.without_rowid)
    return tables


def target_columns(live: LiveSchema) -> dict[str, tuple[Column, ...]]:
    return {name: table.columns for name, table in live.tables.items()}


def edited_draft(folder: Path, script: str, *edits: tuple[str, str]) -> Draft:
    """Return the draft of the mapping of a database with some of its text replaced by a person's."""
    inspection = inspect_script(folder, script)
    text = write_mapping(make_draft(inspection))
    for before, after in edits:
        assert before in text, text
        text = text.replace(before, after)
    work = folder / "work"
    return draft_from(inspection, read_mapping(text), work / "snapshot.db", work / "crosswalk.db")
