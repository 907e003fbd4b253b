"""The draft as a schema.prisma."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from migrate.introspect.scaffold.model import Default, Draft, Enum, Field, Index, Model, Relation, Section

_HEAD = """\
generator client {
  provider = "prisma-client-js"
}

datasource db {
  provider = "postgresql"
}

// Tables and columns have their names of before, unless a comment says from which they are.
"""


def write_schema(draft: Draft) -> str:
    """Return the text of schema.prisma."""
    blocks = [_HEAD, *map(_enum, draft.enums), *(_model(model, draft) for model in draft.models)]
    return "\n".join(blocks)


def _enum(enum: Enum) -> str:
    lines = [
        f"  {name}" if name == value else f"  {name} @map({_quoted(value)})" for name, value in enum.members
    ]
    return f"enum {enum.name} {{\n" + "\n".join(lines) + "\n}\n"


def _model(model: Model, draft: Draft) -> str:
    came = _origins(model, draft)
    rows = [_field(field, model, came.get(field.column, "")) for field in model.fields]
    rows += [_relation(relation, model) for relation in model.relations]
    rows += list(_backs(model, draft))
    parts = ["\n".join(_aligned(rows))]
    attributes = [*_notes(model), *_attributes(model)]
    if attributes:
        parts.append("\n".join(f"  {attribute}" for attribute in attributes))
    section = _section(model, draft)
    renamed = section is not None and section.source != model.table
    before = f"// from {' '.join(section.source.split())}\n" if section is not None and renamed else ""
    return f"{before}model {model.name} {{\n" + "\n\n".join(parts) + "\n}\n"


def _section(model: Model, draft: Draft) -> Section | None:
    """Return the section of the table whose rows a model holds."""
    return next((one for one in draft.sections if one.options.get("target") == model.table), None)


def _origins(model: Model, draft: Draft) -> dict[str, str]:
    """Return the source's column of each one that has another name; a rowid has none."""
    section = _section(model, draft)
    lines = section.lines if section is not None else ()
    rowid = section is not None and not section.options.get("key")
    return {
        str(line.options["to"]): " ".join(line.column.split())
        for line in lines
        if line.options.get("to") not in (None, line.column)
        and not (rowid and line.options.get("as") == "id")
    }


def _field(field: Field, model: Model, came_from: str) -> tuple[str, str, str]:
    attributes = []
    if model.key == (field.column,):
        attributes.append(_named("@id", model.constraint if model.map else None))
    attributes += [
        _unique(index) for index in model.indexes if index.unique and index.columns == (field.column,)
    ]
    if field.default is not None:
        attributes.append(f"@default({_default(field.default, field)})")
    if field.updated_at:
        attributes.append("@updatedAt")
    if field.name != field.column:
        attributes.append(f"@map({_quoted(field.column)})")
    if field.type.native:
        attributes.append(field.type.native)
    if came_from:
        attributes.append(f"// from {came_from}")
    optional = "" if field.required or field.type.many else "?"
    return field.name, field.type.prisma + optional, " ".join(attributes)


def _default(default: Default, field: Field) -> str:
    match default.kind:
        case "now" | "cuid" | "autoincrement":
            return f"{default.kind}()"
        case "plain":
            return default.literal
        case "member":
            assert field.type.enum is not None
            return next(name for name, value in field.type.enum.members if value == default.literal)
        case "text":
            return _quoted(default.literal)
        case "instant":
            return _quoted(default.literal.replace(" ", "T") + "Z")


def _relation(relation: Relation, model: Model) -> tuple[str, str, str]:
    fields = ", ".join(model.field(column).name for column in relation.columns)
    parts = [_quoted(relation.name)] if relation.name else []
    parts += [f"fields: [{fields}]", f"references: [{', '.join(relation.to_fields)}]"]
    parts += [f"onDelete: {relation.on_delete}"] if relation.on_delete else []
    parts += [f"onUpdate: {relation.on_update}"] if relation.on_update else []
    parts += [f"map: {_quoted(relation.constraint)}"] if relation.map else []
    mark = "" if relation.required else "?"
    return relation.field, f"{relation.to_model}{mark}", f"@relation({', '.join(parts)})"


def _backs(model: Model, draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Yield the fields on the other side of relations that refer to a model."""
    for other in draft.models:
        for relation in other.relations:
            if relation.to_model == model.name:
                named = f"@relation({_quoted(relation.name)})" if relation.name else ""
                yield relation.back, other.name + ("?" if relation.one else "[]"), named
    for pairing in draft.pairings:
        named = f"@relation({_quoted(pairing.name)})"
        if pairing.first == model.name:
            yield pairing.first_back, f"{pairing.second}[]", named
        if pairing.second == model.name:
            yield pairing.second_back, f"{pairing.first}[]", named


def _notes(model: Model) -> Iterator[str]:
    """Yield comments on the indexes that only init.sql makes."""
    for index in model.sql_indexes:
        yield "// in init.sql alone: " + " ".join(index.sql.split())


def _attributes(model: Model) -> Iterator[str]:
    def names(columns: Iterable[str]) -> str:
        return f"[{', '.join(model.field(column).name for column in columns)}]"

    def block(index: Index) -> str:
        word = "@@unique" if index.unique else "@@index"
        parts = (
            model.field(column).name + ("(sort: Desc)" if column in index.descending else "")
            for column in index.columns
        )
        return f"{word}([{', '.join(parts)}]{_mapped(index.name if index.map else None)})"

    if len(model.key) > 1:
        yield f"@@id({names(model.key)}{_mapped(model.constraint if model.map else None)})"
    for index in model.indexes:
        if len(index.columns) > 1 or not index.unique:
            yield block(index)
    if model.table != model.name:
        yield f"@@map({_quoted(model.table)})"


def _named(attribute: str, constraint: str | None) -> str:
    return f"{attribute}(map: {_quoted(constraint)})" if constraint else attribute


def _unique(index: Index) -> str:
    parts = [f"map: {_quoted(index.name)}"] if index.map else []
    parts += ["sort: Desc"] if index.descending else []
    return f"@unique({', '.join(parts)})" if parts else "@unique"


def _mapped(constraint: str | None) -> str:
    return f", map: {_quoted(constraint)}" if constraint else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _aligned(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """Yield the rows aligned in columns, as Prisma's formatter does."""
    first = max((len(row[0]) for row in rows), default=0)
    second = max((len(row[1]) for row in rows), default=0)
    for name, kind, attributes in rows:
        yield f"  {name:<{first}} {kind:<{second}} {attributes}".rstrip()
