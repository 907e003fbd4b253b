"""Pairs of columns: one names a table, the other a row of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile import names
from migrate.introspect.profile.columns import is_word
from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.inspection import Polymorphic, PolymorphicArm
from migrate.introspect.profile.references import ALMOST_ALL, UNGUESSABLE, Target, Targets, contained
from migrate.introspect.profile.tables import Constraint, TableShape
from migrate.source.sql import quote

#: A column that names tables names at most this many.
MOST_ARMS: Final = 50
_TYPE_WORDS: Final = frozenset(
    {"type", "kind", "table", "entity", "model", "class", "collection", "resource"}
)
#: What a column that names any table, and one that names any row, are called.
_ANY_TABLE: Final = frozenset({*_TYPE_WORDS, "object", "record", "target", "subject"})
_ANY_ROW: Final = frozenset({
    "item", "object", "record", "row", "entity", "target", "subject", "foreign", "resource", "model",
})  # fmt: skip
#: Strapi's `cmp_id` belongs to its `component_type`.
_SHORT: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {("cmp",): ("component",)}
_NAME_WORDS: Final = frozenset({"name", "type", "kind"})
_KEY_WORDS: Final = frozenset({"id", "key", "pk", "uuid", "ref"})
_CLASS: Final = re.compile(r"\w+(?:(?:\\|::)[\w.-]+)+", re.ASCII)
#: Django keeps the names of its tables in a table of this form.
_DJANGO: Final = ("app_label", "model")


@dataclass(frozen=True)
class Pair:
    """Two columns; `catalogue` is the constraint to Django's table of types if the type is a row of it."""

    kind: str
    ident: str
    catalogue: Constraint | None = None


@dataclass(frozen=True)
class _Word:
    """One value of a type column: as it stands there, what it says, the rows that have it."""

    stored: str
    meaning: str
    rows: int


def pairs(shape: TableShape, shapes: dict[str, TableShape]) -> list[Pair]:
    """Return the pairs such as `item_type` and `item_id`, whose id no constraint holds.

    Columns of the same stem belong together; else one that names any table (`collection`) and the only
    one that names any row (`item`, `record_id`).
    """
    free = [column.name for column in shape.columns if column.name not in shape.constrained]
    ids = {stem: name for name in free if (stem := _row_stem(name))}
    found, taken = [], set[str]()
    kinds = [*_kinds(shape, free, shapes), *((name, names.words(name), None) for name in free)]
    for kind, stem, catalogue in kinds:
        ident = ids.get(stem)
        if ident is None and (catalogue or not stem or set(stem) <= _ANY_TABLE):
            generic = [name for of, name in ids.items() if set(of) <= _ANY_ROW]
            ident = generic[0] if len(generic) == 1 else None
        if ident is not None and ident != kind and ident not in taken:
            taken.add(ident)
            found.append(Pair(kind, ident, catalogue))
    return found


def _row_stem(column: str) -> tuple[str, ...]:
    """Return what a column names a row of: its words without `id`; () if it names none."""
    found = names.words(column)
    if len(found) > 1 and found[-1] in _KEY_WORDS:
        return _SHORT.get(found[:-1], found[:-1])
    return found if found == ("item",) else ()


def _kinds(
    shape: TableShape, free: list[str], shapes: dict[str, TableShape]
) -> Iterator[tuple[str, tuple[str, ...], Constraint | None]]:
    """Yield the columns that may name tables, each with the stem of the id that belongs to it."""
    for constraint in shape.constraints:
        parent = shapes.get(constraint.to_table)
        if parent is not None and {column.name for column in parent.columns} >= set(_DJANGO):
            found = names.words(constraint.columns[0])
            if len(constraint.columns) == 1 and not constraint.malformed:
                yield constraint.columns[0], (*found[: -len(("content", "type", "id"))], "object"), constraint
    for column in free:
        found = names.words(column)
        if len(found) > 1 and found[-1] in _TYPE_WORDS:
            yield column, found[:-1], None
        elif len(found) > 1 and found[-1] == "name" and found[-2] in _TYPE_WORDS:
            yield column, found[:-1] if len(found) == 2 else found[:-2], None
        elif len(found) == 1 and found[0] in _ANY_TABLE:
            yield column, found, None


