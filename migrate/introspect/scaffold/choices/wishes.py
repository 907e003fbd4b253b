"""What a person decides about a first draft by options: keys, names, tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mappers.declarative.mapping_columns import IdStrategy
from mappers.mistakes import near
from migrate.introspect.profile.inspection import Inspection, TableReport
from migrate.runtime.errors import UsageError

_IDS: Final[Mapping[str, IdStrategy]] = {"keep": "keep", "cuid": "cuid"}
#: Why a table is left out, in its section.
LEFT_OUT: Final = "left out by --leave-out"
NOT_ONLY: Final = "not named by --only"


@dataclass(frozen=True)
class Wishes:
    """The decisions, by the source's names; without them everything is open.

    `ids` by table, with '' for every other one; `columns` are new names by table and column.
    """

    ids: Mapping[str, IdStrategy] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()

    def takes(self, table: TableReport) -> bool:
        """Return whether a table is migrated: a left-over one only if it is named."""
        if table.name in self.left_out:
            return False
        if self.only:
            return table.name in self.only
        return not table.leftover or table.name in self.tables

    def why_not(self, name: str) -> str | None:
        """Return why a table is left out, None if nothing here says so."""
        if name in self.left_out:
            return LEFT_OUT
        return NOT_ONLY if self.only and name not in self.only else None

    def keeps(self, name: str) -> bool:
        """Return whether a table keeps the integers of its key."""
        return self.ids.get(name, self.ids.get("", "cuid")) == "keep"


def read_wishes(
    inspection: Inspection,
    ids: Sequence[str] = (),
    renames: Sequence[str] = (),
    left_out: Sequence[str] = (),
    only: Sequence[str] = (),
) -> Wishes:
    """Return the decisions as they are typed.

    `ids` are `keep`, `cuid` or `TABLE=keep`, `renames` are `OLD=New` or `TABLE.COLUMN=new`. Raises
    UsageError if one of them names no table or column of the source, or two tables get one name.
    """
    reader = _Reader(inspection)
    strategies = dict(reader.strategy(one) for one in ids)
    tables: dict[str, str] = {}
    columns: dict[tuple[str, str], str] = {}
    for one in renames:
        (table, column), new = reader.rename(one)
        if column:
            columns[table, column] = new
        else:
            if new in tables.values():
                raise UsageError(f"--rename gives two tables the name {new}")
            tables[table] = new
    found = Wishes(
        strategies,
        tables,
        columns,
        frozenset(reader.table("--leave-out", one) for one in left_out),
        frozenset(reader.table("--only", one) for one in only),
    )
    for name in sorted(found.left_out & (found.only | tables.keys() | strategies.keys())):
        raise UsageError(f"{name} is left out by --leave-out, but another option names it")
    return found


class _Reader:
    """Reads options that name tables and columns of a source."""

    def __init__(self, inspection: Inspection) -> None:
        self._tables = {table.name: table for table in inspection.tables}

    def table(self, option: str, name: str) -> str:
        """Return the name of a table. Raises UsageError if there is none of that name."""
        if name not in self._tables:
            raise UsageError(f"{option}: the source has no table {name}{near(name, self._tables)}")
        return name

    def strategy(self, given: str) -> tuple[str, IdStrategy]:
        """Return a table ('' for all others) and what happens to its key."""
        name, equals, word = given.rpartition("=")
        if word not in _IDS:
            raise UsageError(f"--ids {given}: write keep, cuid, or TABLE=keep{near(word, _IDS)}")
        return self.table("--ids", name) if equals else "", _IDS[word]

    def rename(self, given: str) -> tuple[tuple[str, str], str]:
        """Return a table and, unless the table itself is meant, its column, with the new name."""
        old, equals, new = given.rpartition("=")
        if not (equals and old and new):
            raise UsageError(f"--rename {given}: write OLD=New or TABLE.COLUMN=new")
        if old in self._tables:
            return (old, ""), new
        name, column = self._split(old)
        if name is None:
            return (self.table("--rename", old), ""), new
        columns = [one.name for one in self._tables[name].columns]
        if column not in columns:
            raise UsageError(f"--rename: {name} has no column {column}{near(column, columns)}")
        return (name, column), new

    def _split(self, old: str) -> tuple[str | None, str]:
        """Return table and column of `TABLE.COLUMN`, whose names may have dots themselves."""
        return max(_splits(old, self._tables), key=lambda one: len(one[0]), default=(None, ""))


def _splits(old: str, tables: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, old[len(name) + 1 :]) for name in tables if old.startswith(f"{name}.")]
