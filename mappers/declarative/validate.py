"""Checks that a mapping file fits a source and a target: every mistake, with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mappers.base import SourceTables
from mappers.declarative.casts.column_expr import cast_constant
from mappers.declarative.casts.masks import LENGTHS
from mappers.declarative.derived_value import expression_of, is_derived, place_of
from mappers.declarative.mapping_columns import ColumnMapping, Kind, Mask
from mappers.declarative.mapping_file import MappingFile, TableMapping
from mappers.declarative.placeholders import constant_for, neutral
from mappers.declarative.references import References
from mappers.declarative.row_expression import ExpressionError, read_expression
from mappers.declarative.source_table import SourceTable, is_row_number, source_tables
from mappers.declarative.target_columns import Family, TargetColumn, family, has_default
from mappers.mistakes import near

#: The families of target columns that each kind can go to.
_GOES_TO: Final[Mapping[Kind, tuple[Family, ...]]] = {
    "id": ("text", "integer", "uuid", "enum"),
    "reference": ("text", "integer", "uuid", "enum", "bytes"),
    "references": ("text", "texts"),
    "list": ("texts", "list"),
    "text": ("text", "uuid", "enum"),
    "integer": ("integer", "decimal"),
    "boolean": ("boolean",),
    "real": ("real",),
    "decimal": ("decimal",),
    "timestamp": ("timestamp",),
    "date": ("date", "timestamp"),
    "json": ("json",),
    "bytes": ("bytes",),
    "enum": ("enum", "text"),
    "vector": ("vector",),
}


def find_misfits(
    mapping: MappingFile,
    tables: Mapping[str, Sequence[str]],
    target: Mapping[str, Sequence[TargetColumn]],
) -> list[str]:
    """Return what in a file does not fit the source's tables and the target's, one sentence each.

    This includes source tables that the file does not name, and columns without an entry.
    """
    bare = tables.without_rowid if isinstance(tables, SourceTables) else frozenset()
    found = [
        f"tables.{name} is missing: the source has this table; give it a `target` or `left_out`"
        for name in tables
        if name not in mapping.tables
    ]
    planned = source_tables(mapping, tables, target)
    references = References(planned)
    taken: dict[str, str] = {}
    for name, table in sorted(mapping.tables.items()):
        if name not in tables:
            found.append(f"tables.{name}: the source has no such table{near(name, tables)}")
        elif table.target is not None:
            found += _of_source(name, table, tables[name], is_bare=name in bare)
            if table.target in taken:
                found.append(
                    f'tables.{name}: `target = "{table.target}"` is also the target of {taken[table.target]}'
                )
            taken[table.target] = name
            if table.target not in target:
                found.append(
                    f"tables.{name}: the target has no table {table.target}{near(table.target, target)}"
                )
            else:
                found += _of_target(planned[name], target[table.target], references)
                found += _of_lists(planned[name], target, references, taken)
    return found


def _of_source(name: str, table: TableMapping, columns: Sequence[str], *, is_bare: bool) -> Iterator[str]:
    """Yield what in a section does not fit the source's table."""
    read = set[str]()
    for column, line in table.columns.items():
        made = expression_of(column, line)
        if made is not None:
            try:
                read.update(read_expression(made, name, tuple(columns)).reads)
            except ExpressionError as error:
                yield f"tables.{name}.columns.{column}.{place_of(line)}: {error}"
                read.add(column)
    if table.where is not None:
        try:
            read_expression(table.where, name, tuple(columns))
        except ExpressionError as error:
            yield f"tables.{name}.where: {error}"
    for column in columns:
        if column not in table.columns and column not in read:
            yield f"tables.{name}.columns.{column} is missing: give it `to` or `drop`"
        elif column not in read and is_derived(table.columns[column]):
            place = place_of(table.columns[column])
            yield (
                f"tables.{name}.columns.{column}: its `{place}` does not read {column}; give the expression "
                f"an entry of another name, and {column} `to` or `drop`"
            )
    for column, line in table.columns.items():
        if (
            not is_derived(line)
            and not table.is_new_id(column)
            and column not in columns
            and not (is_row_number(column, columns) and not is_bare)
        ):
            yield f"tables.{name}.columns.{column}: the source has no such column{near(column, columns)}"
    for column in table.key:
        if column not in columns:
            yield f"tables.{name}.key: the source has no column {column}{near(column, columns)}"
    for column in table.by:
        if column not in columns:
            yield f"tables.{name}.by: the source has no column {column}{near(column, columns)}"
    if not table.key and (is_bare or {"rowid", "_rowid_", "oid"} <= {one.lower() for one in columns}):
        yield f"tables.{name}.key is missing: this table has no rowid; list its key columns"
    if table.ids == "cuid":
        yield from _second_id(name, table, columns)
    for column, line in table.columns.items():
        if line.by is not None and line.by not in columns:
            yield f"tables.{name}.columns.{column}.by: there is no column {line.by}{near(line.by, columns)}"
        if (
            line.kind == "id"
            and line.to is not None
            and table.ids == "cuid"
            and not _is_key(column, table, columns)
        ):
            yield (
                f"tables.{name}.columns.{column}: only the single key column, or an entry that is no column, "
                'can be `as = "id"`; use text'
            )