def polymorphic_reference(
    database: InspectedDatabase,
    shape: TableShape,
    pair: Pair,
    targets: Targets,
) -> Polymorphic | None:
    """Return what a pair refers to, arm by arm; None if no type names a table that holds its ids.

    An id that means a table by its own name is one of a pair only if the types name others.
    """
    words = _words(database, shape.name, pair)
    if not words or len(words) > MOST_ARMS:
        return None
    meant = targets.meant_by(pair.ident, shape.name)
    arms = []
    for word in words:
        target, dangling = _arm(database, shape.name, pair, word, targets, exact=bool(meant))
        known = target is not None or pair.catalogue is not None or _may_be_shown(word.meaning)
        arms.append(
            PolymorphicArm(
                value=word.stored if known else None,
                to_table=target.table if target else None,
                to_column=target.column if target else None,
                rows=word.rows,
                dangling=dangling if target else 0,
            )
        )
    named = {arm.to_table for arm in arms if arm.to_table}
    if named <= {target.table for target in meant}:
        return None
    return Polymorphic(shape.name, pair.kind, pair.ident, tuple(arms))


def _may_be_shown(word: str) -> bool:
    """Return whether a type is a word of the application, or the path of a class, and no name of a person."""
    return is_word(word, known=True) or _CLASS.fullmatch(word) is not None


def _words(database: InspectedDatabase, table: str, pair: Pair) -> list[_Word]:
    """Return the types of a pair in the order of their values; of no more than can be arms."""
    kind, ident, name = quote(pair.kind), quote(pair.ident), quote(table)
    where = f"t.{ident} IS NOT NULL AND t.{ident} <> ''"
    if pair.catalogue is not None:
        there, key = quote(pair.catalogue.to_table), quote(pair.catalogue.to_columns[0])
        listed = database.rows(
            f"SELECT CAST(t.{kind} AS TEXT), c.app_label || '.' || c.model, count(*) FROM {name} t"  # noqa: S608
            f" JOIN {there} c ON c.{key} = t.{kind} WHERE {where} GROUP BY 1, 2 ORDER BY 1"
            f" LIMIT {MOST_ARMS + 1}"
        )
    else:
        listed = database.rows(
            f"SELECT CAST(t.{kind} AS TEXT), CAST(t.{kind} AS TEXT), count(*) FROM {name} t WHERE {where}"  # noqa: S608
            f" AND typeof(t.{kind}) IN ('text', 'integer') GROUP BY 1 ORDER BY 1 LIMIT {MOST_ARMS + 1}"
        )
    return [_Word(stored, meaning, rows) for stored, meaning, rows in listed if meaning]


def _arm(
    database: InspectedDatabase, table: str, pair: Pair, word: _Word, targets: Targets, *, exact: bool
) -> tuple[Target | None, int]:
    """Return the table that a type means, and how many of its ids are no key there.

    A name of a table is believed; a role (`client`) if the ids are keys of the table of people; what says
    nothing if almost all ids are keys that cannot be equal by chance. With `exact` only names of tables are.
    """
    if "\0" in word.stored:
        return None, 0
    literal = "'" + word.stored.replace("'", "''") + "'"
    where = f"CAST({quote(pair.kind)} AS TEXT) = {literal}"
    named = targets.of_class(word.meaning)
    if named is not None:
        return named, contained(database, table, pair.ident, named, where)[1]
    if exact:
        return None, 0
    roles = targets.meant_by(f"{word.meaning}_id", table) if is_word(word.meaning, known=True) else []
    best: tuple[Target | None, int] = (None, 0)
    for candidate in (*roles, *targets.textual):
        rows, dangling = contained(database, table, pair.ident, candidate, where)
        share = 0.5 if candidate.reading in UNGUESSABLE else ALMOST_ALL
        fits = rows > dangling and rows - dangling >= rows * share
        if fits and (best[0] is None or dangling < best[1]):
            best = candidate, dangling
    return best
