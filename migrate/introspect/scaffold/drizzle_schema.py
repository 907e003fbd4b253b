"""The draft as a schema.ts of Drizzle (pg-core): it describes the database that init.sql makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
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
    ScalarType,
    SqlIndex,
    Type,
)

#: The function of pg-core for each scalar, and the options that it is called with.
_FUNCTIONS: Final[dict[ScalarType, tuple[str, str]]] = {
    "String": ("text", ""), "Boolean": ("boolean", ""), "Int": ("integer", ""),
    "BigInt": ("bigint", '{ mode: "bigint" }'), "Float": ("doublePrecision", ""), "Decimal": ("numeric", ""),
    "DateTime": ("timestamp", "{ precision: 3 }"), "Json": ("jsonb", ""), "Bytes": ("bytea", ""),
    "Vector": ("vector", ""),
}  # fmt: skip
#: Types that PostgreSQL counts up.
_SERIAL: Final = {"integer": "serial", "bigint": "bigserial"}
_ACTIONS: Final[dict[Action, str]] = {
    "Cascade": "cascade", "Restrict": "restrict", "SetNull": "set null", "NoAction": "no action",
}  # fmt: skip
_BYTES: Final = 'const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });\n'
#: What the file may import from drizzle-orm/pg-core.
_PG_CORE: Final = tuple(
    """bigint bigserial boolean customType date doublePrecision foreignKey index integer jsonb numeric pgEnum
    pgTable primaryKey serial text timestamp uniqueIndex vector""".split()  # noqa: SIM905
)
#: Names that no constant may have: words of the language, and what the file imports.
_RESERVED: Final = frozenset(
    """sql relations createId bytea await break case catch class const continue debugger default delete do
    else enum export extends false finally for function if implements import in instanceof interface let new
    null package private protected public return static super switch this throw true try typeof var void
    while with yield""".split()  # noqa: SIM905
).union(_PG_CORE)


def write_drizzle(draft: Draft) -> str:
    """Return the text of schema.ts."""
    return _Writer(draft).text()


class _Writer:
    """Writes one schema; `used` are the functions that it must import."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._used: set[str] = set()
        self._constants: dict[str, str] = {}
        taken = set(_RESERVED)
        for group in (draft.enums, draft.models, draft.pairings):
            for wanted in (one.name for one in group):
                name = wanted[0].lower() + wanted[1:]
                while name in taken:
                    name += "_"
                taken.add(name)
                self._constants[wanted] = name

    def text(self) -> str:
        blocks = [
            *map(self._enum, self._draft.enums),
            *map(self._table, self._draft.models),
            *map(self._pairing, self._draft.pairings),
            *filter(None, map(self._relations, self._draft.models)),
        ]
        return "\n".join([*self._imports(), *blocks])

    def _imports(self) -> Iterator[str]:
        from_orm = [name for name in ("relations", "sql") if name in self._used]
        if from_orm:
            yield f'import {{ {", ".join(from_orm)} }} from "drizzle-orm";'
        core = [
            name
            for name in _PG_CORE
            if name in self._used or (name == "customType" and "bytea" in self._used)
        ]
        yield f'import {{ {", ".join(core)} }} from "drizzle-orm/pg-core";'
        if "createId" in self._used:
            yield 'import { createId } from "@paralleldrive/cuid2";'
        yield ""
        if "bytea" in self._used:
            yield _BYTES

    def _call(self, function: str, *arguments: str) -> str:
        self._used.add(function)
        return f"{function}({', '.join(one for one in arguments if one)})"

    def _sql(self, text: str) -> str:
        self._used.add("sql")
        return "sql`" + text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${") + "`"

    # ---- enums and tables ----------------------------------------------------------

    def _enum(self, enum: Enum) -> str:
        values = ", ".join(_quoted(value) for _, value in enum.members)
        made = self._call("pgEnum", _quoted(enum.name), f"[{values}]")
        return f"export const {self._constants[enum.name]} = {made};\n"

    def _table(self, model: Model) -> str:
        columns = [f"  {_key(field.name)}: {self._column(field, model)}," for field in model.fields]
        extras = [
            *self._key(model.key, model.constraint, model),
            *(self._index(index, model) for index in model.indexes),
            *(self._sql_index(index, model) for index in model.sql_indexes),
            *(self._foreign_key(relation, model) for relation in model.relations),
        ]
        return self._pg_table(self._constants[model.name], model.table, columns, extras)

    def _pg_table(self, constant: str, table: str, columns: Sequence[str], extras: Sequence[str]) -> str:
        self._used.add("pgTable")
        begin = f"export const {constant} = pgTable({_quoted(table)}, {{\n" + "\n".join(columns)
        if not extras:
            return f"{begin}\n}});\n"
        return f"{begin}\n}}, (table) => [\n" + "\n".join(f"  {extra}," for extra in extras) + "\n]);\n"

    def _column(self, field: Field, model: Model) -> str:
        parts = [self._type(field.type, field.column, counted=_is(field.default, "autoincrement"))]
        if model.key == (field.column,):
            parts.append("primaryKey()")
        elif field.required:
            parts.append("notNull()")
        if field.default is not None and field.default.kind != "autoincrement":
            parts.append(self._default(field.default, field.type))
        if field.updated_at:
            parts.append("$onUpdate(() => new Date())")
        return ".".join(parts)

    def _type(self, type_: Type, column: str, *, counted: bool = False) -> str:
        name = _quoted(column)
        if type_.enum:
            return f"{self._constants[type_.enum.name]}({name})"
        if type_.day:
            return self._call("date", name)
        function, options = _FUNCTIONS[type_.scalar]
        if type_.scalar == "Vector":
            options = f"{{ dimensions: {type_.digits} }}"
        elif type_.digits is not None:
            options = f"{{ precision: {type_.digits}, scale: {type_.scale} }}"
        made = self._call(_SERIAL[function] if counted else function, name, options)
        return f"{made}.array()" if type_.many else made

    def _default(self, default: Default, type_: Type) -> str:
        match default.kind:
            case "now":
                return f"default({self._sql('CURRENT_TIMESTAMP')})"
            case "cuid":
                return f"$defaultFn(() => {self._call('createId')})"
            case "plain" if type_.scalar in ("Int", "BigInt") and not _is_small(default.literal):
                return f"default({self._sql(_literal(default.literal))})"
            case "plain" if type_.scalar in ("Boolean", "Int", "Float"):
                return f"default({default.literal})"
            case "plain" if type_.scalar == "Decimal":
                return f"default({_quoted(default.literal)})"
            case "plain":
                return f"default({self._sql(default.literal)})"
            case "text" if type_.scalar == "Json":
                return f"default({_json(default.literal)})"
            case "text" | "member" if type_.scalar == "String":
                return f"default({_quoted(default.literal)})"
            case _:
                return f"default({self._sql(_literal(default.literal))})"

    # ---- keys and indexes -----------------------------------------------------------

    def _key(self, key: Sequence[str], constraint: str, model: Model) -> Iterator[str]:
        if len(key) > 1:
            columns = f"columns: [{_fields(key, model)}]"
            yield self._call("primaryKey", f"{{ name: {_quoted(constraint)}, {columns} }}")

    def _index(self, index: Index, model: Model) -> str:
        terms = (
            _field(column, model) + (".desc().nullsFirst()" if column in index.descending else "")
            for column in index.columns
        )
        function = "uniqueIndex" if index.unique else "index"
        return f"{self._call(function, _quoted(index.name))}.on({', '.join(terms)})"

    def _sql_index(self, index: SqlIndex, model: Model) -> str:
        function = "uniqueIndex" if index.unique else "index"
        terms = ", ".join(self._term(term, model) for term in index.terms)
        where = f".where({self._sql(index.condition)})" if index.condition else ""
        return f"{self._call(function, _quoted(index.name))}.on({terms}){where}"

    def _term(self, term: str, model: Model) -> str:
        """Return a term of an index: a column, or an expression."""
        plain = re.fullmatch(r'"([^"]+)"( DESC)?', term)
        if plain is None:
            return self._sql(term)
        return _field(plain[1], model) + (".desc().nullsFirst()" if plain[2] else "")

    def _foreign_key(self, relation: Relation, model: Model) -> str:
        other = self._draft.model(relation.to_model)
        constant = self._constants[other.name]
        to = ", ".join(constant + _access(other.field(column).name) for column in relation.to_columns)
        delete = relation.on_delete or ("Restrict" if relation.required else "SetNull")
        return self._reference(
            relation.constraint, _fields(relation.columns, model), to, delete, relation.on_update or "Cascade"
        )

    def _reference(self, name: str, columns: str, to: str, delete: Action, update: Action) -> str:
        made = self._call(
            "foreignKey", f"{{ name: {_quoted(name)}, columns: [{columns}], foreignColumns: [{to}] }}"
        )
        return f"{made}.onDelete({_quoted(_ACTIONS[delete])}).onUpdate({_quoted(_ACTIONS[update])})"

    def _pairing(self, pairing: Pairing) -> str:
        columns, extras = [], []
        key = self._call(
            "primaryKey", f"{{ name: {_quoted(f'{pairing.table}_AB_pkey')}, columns: [table.A, table.B] }}"
        )
        for column, name in (("A", pairing.first), ("B", pairing.second)):
            model = self._draft.model(name)
            field = model.field(model.key[0])
            columns.append(f"  {column}: {self._type(field.type, column)}.notNull(),")
            to = f"{self._constants[name]}{_access(field.name)}"
            constraint = f"{pairing.table}_{column}_fkey"
            extras.append(self._reference(constraint, f"table.{column}", to, "Cascade", "Cascade"))
        index = f"{self._call('index', _quoted(f'{pairing.table}_B_index'))}.on(table.B)"
        constant = self._constants[pairing.name]
        return self._pg_table(constant, pairing.table, columns, [key, index, *extras])

    # ---- relations, for queries -----------------------------------------------------

    def _relations(self, model: Model) -> str:
        lines = [f"  {_key(one.field)}: {self._one(one, model)}," for one in model.relations]
        lines += [
            f"  {_key(one.back)}: {self._back(one, other)},"
            for other in self._draft.models
            for one in other.relations
            if one.to_model == model.name
        ]
        if not lines:
            return ""
        constant = self._constants[model.name]
        self._used.add("relations")
        body = "\n".join(lines)
        begin = f"export const {constant}Relations = relations({constant}, ({{ one, many }}) => ({{"
        return f"{begin}\n{body}\n}}));\n"

    def _one(self, relation: Relation, model: Model) -> str:
        own, other = self._constants[model.name], self._draft.model(relation.to_model)
        to = self._constants[other.name]
        fields = ", ".join(own + _access(model.field(column).name) for column in relation.columns)
        references = ", ".join(to + _access(other.field(column).name) for column in relation.to_columns)
        return f"one({to}, {{ fields: [{fields}], references: [{references}]{_named(relation)} }})"

    def _back(self, relation: Relation, other: Model) -> str:
        named = _named(relation)[2:]
        options = f", {{ {named} }}" if named else ""
        return f"{'one' if relation.one else 'many'}({self._constants[other.name]}{options})"


def _is(default: Default | None, kind: str) -> bool:
    return default is not None and default.kind == kind


def _is_small(number: str) -> bool:
    """Return whether PostgreSQL shows a number as it is written, not as a text with a type."""
    return number.isdigit() and int(number) < 2**31


def _json(text: str) -> str:
    """Return JSON as JavaScript's own literal."""
    return json.dumps(json.loads(text), ensure_ascii=False)


def _named(relation: Relation) -> str:
    return f", relationName: {_quoted(relation.name)}" if relation.name else ""


def _fields(columns: Iterable[str], model: Model) -> str:
    return ", ".join(_field(column, model) for column in columns)


def _field(column: str, model: Model) -> str:
    return f"table{_access(model.field(column).name)}"


def _key(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else _quoted(name)


def _access(name: str) -> str:
    return f".{name}" if name.isidentifier() and name.isascii() else f"[{_quoted(name)}]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