def _second_id(name: str, table: TableMapping, columns: Sequence[str]) -> Iterator[str]:
    """Yield the new id of a row that has one already."""
    new = [column for column in table.columns if table.is_new_id(column) and column not in columns]
    of_key = [one for one in table.key if one in table.columns and table.columns[one].kind == "id"]
    if len([*new, *of_key]) > 1:
        yield f"tables.{name}.columns.{new[-1]}: a row has one new id; this would be a second one"


def _is_key(column: str, table: TableMapping, columns: Sequence[str]) -> bool:
    if table.is_new_id(column):
        return column not in columns
    return table.key == (column,) or (not table.key and is_row_number(column, columns))


def _of_target(table: SourceTable, columns: Sequence[TargetColumn], references: References) -> Iterator[str]:
    """Yield what in a section does not fit the target's table."""
    known = {column.name: column for column in columns}
    filled: dict[str, str] = {}
    for column, line in table.mapping.columns.items():
        if line.to is None or line.to_table is not None:
            continue
        place = f"tables.{table.name}.columns.{column}"
        if line.to in filled:
            yield f"{place}: {filled[line.to]} goes to {table.target}.{line.to} too; drop one of them"
        filled[line.to] = column
        if line.to not in known:
            yield f"{place}: the target has no column {table.target}.{line.to}{near(line.to, known)}"
        else:
            yield from _line(place, table, line, known[line.to])
    for name, value in table.mapping.constants.items():
        if name in filled:
            yield f"tables.{table.name}.constants.{name}: {filled[name]} goes to {table.target}.{name} too"
        filled[name] = "a constant"
        if name not in known:
            yield (
                f"tables.{table.name}.constants: the target has no column "
                f"{table.target}.{name}{near(name, known)}"
            )
        elif known[name].generated or constant_for(value, known[name]) is None:
            yield f"tables.{table.name}.constants.{name}: the value is not of type {known[name].type}"
    for target in columns:
        if target.not_null and not (has_default(target) or target.generated or target.name in filled):
            yield (
                f"tables.{table.name}: the target column {table.target}.{target.name} is required and not "
                "filled; map a column to it with `to`, or give it a value under `constants`"
            )
    if table.name in references.made_up:
        yield from _placeholder(table, known)
    yield from _keys(table, references)
    yield from _pairs(table, references)


def _of_lists(
    table: SourceTable,
    target: Mapping[str, Sequence[TargetColumn]],
    references: References,
    taken: dict[str, str],
) -> Iterator[str]:
    """Yield what prevents lists from becoming rows of other tables."""
    for line in table.lists:
        place, to_table = f"tables.{table.name}.columns.{line.column}", str(line.mapping.to_table)
        if to_table in taken:
            yield f'{place}: `to_table = "{to_table}"` is also the target of {taken[to_table]}'
        taken[to_table] = f"{table.name}.{line.column}"
        if to_table not in target:
            yield f"{place}: the target has no table {to_table}{near(to_table, target)}"
            continue
        known = {column.name: column for column in target[to_table]}
        ends = (str(line.mapping.row), str(line.mapping.to))
        for name in ends:
            if name not in known:
                yield f"{place}: the target has no column {to_table}.{name}{near(name, known)}"
        for column in known.values():
            if column.not_null and not (has_default(column) or column.generated or column.name in ends):
                gives = " and ".join(ends)
                yield f"{place}: {to_table}.{column.name} is required, and a list gives only {gives}"
        if references.table(table.name) is None:
            yield f"{place}: the rows of {table.name} have no key of one column that {ends[0]} could hold"


