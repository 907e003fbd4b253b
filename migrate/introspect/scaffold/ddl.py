"""The draft as SQL, equal to what Prisma's engine makes from the schema.prisma of the same draft.

Its order: the enums, the tables, then for each table its unique keys and indexes, then all foreign keys.
Names are in quotes; the names in a draft contain none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from migrate.introspect.scaffold.model import (
    Action,
    Default,
    Draft,
    Enum,
    Field,
    Index,
    Model,
    Pairing,
    Relation,
)

_ACTIONS: Final[dict[Action, str]] = {
    "Cascade": "CASCADE", "Restrict": "RESTRICT", "SetNull": "SET NULL", "NoAction": "NO ACTION",
}  # fmt: skip
#: The types of integers that PostgreSQL counts up.
_SERIAL: Final = {"INTEGER": "SERIAL", "BIGINT": "BIGSERIAL"}


def write_ddl(draft: Draft) -> str:
    """Return the text of init.sql: it makes the target in an empty schema `public`.

    Behind what Prisma's engine writes stand the indexes that its schema does not describe.
    """
    vectors = any(field.type.scalar == "Vector" for model in draft.models for field in model.fields)
    first = ["-- The extension pgvector\nCREATE EXTENSION IF NOT EXISTS vector;\n"] if vectors else []
    found = [index.sql for model in draft.models for index in model.sql_indexes]
    more = [f"-- CreateIndex, which schema.prisma cannot describe\n{sql}\n" for sql in found]
    return "\n".join([*first, prisma_ddl(draft), *more])


def prisma_ddl(draft: Draft) -> str:
    """Return what Prisma's engine writes from the draft's schema.prisma."""
    steps = [("CreateSchema", 'CREATE SCHEMA IF NOT EXISTS "public";')]
    steps += [("CreateEnum", _enum(enum)) for enum in draft.enums]
    steps += [("CreateTable", _table(model)) for model in draft.models]
    steps += [("CreateTable", _pairing_table(pairing, draft)) for pairing in draft.pairings]
    steps += [("CreateIndex", _index(model, index)) for model in draft.models for index in _ordered(model)]
    steps += [("CreateIndex", _pairing_index(pairing)) for pairing in draft.pairings]
    steps += [
        ("AddForeignKey", _foreign_key(model, relation, draft))
        for model in draft.models
        for relation in model.relations
    ]
    steps += [("AddForeignKey", key) for pairing in draft.pairings for key in _pairing_keys(pairing, draft)]
    return "\n".join(f"-- {heading}\n{sql}\n" for heading, sql in steps)


def _enum(enum: Enum) -> str:
    values = ", ".join(_literal(value) for _, value in enum.members)
    return f'CREATE TYPE "{enum.name}" AS ENUM ({values});'


def _table(model: Model) -> str:
    lines = [f"    {_column(field)}," for field in model.fields]
    key = ",".join(f'"{column}"' for column in model.key)
    lines += ["", f'    CONSTRAINT "{model.constraint}" PRIMARY KEY ({key})']
    return f'CREATE TABLE "{model.table}" (\n' + "\n".join(lines) + "\n);"


def _column(field: Field) -> str:
    null = " NOT NULL" if field.required else ""
    default = _default(field.default) if field.default else None
    counted = field.default is not None and field.default.kind == "autoincrement"
    type_ = _SERIAL[field.type.sql] if counted else field.type.sql
    return f'"{field.column}" {type_}{null}' + (f" DEFAULT {default}" if default else "")


def _default(default: Default) -> str | None:
    match default.kind:
        case "now":
            return "CURRENT_TIMESTAMP"
        case "cuid" | "autoincrement":
            return None  # the client makes it, the type says it
        case "plain":
            return default.literal
        case "instant":
            return _literal(f"{default.literal} +00:00")
        case _:
            return _literal(default.literal)


def _ordered(model: Model) -> Iterator[Index]:
    """Yield the indexes in the engine's order: of one unique field, then the others, then unique keys."""
    single = [one for one in model.indexes if one.unique and len(one.columns) == 1]
    for field in model.fields:
        yield from (one for one in single if one.columns == (field.column,))
    yield from (one for one in model.indexes if not one.unique)
    yield from (one for one in model.indexes if one.unique and len(one.columns) > 1)


def _index(model: Model, index: Index) -> str:
    word = "UNIQUE INDEX" if index.unique else "INDEX"
    columns = ", ".join(
        f'"{column}" DESC' if column in index.descending else f'"{column}"' for column in index.columns
    )
    return f'CREATE {word} "{index.name}" ON "{model.table}"({columns});'


def _foreign_key(model: Model, relation: Relation, draft: Draft) -> str:
    delete = relation.on_delete or ("Restrict" if relation.required else "SetNull")
    update = relation.on_update or "Cascade"
    return (
        f'ALTER TABLE "{model.table}" ADD CONSTRAINT "{relation.constraint}"'
        f' FOREIGN KEY ({_names(relation.columns)}) REFERENCES "{draft.model(relation.to_model).table}"'
        f"({_names(relation.to_columns)}) ON DELETE {_ACTIONS[delete]} ON UPDATE {_ACTIONS[update]};"
    )


def _pairing_table(pairing: Pairing, draft: Draft) -> str:
    ends = (("A", draft.model(pairing.first)), ("B", draft.model(pairing.second)))
    lines = [f'    "{column}" {model.field(model.key[0]).type.sql} NOT NULL,' for column, model in ends]
    lines.append("")
    lines.append(f'    CONSTRAINT "{pairing.table}_AB_pkey" PRIMARY KEY ("A","B")')
    return f'CREATE TABLE "{pairing.table}" (\n' + "\n".join(lines) + "\n);"


def _pairing_index(pairing: Pairing) -> str:
    return f'CREATE INDEX "{pairing.table}_B_index" ON "{pairing.table}"("B");'


def _pairing_keys(pairing: Pairing, draft: Draft) -> Iterator[str]:
    for column, model in (("A", draft.model(pairing.first)), ("B", draft.model(pairing.second))):
        yield (
            f'ALTER TABLE "{pairing.table}" ADD CONSTRAINT "{pairing.table}_{column}_fkey"'
            f' FOREIGN KEY ("{column}") REFERENCES "{model.table}"("{model.key[0]}")'
            " ON DELETE CASCADE ON UPDATE CASCADE;"
        )


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
