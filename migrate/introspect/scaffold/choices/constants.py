"""The columns of the target that constants of the mapping file fill."""

from __future__ import annotations

from mappers.declarative.mapping_file import TableMapping
from migrate.introspect.scaffold.choices.chosen_types import constant_type
from migrate.introspect.scaffold.columns import ColumnNames, Drafted
from migrate.introspect.scaffold.model import Field, Line
from migrate.introspect.scaffold.naming import field_name


def constant_columns(table: TableMapping | None, names: ColumnNames) -> list[Drafted]:
    """Return the columns that the section of a table fills with constants."""
    made = []
    for name, value in table.constants.items() if table is not None else ():
        field = Field(names.field(field_name(name)), name, constant_type(value), required=True)
        made.append(Drafted(Line(names.chosen(name), {}), field))
    return made
