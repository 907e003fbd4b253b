"""References between tables: the declared ones, and those that only the application knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile import names
from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.inspection import Basis, Reading, Reference
from migrate.introspect.profile.tables import Constraint, TableShape
from migrate.source.sql import quote

#: Ids that no one can guess: their containment alone proves a reference.
UNGUESSABLE: Final = frozenset({"uuid", "cuid", "ulid"})
_IDS: Final = frozenset({
    "integer_id", "integer", "boolean", "closed_set", "uuid", "cuid", "ulid", "text", "mixed", "empty",
    "email", "timestamp",
})  # fmt: skip
#: The share of values that must be keys if the name says nothing, or is not the name of an id.
ALMOST_ALL: Final = 0.9
#: What parts the names of modules and classes.
_BETWEEN: Final = re.compile(r"[^\w-]+")


@dataclass(frozen=True)
class Target:
    """A table that can be referred to, and the column that identifies its rows."""

    table: str
    column: str
    reading: Reading
    rows: int

    @property
    def keys(self) -> str:
        """Return the query of all its keys."""
        column = quote(self.column)
        return f"SELECT {column} FROM {quote(self.table)} WHERE {column} IS NOT NULL"  # noqa: S608


class Targets:
    """The tables that can be referred to, and which names of columns mean which table."""

    def __init__(
        self,
        shapes: Sequence[TableShape],
        readings: Mapping[tuple[str, str], Reading],
        rows: Mapping[str, int],
    ) -> None:
        self.all = [
            Target(shape.name, shape.identity, readings[shape.name, shape.identity], rows[shape.name])
            for shape in shapes
            if shape.identity is not None
        ]
        self._by_table = {target.table: target for target in self.all}
        self._by_fold = {names.fold(target.table): target for target in reversed(self.all)}
        learned: dict[str, set[str]] = {}
        for shape in shapes:
            for constraint in shape.constraints:
                if _teaches(constraint, shape):
                    learned.setdefault(names.fold(constraint.columns[0]), set()).add(constraint.to_table)
        self._learned = {name: tables.pop() for name, tables in learned.items() if len(tables) == 1}

    def meant_by(self, column: str, table: str) -> list[Target]:
        """Return what a column's name may mean: as constraints elsewhere have it, else by its words.

        A name of a row above or before means one of the same table, unless a table is called so.
        """
        found = _paired(table, column, self._by_table)
        learned = self._learned.get(names.fold(column), "")
        if not found and learned in self._by_table:
            return [self._by_table[learned]]
        found = found or names.meant_tables(column, self._by_table, table)
        stem = set(names.words(column))
        if names.is_upward(column) or (stem & names.UPWARDS and names.is_id(column)):
            found = found or [table]
        found = found or [
            one.table
            for one in self.all
            if one.table != table and names.names_key(column, one.table, one.column)
        ]
        return [self._by_table[name] for name in found if name in self._by_table]

    def named(self, word: str) -> Target | None:
        """Return the table of that name, in any of its forms."""
        return self._by_fold.get(names.fold(word)) if names.words(word) else None

    def of_class(self, word: str) -> Target | None:
        """Return the table whose rows a class or a word in a column of types means.

        `App\\Models\\Post`, `api::article.article`, `blog.post` and `Admin::User` are read from their
        ends; the longest end that is a table's name wins, then one that a table's name ends with.
        """
        parts = [part for part in _BETWEEN.split(word) if part]
        for start in range(len(parts)):
            found = self.named("_".join(parts[start:]))
            if found is not None:
                return found
        longer = names.meant_tables(f"{parts[-1]}_id", self._by_table) if len(parts) > 1 else []
        return self._by_table[longer[0]] if len(longer) == 1 else None

    @property
    def unguessable(self) -> list[Target]:
        """Return the tables whose keys prove a reference just by occurring."""
        return [target for target in self.all if target.reading in UNGUESSABLE]

    @property
    def textual(self) -> list[Target]:
        """Return the tables whose keys are texts."""
        return [target for target in self.all if target.reading in {*UNGUESSABLE, "text", "closed_set"}]


def _teaches(constraint: Constraint, shape: TableShape) -> bool:
    """Return whether a constraint says what the name of its column means in other tables, too.

    That of a key says what this table is, and one to its own table nothing of others.
    """
    return (
        len(constraint.columns) == 1
        and not constraint.malformed
        and constraint.to_table != shape.name
        and constraint.columns != shape.key
        and constraint.columns[0].lower() not in ("id", "a", "b")
    )


def _paired(table: str, column: str, known: Mapping[str, Target]) -> list[str]:
    """Return the table that A or B of Prisma's `_AToB` means."""
    if names.is_id(column) or not names.is_id_in(table, column):
        return []
    parts = table[1:].split("To")
    ends = [("To".join(parts[:at]), "To".join(parts[at:])) for at in range(1, len(parts))]
    meant = {names.fold(first if column == "A" else second) for first, second in ends}
    return [name for name in sorted(known) if names.fold(name) in meant]


