"""Enums of closed sets of words: their labels, and one name for the columns that hold the same set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from migrate.introspect.profile.inspection import ColumnReport
from migrate.introspect.profile.names import words
from migrate.introspect.scaffold.model import Enum, Type
from migrate.introspect.scaffold.naming import Names, member_name, model_name
from migrate.introspect.scaffold.types.type_choice import Choice


@dataclass(frozen=True)
class EnumColumn:
    """A column that becomes an enum: its table's model, and the labels of the enum."""

    table: str
    model: str
    column: str
    labels: frozenset[str]


def labels_of(column: ColumnReport) -> dict[str, str]:
    """Return the label of each word of a closed set: words that differ by case alone have one.

    It is the one that most rows hold.
    """
    alike: dict[str, list[tuple[int, str]]] = {}
    for value in column.values:
        alike.setdefault(value.name.casefold(), []).append((-value.rows, value.name))
    best = {fold: min(found)[1] for fold, found in alike.items()}
    return {value.name: best[value.name.casefold()] for value in column.values}


def enum_of(column: ColumnReport, name: str) -> Choice:
    """Return a column with a closed set of values as an enum of that name."""
    members = Names()
    values = labels_of(column)
    pairs = tuple((members.take(member_name(label)), label) for label in sorted(set(values.values())))
    alike = [word for word, label in values.items() if word != label]
    remark = f"{', '.join(alike)}: as the words that differ by case alone" if alike else ""
    return Choice(Type(enum=Enum(name, pairs)), "enum", {"values": values}, remark=remark, guess=bool(alike))


def name_enums(columns: Iterable[EnumColumn], taken: Names) -> Mapping[tuple[str, str], str]:
    """Return the name of each column's enum, by table and column.

    Columns of the same labels whose names end in the same word share one: it is called as the columns are,
    if all have one name of several words, otherwise after the shortest of model and column.
    """
    shared: dict[tuple[frozenset[str], str], list[EnumColumn]] = {}
    for one in columns:
        last = words(one.column)[-1:]
        shared.setdefault((one.labels, last[0] if last else one.column), []).append(one)
    found: dict[tuple[str, str], str] = {}
    for group in shared.values():
        name = taken.take(_name(group))
        found |= {(one.table, one.column): name for one in group}
    return found


def _name(group: list[EnumColumn]) -> str:
    own = {one.column for one in group}
    if len(group) > 1 and len(own) == 1 and len(words(group[0].column)) > 1:
        return model_name(group[0].column)
    return min(map(_own_name, group), key=lambda name: (len(name), name))


def _own_name(one: EnumColumn) -> str:
    """Return the name after model and column: `contract_type` of Contract is ContractType."""
    first, *rest = words(one.column) or [one.column]
    if rest and one.model.lower().endswith(first):
        return one.model + model_name("_".join(rest))
    return one.model + model_name(one.column)
