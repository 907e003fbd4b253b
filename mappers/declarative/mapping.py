"""The whole mapping that a mapping file describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from mappers.base import (
    COLUMN_REPORT,
    Breakdown,
    Cells,
    HiddenIds,
    Lineage,
    Mapper,
    MapperStage,
    MappingSpec,
    RowAccounting,
    Workspace,
)
from mappers.declarative.cell_counts import cells_of
from mappers.declarative.derived_value import is_derived
from mappers.declarative.embedded_ids import described
from mappers.declarative.list_rows import ListRows, list_targets
from mappers.declarative.mapping_file import MappingFile
from mappers.declarative.placeholders import Placeholders, constant_for
from mappers.declarative.references import References
from mappers.declarative.resolve_rows import RowResolver
from mappers.declarative.rounded_counts import count_masked, count_rounded
from mappers.declarative.row_accounts import by_mapping
from mappers.declarative.source_table import SourceTable, made_from, source_tables
from mappers.declarative.table_mapper import TableMapper
from mappers.declarative.table_order import in_order, stage_name
from mappers.declarative.target_columns import TargetColumn
from mappers.filled_counts import count_filled
from mappers.reasons import Reason

_LEFT: str = "SELECT name FROM x.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' LIMIT 1"


def describe_mapping(mapping: MappingFile) -> MappingSpec:
    """Return what the file alone says, whatever the source holds."""
    ordered = in_order(mapping)
    tables = source_tables(mapping, {name: list(mapping.tables[name].columns) for name in ordered}, {})
    references = References(tables)
    roots = {name: references.root(table) for name, table in tables.items()}
    targets = {name: tables[name].target for name in ordered}
    entities = tuple(target for name, target in targets.items() if roots[name].entity == target)
    hidden = any(True for table in tables.values() for _ in described(table, references))
    of_lists = [target for name in ordered for target in list_targets(mapping, name)]
    return MappingSpec(
        stages=tuple(stage_name(target) for target in (*targets.values(), *of_lists)),
        tables_filled=tuple(dict.fromkeys((*targets.values(), *of_lists))),
        entities=entities,
        id_map={entity: (entity,) for entity in entities},
        checks=("cells", "keys_mapped", *(("hidden_ids",) if hidden else ()), "keyless"),
        derived=tuple(
            dict.fromkeys(
                [*(target for name, target in targets.items() if name in references.made_up), *of_lists]
            )
        ),
        legacy_keys=tuple(target for name, target in targets.items() if roots[name].entity is None),
    )


class DeclarativeMapping:
    """Implements `mappers.base.BoundMapping` for any source.

    `tables`: the snapshot's tables and their columns, as `Workspace.tables` returns them: a plain
    mapping knows of no index and of no table without rowid. `target`: the columns of the target's tables.
    """

    #: source tables that the configuration leaves out although the file maps them
    wanted: tuple[str, ...] = ()
    breakdown: Breakdown | None = None

    def __init__(
        self,
        mapping: MappingFile,
        tables: Mapping[str, Sequence[str]],
        *,
        target: Mapping[str, Sequence[TargetColumn]] | None = None,
    ) -> None:
        self.mapping = mapping
        self._sources = tables
        self._target = target or {}
        ordered = in_order(mapping)
        found = source_tables(mapping, tables, self._target)
        self._tables = {name: found[name] for name in ordered if name in found}
        self._references = References(self._tables)
        self._rows = {
            name: TableMapper(table, self._references, self._constants(table))
            for name, table in self._tables.items()
        }
        self.stages: tuple[MapperStage, ...] = (
            *(self._stage(name) for name in ordered),
            *(stage for name in ordered for stage in self._stages_of_lists(name)),
        )
        self.accounts: tuple[RowAccounting, ...] = by_mapping(self._tables, self._references)
        self.hidden: tuple[HiddenIds, ...] = tuple(
            place for table in self._tables.values() for place in described(table, self._references)
        )
        self.cells: tuple[Cells, ...] = tuple(cells_of(table) for table in self._tables.values())
        self.left_out: Mapping[str, str] = {
            name: table.left_out for name, table in mapping.tables.items() if table.left_out is not None
        }
        self.chosen: Mapping[str, str] = {
            name: table.where for name, table in mapping.tables.items() if table.where is not None
        }
        self.unknown: tuple[str, ...] = tuple(name for name in tables if name not in mapping.tables)

    def _constants(self, table: SourceTable) -> dict[str, Any]:
        columns = {column.name: column for column in self._target.get(table.target, ())}
        return {
            name: constant_for(value, columns[name]) if name in columns else value
            for name, value in table.mapping.constants.items()
        }

    def _stage(self, name: str) -> MapperStage:
        target = self.mapping.tables[name].target
        assert target is not None
        if name not in self._tables:
            return MapperStage(stage_name(target), ())
        table = self._tables[name]
        mappers: list[Mapper] = [self._rows[name]]
        if name in self._references.made_up:
            columns = tuple(self._target.get(table.target, ()))
            mappers.append(Placeholders(table, self._references, columns, self._constants(table)))
        return MapperStage(stage_name(target), tuple(mappers))

    def _stages_of_lists(self, name: str) -> Iterator[MapperStage]:
        """Yield the stages of the tables that the lists of a table fill, after those of all tables."""
        table = self._tables.get(name)
        lists = {str(line.mapping.to_table): line for line in table.lists} if table is not None else {}
        for target in list_targets(self.mapping, name):
            mappers: tuple[Mapper, ...] = ()
            if table is not None and target in lists:
                mappers = (ListRows(table, lists[target], self._references, self._target),)
            yield MapperStage(stage_name(target), mappers)

    def prepare(self, workspace: Workspace) -> None:
        """Build the crosswalk again: which rows are rejected, merged or added because of others."""
        while (left := workspace.scalar(_LEFT)) is not None:
            workspace.execute(f'DROP TABLE x."{left}"')
        RowResolver(self._tables, self._references, self._rows).resolve(workspace)

    def counted(self, workspace: Workspace) -> list[tuple[str, str, str, int]]:
        """Return what is changed in whole columns, so only counted: timestamps rounded, texts masked."""
        return [
            (name, column, reason.value, cells)
            for name, table in self._tables.items()
            for reason, counts in (
                (Reason.ROUNDED_TO_MILLISECONDS, count_rounded(workspace, table)),
                (Reason.MASKED, count_masked(workspace, table)),
            )
            for column, cells in counts
        ]

    def lineage(self) -> Lineage:
        """Return the target of every source column, and what constants fill."""
        went_to = {
            (name, column): self._went(name, column)
            for name, columns in self._sources.items()
            for column in columns
        }
        written = {
            (table.target, column)
            for table in self._tables.values()
            for column in (
                *(line.to.name for line in table.lines),
                *table.mapping.constants,
                *table.mapping.placeholder,
            )
        }
        written |= {
            (str(line.mapping.to_table), column)
            for table in self._tables.values()
            for line in table.lists
            for column in (str(line.mapping.to), str(line.mapping.row))
        }
        names = {
            (name, column)
            for name, table in self._tables.items()
            for column in (*table.key, *(table.where.reads if table.where else ()))
        }
        return Lineage(went_to, frozenset(written), frozenset(names))

    def column_report(self, workspace: Workspace) -> pl.DataFrame:
        """Return the target of every source column; `not_in_the_mapping` if the file does not name it."""
        lines = [
            (name, column, None, self._went(name, column), filled)
            for name, columns in self._sources.items()
            for column, filled in count_filled(workspace, name, tuple(columns)).items()
        ]
        return pl.DataFrame(lines, schema=dict(COLUMN_REPORT), orient="row")

    def _went(self, table: str, column: str) -> str:
        mapping = self.mapping.tables.get(table)
        if mapping is None:
            return f"dropped:{Reason.NOT_IN_THE_MAPPING}"
        if mapping.target is None:
            return f"dropped:{mapping.left_out}"
        line = mapping.columns.get(column)
        found = self._tables.get(table)
        went = [f"{mapping.target}.{to}" for to in made_from(found, column)] if found else []
        if line is not None and line.to and not is_derived(line):
            went.insert(0, f"{line.to_table or mapping.target}.{line.to}")
        if went:
            return ", ".join(dict.fromkeys(went))
        return f"dropped:{line.drop if line and line.drop else Reason.NOT_IN_THE_MAPPING}"