def declared_reference(
    database: InspectedDatabase, constraint: Constraint, known: Mapping[str, object]
) -> Reference:
    """Return a declared foreign key with its rows and those that dangle: all, where the table is missing.

    What is malformed names no row; none of its values is said to dangle.
    """
    source = quote(constraint.table)
    filled = " AND ".join(f"{quote(column)} IS NOT NULL" for column in constraint.columns)
    rows = database.number(f"SELECT count(*) FROM {source} WHERE {filled}")  # noqa: S608
    dangling = 0 if constraint.malformed else rows
    if rows and constraint.to_table in known and not constraint.malformed:
        here = ", ".join(map(quote, constraint.columns))
        there = ", ".join(map(quote, constraint.to_columns))
        present = " AND ".join(f"{quote(column)} IS NOT NULL" for column in constraint.to_columns)
        dangling = database.number(
            f"SELECT count(*) FROM {source} WHERE {filled} AND ({here}) NOT IN"  # noqa: S608
            f" (SELECT {there} FROM {quote(constraint.to_table)} WHERE {present})"
        )
    return Reference(
        constraint.table, constraint.columns, constraint.to_table, constraint.to_columns,
        declared=True, basis=None, on_delete=constraint.on_delete, on_update=constraint.on_update,
        rows=rows, dangling=dangling, malformed=constraint.malformed,
    )  # fmt: skip


def likely_references(
    database: InspectedDatabase,
    shape: TableShape,
    targets: Targets,
    readings: Mapping[tuple[str, str], Reading],
) -> list[Reference]:
    """Return the references of a table that no constraint declares.

    The name of an id that means a table is accepted if at least one value is a key there, or there is no
    value. Any other name is accepted if almost all values are keys. Without a matching name, only ids that no
    one can guess are accepted.
    """
    found = []
    for column in shape.columns:
        reading = readings[shape.name, column.name]
        if column.name in shape.constrained or reading not in _IDS:
            continue
        reference = _likely(database, shape, column.name, reading, targets)
        if reference is not None:
            found.append(reference)
    return found


def _likely(
    database: InspectedDatabase, shape: TableShape, column: str, reading: Reading, targets: Targets
) -> Reference | None:
    best: Reference | None = None
    for meant in targets.meant_by(column, shape.name):
        if (meant.table, meant.column) == (shape.name, column):
            continue
        rows, dangling = contained(database, shape.name, column, meant)
        if rows == 0 and names.is_id_in(shape.name, column):
            return _reference(shape.name, column, meant, "name", 0, 0)
        if rows and rows - dangling >= _needed(shape.name, column, meant, reading, rows):
            found = _reference(shape.name, column, meant, "name and values", rows, dangling)
            best = found if best is None or dangling < best.dangling else best
    if best is not None:
        return best
    if reading in UNGUESSABLE or (reading == "text" and names.is_id(column) and column != shape.identity):
        return _by_values(database, shape, column, targets)
    return None


def _by_values(
    database: InspectedDatabase, shape: TableShape, column: str, targets: Targets
) -> Reference | None:
    best: Reference | None = None
    for target in targets.textual:
        if target.table == shape.name and column in (target.column, shape.identity):
            continue
        rows, dangling = contained(database, shape.name, column, target)
        fits = rows and rows - dangling >= rows * (0.5 if target.reading in UNGUESSABLE else ALMOST_ALL)
        if fits and (best is None or dangling < best.dangling):
            best = _reference(shape.name, column, target, "values", rows, dangling)
    return best


def contained(
    database: InspectedDatabase, table: str, column: str, target: Target, where: str = "1"
) -> tuple[int, int]:
    """Return how many cells hold a value, and how many of these are not keys of the target."""
    name = quote(column)
    rows, dangling = database.row(
        f"SELECT count(*), coalesce(sum({name} NOT IN ({target.keys})), 0) FROM {quote(table)}"  # noqa: S608
        f" WHERE {name} IS NOT NULL AND {name} <> '' AND {where}"
    )
    return int(rows), int(dangling)


def _needed(table: str, column: str, target: Target, reading: Reading, rows: int) -> float:
    """Return how many of the values must be keys, for what the column's name says."""
    last = names.words(column)[-1]
    if names.is_id_in(table, column):
        return rows if last in ("ids", "refs") else 1  # in a list of ids, a single one may be a key
    if names.is_upward(column):
        return rows
    if names.names_key(column, target.table, target.column):
        return max(1, rows * ALMOST_ALL)
    # In a column with the name of a table, a number may count its rows, or mean yes and no, as well as
    # identify one.
    if names.is_of_people(target.table) and last == names.singular(last) and not names.suggests_count(column):
        return rows + 1 if reading == "boolean" and last != "by" else rows / 2
    called_so = last == names.singular(last) and names.fold(column) == names.fold(target.table)
    if reading == "integer" and called_so and not names.suggests_count(column):
        return rows
    number = reading in ("integer", "boolean", "timestamp", "mixed")
    return rows + 1 if number else max(1, rows * ALMOST_ALL)


def _reference(table: str, column: str, target: Target, basis: Basis, rows: int, dangling: int) -> Reference:
    return Reference(
        table, (column,), target.table, (target.column,),
        declared=False, basis=basis, on_delete=None, on_update=None, rows=rows, dangling=dangling,
    )  # fmt: skip
