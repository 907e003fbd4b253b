"""Drafts of small databases made in a test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from migrate.drafting import Draft, make_draft
from migrate.drafting.model import Field, Line
from tests.inspection.sources import inspect_script


def draft_script(
    folder: Path, script: str, *fills: tuple[str, Iterable[Sequence[object]]], enums: bool = False
) -> Draft:
    """Return the draft of a database made by a script and by statements with many rows."""
    return make_draft(inspect_script(folder, script, *fills), enums=enums)


def line(draft: Draft, table: str, column: str) -> Line:
    """Return the line of a column in the mapping."""
    section = next(one for one in draft.sections if one.source == table)
    return next(one for one in section.lines if one.column == column)


def field(draft: Draft, table: str, column: str) -> Field:
    """Return the field that a column becomes."""
    return next(model for model in draft.models if model.table == table).field(column)