def _pairs(table: SourceTable, references: References) -> Iterator[str]:
    """Yield what prevents references of several columns."""
    for reference in table.mapping.references:
        parent = references.tables.get(reference.of)
        place = f"tables.{table.name}.references ({', '.join(reference.columns)})"
        for column in reference.to:
            if parent is not None and column not in parent.columns:
                yield f"{place}: {reference.of} has no column {column}{near(column, parent.columns)}"
        lines = [table.line(column) for column in reference.columns]
        if reference.dangling == "null" and all(
            line is not None and (line.to.not_null or line.column in table.key) for line in lines
        ):
            yield f"{place}: all its columns are required, so `dangling` cannot be null; use reject"


def _line(place: str, table: SourceTable, line: ColumnMapping, to: TargetColumn) -> Iterator[str]:
    if to.generated:
        yield f"{place}: the target computes {table.target}.{to.name} itself; use `drop`"
    elif family(to) not in _GOES_TO[line.kind]:
        yield f'{place}: `as = "{line.kind}"` does not fit {table.target}.{to.name}, which is {to.type}'
    elif line.default is not None and cast_constant(line.default, line, to) is None:
        yield f"{place}: `default` does not fit {table.target}.{to.name}, which is {to.type}"
    if line.mask is not None:
        yield from _mask(place, table, line.mask, to)
    if to.enum is not None:
        for value in sorted(set(line.labels.values()) - set(to.enum)):
            known = f"it has {', '.join(to.enum)}{near(value, to.enum)}"
            yield f"{place}: {to.type} has no value {value}; {known}"


def _mask(place: str, table: SourceTable, mask: Mask, to: TargetColumn) -> Iterator[str]:
    """Yield what prevents a masked text from going to a column."""
    if mask == "null" and to.not_null:
        yield f'{place}: {table.target}.{to.name} is required, so `mask` cannot be "null"; use "hash"'
    elif mask != "null" and family(to) != "text":
        yield f"{place}: a masked text does not fit {table.target}.{to.name}, which is {to.type}"
    elif mask != "null" and to.max_length is not None and to.max_length < LENGTHS[mask]:
        yield (
            f'{place}: `mask = "{mask}"` makes {LENGTHS[mask]} characters, but {table.target}.{to.name} is '
            f"{to.type}"
        )


def _placeholder(table: SourceTable, known: Mapping[str, TargetColumn]) -> Iterator[str]:
    """Yield what prevents adding rows to a table."""
    pointing = {line.to.name for line in table.lines if line.mapping.kind == "reference"}
    for name, value in table.mapping.placeholder.items():
        if name not in known:
            yield f"tables.{table.name}.placeholder: {table.target} has no column {name}{near(name, known)}"
        elif constant_for(value, known[name]) is None:
            yield f"tables.{table.name}.placeholder.{name}: the value is not of type {known[name].type}"
    for name, column in known.items():
        if name in table.mapping.placeholder or not column.not_null or has_default(column):
            continue
        if name in pointing or neutral(column) is None:
            yield (
                f"tables.{table.name}.placeholder.{name} is missing: {table.target}.{name} needs a value; "
                "give it one, or choose another `dangling` for the references"
            )


def _keys(table: SourceTable, references: References) -> Iterator[str]:
    """Yield references that cannot be followed, and keys whose type is not their parent's."""
    for line in table.lines:
        if line.mapping.kind not in ("reference", "references"):
            continue
        found = [parent for _, parent in references.parents(line)]
        named = (
            [line.mapping.of] if isinstance(line.mapping.of, str) else list((line.mapping.of or {}).values())
        )
        for name in sorted(set(named) - {parent.name for parent in found}):
            yield (
                f"tables.{table.name}.columns.{line.column}: {name} cannot be referred to, "
                "since its key is not one migrated column"
            )
        for parent in found:
            root = references.root(parent)
            key = root.table.key_line
            place, families = f"tables.{table.name}.columns.{line.column}", {family(line.to)}
            if root.entity is not None and family(line.to) not in ("text", "texts"):
                yield f"{place}: new ids of {parent.name} are text, but {line.to.name} is not"
            elif root.entity is not None and line is table.key_line and line.mapping.dangling == "keep":
                yield f'{place}: a key cannot keep old ids among new ones; use dangling = "reject"'
            elif (
                root.entity is None and key is not None and families | {family(key.to)} == {"text", "integer"}
            ):
                yield f"{place}: its type is {line.to.type}, but the key of {parent.name} is {key.to.type}"
