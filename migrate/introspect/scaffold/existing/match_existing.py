"""Matches source tables to the tables of an existing target, and columns to columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mappers.mistakes import near
from migrate.introspect.profile.inspection import Inspection, TableReport
from migrate.introspect.profile.names import fold
from migrate.introspect.scaffold.choices.wishes import Wishes
from migrate.introspect.scaffold.existing.between_models import Between, find_between
from migrate.introspect.scaffold.existing.column_pairs import pair, pair_columns
from migrate.introspect.scaffold.existing.pair_models import find_alike
from migrate.postgres.catalog import Column, LiveSchema, Table
from migrate.runtime.errors import UsageError

#: Prisma's own table, which is never written.
PRISMA: Final = "_prisma_migrations"


@dataclass(frozen=True)
class Match:
    """A source table and its target table; `columns` maps source columns to target columns.

    `alike` are the columns for which they are taken for the same table, if not for their names; `ends` the
    two columns of a table between two others, which name its rows.
    """

    source: TableReport
    target: Table
    columns: Mapping[str, Column]
    alike: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    @property
    def free(self) -> tuple[Column, ...]:
        """Return the target's columns that rows can be written to and that match no source column."""
        taken = {column.name for column in self.columns.values()}
        return tuple(
            column for column in self.target.columns if not (column.generated or column.name in taken)
        )


@dataclass(frozen=True)
class Matches:
    """The match of each source table that has one, and for some others the target tables they are like."""

    found: Mapping[str, Match]
    doubtful: Mapping[str, Sequence[str]]


def match_tables(inspection: Inspection, live: LiveSchema, wishes: Wishes) -> Matches:
    """Return the target table of each source table that has one: left-over tables have none.

    Names count first, then columns and values, which `find_alike` compares. Raises UsageError if the target
    has no table or column of a name that `wishes` give.
    """
    tables = {table.name: table for table in inspection.tables if wishes.takes(table)}
    targets = {name: table for name, table in live.tables.items() if name != PRISMA}
    named = {source: _meant("--rename", name, targets) for source, name in wishes.tables.items()}
    free = [name for name in targets if name not in named.values()]
    named |= pair([name for name in tables if name not in named], free)
    alike, doubtful = find_alike(
        {name: table for name, table in tables.items() if name not in named},
        {name: table for name, table in targets.items() if name not in named.values()},
    )
    pairs = named | {source: one.target for source, one in alike.items()}
    found = {
        source: match_columns(tables[source], targets[name], wishes)
        for source, name in pairs.items()
        if source in tables
    }
    for source, one in alike.items():
        found[source] = replace(found[source], alike=one.columns)
    left = {name: table for name, table in tables.items() if name not in found}
    open_ = {name: table for name, table in targets.items() if name not in pairs.values()}
    for between in find_between(left, open_, pairs, inspection, live):
        found[between.source] = _joined(between, tables[between.source], targets[between.target])
    doubtful = {name: meant for name, meant in doubtful.items() if name not in found}
    return Matches(_with_references(found, inspection, live), doubtful)


def _joined(between: Between, source: TableReport, target: Table) -> Match:
    """Return the match of two tables between others; without another key its ends name the rows."""
    known = {column.name: column for column in target.columns}
    columns = {column: known[name] for column, name in between.columns.items()}
    to = {between.columns[column] for column in between.ends}
    return Match(source, target, columns, ends=between.ends if set(target.primary_key) <= to else ())


def match_columns(source: TableReport, target: Table, wishes: Wishes) -> Match:
    """Return the match of two tables; a key of one column matches the other's, whatever its name."""
    known = {column.name: column for column in target.columns if not column.generated}
    found = {
        column: _meant(f"--rename {source.name}.{column}", name, known)
        for (table, column), name in wishes.columns.items()
        if table == source.name
    }
    for column, name in pair_columns(source, target).items():
        if column not in found and name not in found.values():
            found[column] = name
    if len(source.key) == 1 and len(target.primary_key) == 1:
        key, to = source.key[0], target.primary_key[0]
        plain = [column.name for column in source.columns if not column.generated]
        if key not in found and to not in found.values() and key in plain:
            found[key] = to
    return Match(source, target, {column: known[name] for column, name in found.items()})


def _with_references(
    found: Mapping[str, Match], inspection: Inspection, live: LiveSchema
) -> dict[str, Match]:
    """Return the matches with the references whose columns have other names: `team_id`, `workspaceId`.

    A table's only reference to another goes to the only foreign key between the tables that they became.
    """
    return {
        name: replace(match, columns={**match.columns, **dict(_references(match, found, inspection, live))})
        for name, match in found.items()
    }


def _references(
    match: Match, found: Mapping[str, Match], inspection: Inspection, live: LiveSchema
) -> Iterator[tuple[str, Column]]:
    free = {column.name: column for column in match.free}
    for name, parent in found.items():
        columns = {
            one.columns[0]
            for one in inspection.references
            if (one.table, one.to_table, len(one.columns)) == (match.source.name, name, 1)
            and one.columns[0] not in match.columns
        }
        keys = {
            key.columns[0]
            for key in live.foreign_keys
            if (key.schema, key.table, key.ref_table) == (live.schema, match.target.name, parent.target.name)
            and len(key.columns) == 1
            and key.columns[0] in free
        }
        if len(columns) == len(keys) == 1:
            yield columns.pop(), free[keys.pop()]


def _meant(option: str, name: str, known: Mapping[str, object]) -> str:
    """Return the target's name for one that is typed. Raises UsageError if it has none."""
    if name in known:
        return name
    alike = [one for one in known if fold(one) == fold(name)]
    if len(alike) != 1:
        raise UsageError(f"{option}: the target has no {name}{near(name, known)}")
    return alike[0]
