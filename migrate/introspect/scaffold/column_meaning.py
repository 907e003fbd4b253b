"""The meaning of every column of a source: what it refers to, its values, its type in the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from migrate.introspect.profile import declared_type, names
from migrate.introspect.profile.inspection import HiddenReference, Inspection, Polymorphic, PolymorphicArm
from migrate.introspect.scaffold.choices.choices import OPEN, Choices
from migrate.introspect.scaffold.choices.chosen_types import choose_by_line
from migrate.introspect.scaffold.enums import enum_of
from migrate.introspect.scaffold.links import Links
from migrate.introspect.scaffold.model import Type
from migrate.introspect.scaffold.types.choose_type import choose
from migrate.introspect.scaffold.types.shape_fit import unit_of
from migrate.introspect.scaffold.types.type_choice import Choice

#: How ids are read that are numbers.
_NUMBERS: Final = ("integer_id", "integer", "boolean")


@dataclass(frozen=True)
class Meaning:
    """The meaning of the columns of all tables; `enums` names an enum for each column that gets one."""

    inspection: Inspection
    links: Links
    enums: Mapping[tuple[str, str], str]
    choices: Choices = OPEN

    def choice(self, table: str, column: str) -> Choice:
        """Return how a column's own values are read, without references."""
        report = self.inspection.table(table).column(column)
        line = self.choices.line(table, column)
        if line is not None and line.kind not in ("id", "reference", "references"):
            return choose_by_line(
                report, line, self._usual(table, column), self.enums.get((table, column), "")
            )
        if (table, column) in self.enums:
            return enum_of(report, self.enums[table, column])
        return self._usual(table, column)

    def _usual(self, table: str, column: str) -> Choice:
        """Return how a column's own values are read if nothing else is decided."""
        parent = self._parent(table, column)
        if parent is not None:
            return self.choice(*parent)
        report = self.inspection.table(table).column(column)
        return choose(
            report,
            key=column in self.links.keys[table].columns,
            refers=(table, column) in self._constrained,
            unit=self._unit(table),
        )

    def _parent(self, table: str, column: str) -> tuple[str, str] | None:
        """Return the column that one of a declared reference names, if no new id takes its place."""
        found = self._parents.get((table, column))
        return found if found is not None and found[0] in self.links.keys else None

    @cached_property
    def _constrained(self) -> frozenset[tuple[str, str]]:
        """The columns of all declared references, those that could not be carried as well."""
        return frozenset(
            (one.table, column)
            for one in self.inspection.references
            if one.declared
            for column in one.columns
        )

    @cached_property
    def _parents(self) -> dict[tuple[str, str], tuple[str, str]]:
        """The column that each of a declared reference names in the end; none in circles."""
        ends = {
            (one.table, column): (one.to_table, to)
            for one in self.inspection.references
            if one.declared and len(one.columns) == len(one.to_columns)
            for column, to in zip(one.columns, one.to_columns, strict=True)
            if self._has(one.to_table, to)
        }
        roots = {}
        for start, end in ends.items():
            passed = {start}
            while end in ends and end not in passed:
                passed.add(end)
                end = ends[end]
            if end not in passed:
                roots[start] = end
        return roots

    def _has(self, table: str, column: str) -> bool:
        return any(
            one.name == table and any(part.name == column for part in one.columns)
            for one in self.inspection.tables
        )

    def _unit(self, table: str) -> str | None:
        """Return the unit of the numbers that are instants in a table; if it has none, in all tables."""
        return self._units.get(table) or self._units.get("")

    @cached_property
    def _units(self) -> dict[str, str]:
        """The unit that most columns of a table have, and of all tables ('')."""
        found: dict[str, Counter[str]] = {"": Counter()}
        for table in self.inspection.tables:
            for column in table.columns:
                if column.reading == "timestamp" and column.classes.integers and not table.leftover:
                    for name in ("", table.name):
                        found.setdefault(name, Counter())[unit_of(column)] += 1
        return {
            name: min(units, key=lambda unit: (-units[unit], unit)) for name, units in found.items() if units
        }

    def type(self, table: str, column: str) -> Type:
        """Return the type of a column in the target: a reference has the type of the key it refers to."""
        link = self.links.link(table, column)
        while link is not None:
            table, column = link.to, self.links.keys[link.to].columns[0]
            link = self.links.link(table, column)
        key = self.links.keys[table]
        if key.columns == (column,) and key.ids == "cuid":
            return Type()
        line = self.choices.line(table, column)
        if line is None and (self.followed_pair(table, column) or self.lists(table, column)):
            return Type()
        if line is not None and line.kind in ("reference", "references"):
            return Type()
        return self.choice(table, column).type

    def followed_pair(self, table: str, column: str) -> Polymorphic | None:
        """Return the pair whose id a column is, if one of its types names a table with new ids."""
        for pair in self.inspection.polymorphic:
            if (pair.table, pair.id_column) == (table, column) and self.arms(pair):
                return pair
        return None

    def strays(self, pair: Polymorphic) -> list[PolymorphicArm]:
        """Return the types of a pair whose ids are left as they are."""
        followed = self.arms(pair)
        return [arm for arm in pair.arms if arm.value is None or arm.value not in followed]

    def arms(self, pair: Polymorphic) -> dict[str, str]:
        """Return the tables that a pair's types name; none if all of them keep their ids."""
        found = {}
        for arm in pair.arms:
            table = arm.to_table
            if arm.value is not None and table is not None and self._keyed(table, arm.to_column):
                found[arm.value] = table
        return found if any(self.links.renewed(table) for table in found.values()) else {}

    def unfollowed(self, table: str, column: str) -> str | None:
        """Return what is said of a column whose values may be legacy ids and that follows no table.

        That is one that refers to a table with new ids, or that reads as an integer id while any table
        has new ids; None for every other.
        """
        key = self.links.keys[table]
        if key.columns == (column,) or self.links.link(table, column) is not None:
            return None
        if any(one.table == table and column in one.columns for one in self.links.relations):
            return None  # a part of a reference of several columns
        likely = [
            one.to_table
            for one in self.inspection.references
            if (one.table, one.columns) == (table, (column,))
            and len(one.to_columns) == 1
            and self._keyed(one.to_table, one.to_columns[0])
            and self.links.renewed(one.to_table)
        ]
        if likely:
            return f"perhaps ids of {likely[0]}, left as they are"
        report = self.inspection.table(table).column(column)
        whole = report.reading in _NUMBERS or (
            report.reading == "empty" and declared_type.family(report.declared) == "integer"
        )
        named = names.is_id_in(table, column) or names.words(column)[-1:] == ("by",)
        # A table without a key gets one, but it had no ids that a column could hold.
        if (
            whole
            and named
            and any(key.columns and self.links.renewed(one) for one, key in self.links.keys.items())
        ):
            return "reads as an id and refers to no table that was found: left as it is"
        return None

    def lists(self, table: str, column: str) -> HiddenReference | None:
        """Return the reference in a list of ids, if they are new in the target and surely are ids."""
        found = [
            one
            for one in self.hidden(table, column)
            if one.place == "list"
            and self._new(one)
            and (one.basis == "name and values" or self._textual(one))
        ]
        return found[0] if found else None

    def documents(self, table: str, column: str) -> list[HiddenReference]:
        """Return the paths of ids in JSON that are new in the target and surely are ids.

        Surely means that their key in the JSON says so (`userId`), or the cell is a bare list in a column
        that is named after the table. A number that is a key only by chance, such as a position, must never
        be replaced by another.
        """
        return [one for one in self.likely_documents(table, column) if _name_confirms(one)]

    def likely_documents(self, table: str, column: str) -> list[HiddenReference]:
        """Return the paths in JSON whose values are keys of a table with new ids, maybe by chance."""
        return [one for one in self.hidden(table, column) if one.place == "json" and self._new(one)]

    def hidden(self, table: str, column: str) -> list[HiddenReference]:
        """Return the references inside the cells of a column."""
        return [
            one for one in self.inspection.hidden_references if (one.table, one.column) == (table, column)
        ]

    def _textual(self, one: HiddenReference) -> bool:
        return self.inspection.table(one.to_table).column(one.to_column).reading not in _NUMBERS

    def _new(self, one: HiddenReference) -> bool:
        return self._keyed(one.to_table, one.to_column) and self.links.renewed(one.to_table)

    def _keyed(self, table: str, column: str | None) -> bool:
        return table in self.links.keys and self.links.keys[table].columns == (column,)


def _name_confirms(one: HiddenReference) -> bool:
    if one.basis != "name and values" or one.by:
        return False
    named = [part for part in one.path.replace("[*]", "").split(".")[1:] if part != "*"]
    return names.is_id(named[-1]) if named else True
