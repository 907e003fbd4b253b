"""schema.prisma and init.sql from a mapping.toml that a person edited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mappers.declarative.mapping_file import MappingFile, shared_targets
from mappers.declarative.source_table import is_row_number
from migrate.introspect.profile.inspection import Inspection
from migrate.introspect.scaffold.choices.choices import Choices
from migrate.introspect.scaffold.choices.fleet_columns import draft_fleet
from migrate.introspect.scaffold.choices.made_columns import with_made_columns
from migrate.introspect.scaffold.draft import make_draft
from migrate.introspect.scaffold.forecast.marks import foresee
from migrate.introspect.scaffold.model import Draft
from migrate.runtime.errors import UsageError


def draft_from(inspection: Inspection, mapping: MappingFile, snapshot: Path, crosswalk: Path) -> Draft:
    """Return the draft whose models are those of a mapping file, with what a run of it does.

    Raises UsageError if a table of the file cannot be a model of Prisma's.
    """
    mistakes = list(_without_key(inspection, mapping))
    if mistakes:
        raise UsageError("\n  ".join(["no model can be made of mapping.toml:", *mistakes]))
    inspection = with_made_columns(inspection, mapping, snapshot)
    draft = foresee(make_draft(inspection, choices=Choices(mapping)), snapshot, crosswalk, mapping=mapping)
    if mapping.fleet is None:
        return draft
    return draft_fleet(
        draft,
        per_tenant=mapping.fleet.layout == "per-tenant",
        column=mapping.fleet.column,
        shared=shared_targets(mapping),
    )


def _without_key(inspection: Inspection, mapping: MappingFile) -> Iterator[str]:
    """Yield the tables whose rows would have no key in the target: Prisma has no model without one."""
    for table in inspection.tables:
        section = mapping.tables.get(table.name)
        if section is None or section.target is None:
            continue
        columns = [column.name for column in table.columns]
        migrated = [name for name, line in section.columns.items() if line.to is not None]
        for column, line in section.columns.items():
            if line.to_table is not None:
                yield f"tables.{table.name}.columns.{column}: `to_table` is for a target that is there"
            if section.is_new_id(column):
                yield (
                    f"tables.{table.name}.columns.{column}: new ids next to the key are for a target that is "
                    "there; for a fresh one leave `key` empty, or let the key have the id"
                )
        for column in section.key:
            if column in columns and column not in migrated:
                yield f"tables.{table.name}.key: {column} is not migrated, but a model needs it: give it `to`"
        if not section.key and not any(is_row_number(name, columns) for name in migrated):
            yield f"tables.{table.name}.key is missing: a model needs a key; list its columns"
