"""The draft of one tenant's database as that of a fleet: a column, or a schema, keeps the tenants apart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from migrate.introspect.scaffold import constraint_names
from migrate.introspect.scaffold.model import Draft, Field, Index, Model, Section, Type
from migrate.introspect.scaffold.naming import field_name

_USUAL: Final = "tenant_id"
_KEPT: Final = '(!) its keys stay as they are: two tenants may have the same one; with ids = "cuid" none have'


def draft_fleet(
    draft: Draft, *, per_tenant: bool, column: str | None = None, shared: Collection[str] = ()
) -> Draft:
    """Return the draft for a fleet; with a schema per tenant the tables are those of one source.

    Otherwise each table gets a column with the tenant's name, an index of it, and keys that count for one
    tenant; the tables in `shared` have the same rows for all. Tables of pairs that Prisma makes itself cannot
    have it: they are problems of the draft.
    """
    if per_tenant:
        return replace(draft, fleet={"schema": "per-tenant"})
    column = column or _free_name(draft)
    referred = {
        (relation.to_model, relation.to_columns) for model in draft.models for relation in model.relations
    }
    problems = [
        f"{one.table}: Prisma's own table of pairs has no place for {column}; describe it as a model, "
        'or use schema = "per-tenant"'
        for one in draft.pairings
    ]
    return replace(
        draft,
        fleet={"column": column},
        models=tuple(
            model if model.table in shared else _with_tenant(model, column, referred)
            for model in draft.models
        ),
        sections=tuple(map(_marked, draft.sections)),
        problems=(*draft.problems, *problems),
    )


def _free_name(draft: Draft) -> str:
    taken = {field.column for model in draft.models for field in model.fields}
    return next(name for name in (_USUAL, "fleet_tenant", "migrated_tenant_id") if name not in taken)


def _with_tenant(model: Model, column: str, referred: set[tuple[str, tuple[str, ...]]]) -> Model:
    def of_tenant(index: Index) -> Index:
        if not index.unique or (model.name, index.columns) in referred:
            return index
        return replace(index, columns=(column, *index.columns), map=True)

    own = Index((column,), unique=False, name=constraint_names.index(model.table, (column,)), map=False)
    return replace(
        model,
        fields=(*model.fields, Field(field_name(column), column, Type(), required=True)),
        indexes=(*map(of_tenant, model.indexes), own),
    )


def _marked(section: Section) -> Section:
    if section.migrated and section.options.get("ids") == "keep":
        return replace(section, remarks=(*section.remarks, _KEPT))
    return section
