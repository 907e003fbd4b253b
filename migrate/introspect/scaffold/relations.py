"""Connects the models: unique keys, indexes, foreign keys and the fields on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from migrate.introspect.profile.inspection import Inspection, Reference, TableReport
from migrate.introspect.scaffold import constraint_names, naming
from migrate.introspect.scaffold.indexes import draft_indexes, with_relation_indexes
from migrate.introspect.scaffold.links import Links, named, to_whole_key
from migrate.introspect.scaffold.many_to_many import Found
from migrate.introspect.scaffold.model import Action, Model, Pairing, Relation
from migrate.introspect.scaffold.naming import Names

_ACTIONS: Final[Mapping[str, Action]] = {
    "CASCADE": "Cascade", "RESTRICT": "Restrict", "SET NULL": "SetNull", "NO ACTION": "NoAction",
    "SET DEFAULT": "NoAction",
}  # fmt: skip


@dataclass
class _Member:
    """A model with its source table, the target's column of each source column, its fields' names."""

    table: TableReport
    model: Model
    to: Mapping[str, str]
    fields: Names


class ModelGraph:
    """All models; they are connected when the last one has been added."""

    def __init__(
        self, inspection: Inspection, links: Links, relations: Names, pairings: Mapping[str, Found]
    ) -> None:
        self._links, self._names, self._paired = links, relations, pairings
        self._twice = [
            (one.table, frozenset(one.columns))
            for one in inspection.duplicates
            if one.declared and one.equality == "as text"
        ]
        self._members: dict[str, _Member] = {}
        self._remarks_by_table: dict[str, list[str]] = {}
        self.pairings: tuple[Pairing, ...] = ()
        #: by table, the references that no entry of a column follows, and whether they may become NULL
        self.pairs: dict[str, list[tuple[Reference, bool]]] = {}

    def add(self, table: TableReport, model: Model, to: Mapping[str, str], fields: Names) -> None:
        """Add a model; `fields` are the names that its own fields have taken."""
        self._members[table.name] = _Member(table, model, to, fields)

    def related(self, *, fresh: bool = True) -> tuple[list[Model], dict[str, list[str]]]:
        """Return the models with indexes and relations, and remarks on what could not be migrated.

        Without `fresh` the target has indexes of its own, and nothing is said of them.
        """
        for member in self._members.values():
            twice = {columns for table, columns in self._twice if table == member.table.name}
            renewed = frozenset(
                to for column, to in member.to.items() if self._is_renewed(member.table, column)
            )
            indexes, extra, remarks = draft_indexes(
                member.table, member.model, member.to, self._names, twice, renewed
            )
            member.model = replace(member.model, indexes=tuple(indexes), sql_indexes=tuple(extra))
            self._remarks_by_table[member.table.name] = remarks if fresh else []
        kept = [one for one in self._links.relations if one.table in self._members and self._fits(one)]
        between = Counter(self._ends(one) for one in kept)
        for found in self._paired.values():
            between[frozenset((found.first, found.second))] += 1
        names = {member.table.name: Names() for member in self._members.values()}
        for reference in kept:
            relation = self._relation(reference, between, names[reference.table])
            member = self._members[reference.table]
            member.model = replace(member.model, relations=(*member.model.relations, relation))
            if not to_whole_key(self._links, reference):
                fields = [(member.to[column], member.model) for column in reference.columns]
                optional = any(not model.field(to).required for to, model in fields)
                self.pairs.setdefault(reference.table, []).append((reference, optional))
        for member in self._members.values():
            member.model = with_relation_indexes(member.model, self._names)
        self.pairings = tuple(self._pairing(found) for found in self._paired.values())
        return [member.model for member in self._members.values()], self._remarks_by_table

    def _is_renewed(self, table: TableReport, column: str) -> bool:
        """Return whether the values of a column are new ids in the target."""
        key = self._links.keys[table.name]
        own = key.columns == (column,) and self._links.ids(table.name) == "cuid"
        return own or self._links.link(table.name, column) is not None

    def _fits(self, reference: Reference) -> bool:
        """Return whether both ends are migrated with the same types, as a foreign key needs."""
        child, parent = self._members[reference.table], self._members.get(reference.to_table)
        pairs = list(zip(reference.columns, reference.to_columns, strict=True))
        if parent is None or not all(here in child.to and there in parent.to for here, there in pairs):
            self._add_remark(reference, "no foreign key: one of its columns is dropped")
            return False
        same = all(
            child.model.field(child.to[here]).type == parent.model.field(parent.to[there]).type
            for here, there in pairs
        )
        to = tuple(parent.to[there] for there in reference.to_columns)
        if not same:
            self._add_remark(reference, "no foreign key: the types differ")
        elif not (
            to == parent.model.key or any(one.unique and one.columns == to for one in parent.model.indexes)
        ):
            self._add_remark(reference, "no foreign key: the referenced column is not unique in the target")
        else:
            return True
        return False

    def _add_remark(self, reference: Reference, why: str) -> None:
        self._remarks_by_table[reference.table].append(f"{named(reference)}: {why}")

    def _ends(self, reference: Reference) -> frozenset[str]:
        return frozenset((reference.table, reference.to_table))

    def _relation(self, reference: Reference, between: Counter[frozenset[str]], names: Names) -> Relation:
        child, parent = self._members[reference.table], self._members[reference.to_table]
        columns = tuple(child.to[column] for column in reference.columns)
        needs_all = all(child.model.field(column).required for column in columns)
        one = columns == child.model.key or any(
            index.unique and index.columns == columns for index in child.model.indexes
        )
        field = self._field(child, parent, reference)
        ambiguous = between[self._ends(reference)] > 1 or reference.table == reference.to_table
        back = naming.one(child.model.name) if one else naming.many(child.model.table, child.model.name)
        if ambiguous:
            back = f"{back}As{naming.pascal(field)}"
        there = tuple(parent.to[column] for column in reference.to_columns)
        optional = not any(child.model.field(column).required for column in columns)
        on_delete, on_update = _actions(reference, optional=optional)
        usual = constraint_names.foreign_key(child.model.table, columns)
        constraint = names.take_database_name(usual)
        return Relation(
            columns=columns,
            to_model=parent.model.name,
            to_columns=there,
            to_fields=tuple(parent.model.field(column).name for column in there),
            required=needs_all,
            one=one,
            field=field,
            back=parent.fields.take(f"{back}As{naming.pascal(field)}" if back in parent.fields else back),
            name=f"{child.model.name}{naming.pascal(field)}" if ambiguous else None,
            on_delete=on_delete,
            on_update=on_update,
            constraint=constraint,
            map=constraint != usual,
        )

    def _field(self, child: _Member, parent: _Member, reference: Reference) -> str:
        """Return a relation's name: the column's without its `id`, followed by the parent's if that is
        taken.
        """
        if len(reference.columns) > 1:
            return child.fields.take(naming.one(parent.model.name))
        stem = naming.stem(child.to[reference.columns[0]])
        if stem == "id":
            return child.fields.take(naming.one(parent.model.name))
        return child.fields.take(f"{stem}{parent.model.name}" if stem in child.fields else stem)

    def _pairing(self, found: Found) -> Pairing:
        first, second = self._members[found.first], self._members[found.second]
        to_second = _free(first, naming.many(second.model.table, second.model.name))
        to_first = _free(second, naming.many(first.model.table, first.model.name))
        return Pairing(found.table[1:], first.model.name, second.model.name, to_second, to_first)


def _free(member: _Member, name: str) -> str:
    """Return a name for the rows of another model; a column of that name keeps it."""
    return member.fields.take(f"{name}Of{member.model.name}" if name in member.fields else name)


def _actions(reference: Reference, *, optional: bool) -> tuple[Action | None, Action | None]:
    """Return what a declared foreign key does; None, Prisma's default, for one that was not declared.

    NULL can be set only if all its columns are `optional`; otherwise the row stays.
    """
    if not reference.declared:
        return None, None
    delete = _ACTIONS.get((reference.on_delete or "").upper(), "NoAction")
    update = _ACTIONS.get((reference.on_update or "").upper(), "NoAction")
    if not optional:
        delete = "Restrict" if delete == "SetNull" else delete
        update = "Restrict" if update == "SetNull" else update
    return delete, update
