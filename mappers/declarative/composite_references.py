"""References of several columns, or to a column that is not a key: values stay, the row must exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mappers.base import Workspace
from mappers.declarative.mapping_file import KeyReference
from mappers.declarative.references import same_key
from mappers.declarative.source_table import MappedColumn, SourceTable
from mappers.sqlite_sql import quoted


@dataclass(frozen=True)
class CompositeReference:
    """The `at`th such reference of a table, to a migrated `parent`."""

    at: int
    table: SourceTable
    parent: SourceTable
    reference: KeyReference

    @property
    def flag(self) -> str:
        """Return the name of the batch column that is 1 if the reference refers to no migrated row."""
        return f"d{self.at}"

    @property
    def column_names(self) -> str:
        """Return its columns as text for a person."""
        return ", ".join(self.reference.columns)

    @property
    def keys(self) -> str:
        """Return the crosswalk's table of the parent's values and rows."""
        return f"x.pair_{self.table.number}_{self.at}"

    def present(self, alias: str) -> str:
        """Return SQL that says whether a row refers to anything: with one NULL it does not."""
        return " AND ".join(f"{alias}.{quoted(column)} IS NOT NULL" for column in self.reference.columns)

    def same(self, alias: str) -> str:
        """Return SQL that compares a row with one of `keys`, called `pair`."""
        return " AND ".join(
            same_key(f"pair.k{n}", f"{alias}.{quoted(column)}")
            for n, column in enumerate(self.reference.columns)
        )

    def dangles(self, alias: str) -> str:
        """Return SQL that is 1 if a row refers to no migrated row, else 0."""
        there = (
            f"EXISTS (SELECT 1 FROM {self.keys} AS pair WHERE {self.same(alias)} AND NOT EXISTS"  # noqa: S608
            f" (SELECT 1 FROM x.settled AS gone WHERE gone.source = {self.parent.number}"
            " AND gone.number = pair.number))"
        )
        return f"({self.present(alias)} AND NOT {there})"

    def emptied(self) -> Iterator[MappedColumn]:
        """Yield the columns that become NULL if the reference dangles: those that may be NULL."""
        for column in self.reference.columns:
            line = self.table.line(column)
            if line is not None and not line.to.not_null and column not in self.table.key:
                yield line


def pairs_of(table: SourceTable, tables: Mapping[str, SourceTable]) -> tuple[CompositeReference, ...]:
    """Return the references of a table that are followed."""
    return tuple(
        CompositeReference(at, table, tables[one.of], one)
        for at, one in enumerate(table.mapping.references)
        if one.of in tables and one.dangling != "keep"
    )


def make_keys(workspace: Workspace, pair: CompositeReference, alias: str) -> None:
    """Create the table of the values that a reference may name; its columns compare as the source's do."""
    places = [f"k{n}" for n in range(len(pair.reference.to))]
    values = ", ".join(
        f"{alias}.{quoted(column)} AS {place}"
        for column, place in zip(pair.reference.to, places, strict=True)
    )
    workspace.execute(
        f"CREATE TABLE {pair.keys} AS SELECT {pair.parent.row_key(alias)} AS number, {values}"  # noqa: S608
        f" FROM {pair.parent.rows(alias)}"
    )
    name = pair.keys.removeprefix("x.")
    workspace.execute(f"CREATE INDEX x.{name}_key ON {name} ({', '.join(places)})")
