"""A complete inspection: takes a snapshot, inspects it, and removes it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from migrate.introspect.profile.check_constraints import check_constraints
from migrate.introspect.profile.clock import touched_columns
from migrate.introspect.profile.columns import observe
from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.duplicates import duplicates
from migrate.introspect.profile.embedded_ids import hidden_references
from migrate.introspect.profile.full_text import full_text_tables
from migrate.introspect.profile.inspection import (
    VERSION,
    ColumnReport,
    HiddenReference,
    Inspection,
    Polymorphic,
    Reading,
    Reference,
    TableReport,
)
from migrate.introspect.profile.known_columns import known_columns
from migrate.introspect.profile.polymorphic import pairs, polymorphic_reference
from migrate.introspect.profile.references import Targets, declared_reference, likely_references
from migrate.introspect.profile.table_findings import Definition, Duplicates, Leftover
from migrate.introspect.profile.tables import TableShape, read_shapes
from migrate.introspect.profile.unused_tables import find_leftovers
from migrate.introspect.profile.vector_indexes import vector_indexes
from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.manifest import SnapshotFacts
from migrate.snapshot.take import take_snapshot
from migrate.source.model import Catalogue, Source

#: Called with the name of each table when its turn comes.
OnTable = Callable[[str], None]


def inspect_source(
    source: Source, folder: Path, settings: SourceSettings, on_table: OnTable = lambda _: None
) -> Inspection:
    """Return what a source holds, proven on a snapshot of it in `folder`.

    An existing snapshot is used. A new one stays in the folder, to be resumed or used again. Raises what
    `take_snapshot` raises, and StateMismatch if the disk is full.
    """
    facts = take_snapshot(source, folder, settings)
    return inspect_snapshot(facts, source.inspect(), on_table)


def inspect_snapshot(
    facts: SnapshotFacts, catalogue: Catalogue, on_table: OnTable = lambda _: None
) -> Inspection:
    """Return what a finished snapshot holds; `catalogue` is that of its source."""
    with tempfile.TemporaryDirectory(prefix="inspect-", dir=facts.path.parent) as scratch:
        database = InspectedDatabase(facts.path, Path(scratch) / "scratch.db")
        with database:
            return _Inspector(database, facts, catalogue, on_table).document()


class _Inspector:
    """One inspection of one snapshot."""

    def __init__(
        self, database: InspectedDatabase, facts: SnapshotFacts, catalogue: Catalogue, on_table: OnTable
    ) -> None:
        self._database, self._facts, self._catalogue = database, facts, catalogue
        self._on_table = on_table
        self._shapes = {shape.name: shape for shape in read_shapes(catalogue)}
        self._rows = {table.name: table.rows for table in facts.tables}
        self._columns: dict[str, dict[str, ColumnReport]] = {}

    def document(self) -> Inspection:
        """Inspect every table twice: first its columns, then its references to the keys of other tables."""
        shapes = list(self._shapes.values())
        leftovers, lookalikes = find_leftovers(self._database, shapes, self._rows, self._catalogue.left_out)
        unused = {leftover.name for leftover in leftovers}
        for shape in shapes:
            self._on_table(shape.name)
            self._columns[shape.name] = self._observe(shape)
        lived_in = [shape for shape in shapes if shape.name not in unused]
        readings: dict[tuple[str, str], Reading] = {
            (table, column.name): column.reading
            for table, columns in self._columns.items()
            for column in columns.values()
        }
        targets = Targets(lived_in, readings, self._rows)
        references = self._references(shapes, lived_in, targets, readings)
        hidden: list[HiddenReference] = []
        arms: list[Polymorphic] = []
        repeated: list[Duplicates] = []
        for shape in lived_in:
            self._on_table(shape.name)
            own = [reference for reference in references if reference.table == shape.name]
            referring = {column for one in own if not one.malformed for column in one.columns}
            for column in self._columns[shape.name].values():
                if column.name not in referring:
                    hidden += hidden_references(self._database, shape.name, column, targets)
            for pair in pairs(shape, self._shapes):
                found = polymorphic_reference(self._database, shape, pair, targets)
                arms += [found] if found else []
            repeated += duplicates(
                self._database, shape, self._columns[shape.name], [reference.columns for reference in own]
            )
        paired = {(one.table, one.id_column) for one in arms}
        return Inspection(
            version=VERSION,
            source=self._facts.source,
            snapshot_sha256=self._facts.sha256,
            sqlite_version=self._catalogue.version,
            tables=tuple(self._table(shape, leftovers) for shape in shapes),
            references=tuple(
                one for one in references if one.declared or (one.table, one.columns[0]) not in paired
            ),
            hidden_references=tuple(hidden),
            polymorphic=tuple(arms),
            duplicates=tuple(repeated),
            leftovers=leftovers,
            views=tuple(Definition(name, sql) for name, sql in self._catalogue.views),
            triggers=tuple(Definition(name, sql) for name, sql in self._catalogue.triggers),
            full_text=full_text_tables(self._catalogue.virtual),
            vector_indexes=vector_indexes(self._catalogue.indexes),
            lookalikes=lookalikes,
            rtrees=tuple(name for name, _ in self._catalogue.virtual if name in self._shapes),
            checks=tuple(
                check
                for shape in lived_in
                for check in check_constraints(self._database, shape.name, shape.sql)
            ),
        )

    def _observe(self, shape: TableShape) -> dict[str, ColumnReport]:
        known = known_columns(shape.name, [column.name for column in shape.columns])
        touched = touched_columns(shape.name, [sql for _, sql in self._catalogue.triggers])
        return {
            column.name: observe(
                self._database,
                shape.name,
                self._rows[shape.name],
                column,
                pure_key=shape.key == (column.name,),
                known=known.get(column.name),
                touched=column.name.lower() in touched,
            )
            for column in shape.columns
        }

    def _references(
        self,
        shapes: list[TableShape],
        lived_in: list[TableShape],
        targets: Targets,
        readings: dict[tuple[str, str], Reading],
    ) -> list[Reference]:
        found = [
            declared_reference(self._database, constraint, self._shapes)
            for shape in shapes
            for constraint in shape.constraints
        ]
        for shape in lived_in:
            found += likely_references(self._database, shape, targets, readings)
        return found

    def _table(self, shape: TableShape, leftovers: tuple[Leftover, ...]) -> TableReport:
        return TableReport(
            name=shape.name,
            rows=self._rows[shape.name],
            sql=shape.sql,
            key=shape.key,
            without_rowid=shape.without_rowid,
            autoincrement=shape.autoincrement,
            leftover=any(leftover.name == shape.name for leftover in leftovers),
            columns=tuple(self._columns[shape.name].values()),
            indexes=shape.indexes,
        )
