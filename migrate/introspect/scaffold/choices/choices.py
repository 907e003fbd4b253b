"""What a person decided about the target: names, keys, what is left out, how columns are read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from mappers.declarative.mapping_columns import ColumnMapping
from mappers.declarative.mapping_file import MappingFile, TableMapping
from mappers.declarative.source_table import row_number_name
from migrate.introspect.profile.inspection import ColumnReport, TableReport
from migrate.introspect.scaffold.choices.wishes import Wishes
from migrate.introspect.scaffold.choose_key import Key
from migrate.introspect.scaffold.enums import labels_of


@dataclass(frozen=True)
class Choices:
    """The decisions: those of a mapping file or, for a first draft, those of its options."""

    mapping: MappingFile | None = None
    wishes: Wishes = field(default_factory=Wishes)

    def table(self, name: str) -> TableMapping | None:
        """Return the section of a table that is migrated; None if it has none."""
        found = self.mapping.tables.get(name) if self.mapping is not None else None
        return found if found is not None and found.target is not None else None

    def takes(self, table: TableReport) -> bool:
        """Return whether a table is migrated."""
        return self.wishes.takes(table) if self.mapping is None else self.table(table.name) is not None

    def keeps(self, name: str) -> bool:
        """Return whether a table keeps the integers of its key, since a person said so."""
        found = self.table(name)
        return self.wishes.keeps(name) if found is None else found.ids == "keep"

    def target(self, name: str) -> str | None:
        """Return the name that a table has in the target; None if that is open."""
        found = self.table(name)
        return found.target if found is not None else self.wishes.tables.get(name)

    def key(self, table: TableReport, usual: Key) -> Key:
        """Return the key of a table; `usual` is the one that it gets if nothing is decided."""
        found = self.table(table.name)
        if found is None or (found.key, found.ids) == (usual.columns, usual.ids):
            return usual
        if found.key == usual.columns:
            return replace(usual, ids=found.ids)
        names = [column.name for column in table.columns]
        return Key(found.key, found.ids, rowid=None if found.key else row_number_name(names))

    def line(self, table: str, column: str) -> ColumnMapping | None:
        """Return the entry of a column; None if nothing is decided."""
        found = self.table(table)
        return found.columns.get(column) if found is not None else None

    def labels(self, table: str, column: ColumnReport) -> frozenset[str]:
        """Return the labels of the enum that a column becomes."""
        line = self.line(table, column.name)
        if line is not None and line.labels:
            return frozenset(line.labels.values())
        return frozenset(labels_of(column).values())

    def drops(self, table: str, column: str) -> bool:
        """Return whether a column of a migrated table goes nowhere by itself."""
        line = self.line(table, column)
        return self.table(table) is not None and (line is None or line.to is None)

    def to(self, table: str, column: str) -> str | None:
        """Return the name that a column has in the target; None if that is open."""
        line = self.line(table, column)
        return line.to if line is not None else self.wishes.columns.get((table, column))


#: Nothing is decided.
OPEN: Final = Choices()
