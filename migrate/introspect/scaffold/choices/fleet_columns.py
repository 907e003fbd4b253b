"""The draft of one tenant's database as that of a fleet: a column, or a schema, keeps the tenants apart."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from migrate.introspect.scaffold import constraint_names
from migrate.introspect.scaffold.model import Action, Draft, Field, Index, Model, Relation, Section, Type
from migrate.introspect.scaffold.naming import field_name

_USUAL: Final = "tenant_id"
_KEPT: Final = (
    "(!) its keys stay as they are and count for one tenant: the key is {column} and they; if all tenants"
    ' hold the same rows, scope = "shared", by = {by} makes one row of them'
)


def draft_fleet(
    draft: Draft, *, per_tenant: bool, column: str | None = None, shared: Collection[str] = ()
) -> Draft:
    """Return the draft for a fleet; with a schema per tenant the tables are those of one source.

    Otherwise each table gets a column with the tenant's name, and keys that count for one tenant: those that
    are not new ids begin with the column, and so do the references to them. It gets indexes of the column and
    of its references, too: PostgreSQL looks there for each row that is replaced. The tables in `shared` have
    the same rows for all. Tables of pairs that Prisma makes itself cannot have the column: they
    are problems of the draft.
    """
    if per_tenant:
        return replace(draft, fleet={"schema": "per-tenant"})
    column = column or _free_name(draft)
    own = {model.name: model for model in draft.models if model.table not in shared}
    problems = [
        f"{one.table}: Prisma's own table of pairs has no place for {column}; describe it as a model, "
        'or use schema = "per-tenant"'
        for one in draft.pairings
    ]
    return replace(
        draft,
        fleet={"column": column},
        models=tuple(
            _with_tenant(model, column, own) if model.name in own else model for model in draft.models
        ),
        sections=tuple(_marked(section, column, shared) for section in draft.sections),
        problems=(*draft.problems, *problems),
    )


def _free_name(draft: Draft) -> str:
    taken = {field.column for model in draft.models for field in model.fields}
    return next(name for name in (_USUAL, "fleet_tenant", "migrated_tenant_id") if name not in taken)


def _with_tenant(model: Model, column: str, own: Mapping[str, Model]) -> Model:
    def of_tenant(index: Index) -> Index:
        if not index.unique:
            return index
        return replace(index, columns=(column, *index.columns), map=True)

    def within(relation: Relation) -> Relation:
        there = own.get(relation.to_model)
        if there is None or (relation.to_columns == there.key and _has_new_ids(there)):
            return relation
        return replace(
            relation,
            columns=(column, *relation.columns),
            to_columns=(column, *relation.to_columns),
            to_fields=(field_name(column), *relation.to_fields),
            map=True,
            on_delete=_without_null(relation.on_delete, required=relation.required),
            on_update="NoAction" if relation.on_update == "SetNull" else relation.on_update,
        )

    key = model.key if _has_new_ids(model) else (column, *model.key)
    indexes = [of_tenant(index) for index in model.indexes]
    relations = tuple(map(within, model.relations))
    for columns in dict.fromkeys([(column,), *(relation.columns for relation in relations)]):
        known = (key, *(index.columns for index in indexes))
        if not any(one[: len(columns)] == columns for one in known):
            name = constraint_names.index(model.table, columns)
            indexes.append(Index(columns, unique=False, name=name, map=False))
    return replace(
        model,
        fields=(*model.fields, Field(field_name(column), column, Type(), required=True)),
        key=key,
        indexes=tuple(indexes),
        relations=relations,
    )


def _without_null(action: Action | None, *, required: bool) -> Action | None:
    """Return what is done if a row is deleted: the tenant's column is never set to NULL."""
    return "NoAction" if action == "SetNull" or (action is None and not required) else action


def _has_new_ids(model: Model) -> bool:
    """Return whether no two tenants have the same key: it is a new id, or one of another table."""
    if len(model.key) > 1:
        return False
    default = model.field(model.key[0]).default
    follows = any(relation.columns == model.key for relation in model.relations)
    return follows or (default is not None and default.kind == "cuid")


def _marked(section: Section, column: str, shared: Collection[str]) -> Section:
    if section.options.get("target") in shared or section.options.get("ids") != "keep":
        return section
    key = section.options.get("key")
    assert isinstance(key, list)
    remark = _KEPT.format(column=column, by=json.dumps(key, ensure_ascii=False))
    return replace(section, remarks=(*section.remarks, remark))
