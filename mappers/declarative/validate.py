"""Checks that a mapping file fits a source and a target: every mistake, with its place and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mappers.base import SourceTables
from mappers.declarative.column_expr import cast_constant
from mappers.declarative.mapping_file import ColumnMapping, Kind, MappingFile, TableMapping
from mappers.declarative.placeholders import constant_for, neutral
from mappers.declarative.references import References
from mappers.declarative.source_table import SourceTable, is_row_number, source_tables
from mappers.declarative.target_columns import Family, TargetColumn, family, has_default

#: The families of target columns that each kind can go to.
_GOES_TO: Final[Mapping[Kind, tuple[Family, ...]]] = {
    "id": ("text", "integer", "uuid", "enum"),
    "reference": ("text", "integer", "uuid", "enum"),
    "references": ("text", "texts"),
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
        f"{name} of the source has no section: map it, or say why it is left out (left_out)"
        for name in tables
        if name not in mapping.tables
    ]
    planned = source_tables(mapping, tables, target)
    references = References(planned)
    taken: dict[str, str] = {}
    for name, table in sorted(mapping.tables.items()):
        if name not in tables:
            found.append(f"{name} is no table of the source{_near(name, tables)}: take its section out")
        elif table.target is not None:
            found += _of_source(name, table, tables[name], is_bare=name in bare)
            if table.target in taken:
                found.append(f"{name} goes to {table.target}, and so does {taken[table.target]}: part them")
            taken[table.target] = name
            if table.target not in target:
                found.append(
                    f"{name} goes to {table.target}, which the target lacks{_near(table.target, target)}"
                )
            else:
                found += _of_target(planned[name], target[table.target], references)
    return found


def _near(name: str, known: Iterable[str]) -> str:
    by_case = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), by_case, n=1)
    return f"; did you mean {by_case[close[0]]}?" if close else ""


def _of_source(name: str, table: TableMapping, columns: Sequence[str], *, is_bare: bool) -> Iterator[str]:
    """Yield what in a section does not fit the source's table."""
    for column in columns:
        if column not in table.columns:
            yield f"{name}.{column} has no line: say where it goes (to) or why it is left out (drop)"
    for column in table.columns:
        if column not in columns and not (is_row_number(column, columns) and not is_bare):
            yield f"{name}.{column} is no column of the source{_near(column, columns)}: take its line out"
    for column in table.key:
        if column not in columns:
            yield f"{name}: its key names {column}, which is no column of it{_near(column, columns)}"
    if not table.key and (is_bare or {"rowid", "_rowid_", "oid"} <= {one.lower() for one in columns}):
        yield f"{name} has no rowid: name the columns of its key (key)"
    for column, line in table.columns.items():
        if line.by is not None and line.by not in columns:
            yield f"{name}.{column}: by names {line.by}, which is no column{_near(line.by, columns)}"
        if (
            line.kind == "id"
            and line.to is not None
            and table.ids == "cuid"
            and not _is_key(column, table, columns)
        ):
            yield f"{name}.{column} is an id, and not the one column of the table's key: make it text"


def _is_key(column: str, table: TableMapping, columns: Sequence[str]) -> bool:
    return table.key == (column,) or (not table.key and is_row_number(column, columns))


def _of_target(table: SourceTable, columns: Sequence[TargetColumn], references: References) -> Iterator[str]:
    """Yield what in a section does not fit the target's table."""
    known = {column.name: column for column in columns}
    filled: dict[str, str] = {}
    for column, line in table.mapping.columns.items():
        if line.to is None:
            continue
        place = f"{table.name}.{column}"
        if line.to in filled:
            yield f"{place} goes to {table.target}.{line.to}, and so does {filled[line.to]}: drop one of them"
        filled[line.to] = column
        if line.to not in known:
            yield f"{place} goes to {table.target}.{line.to}, which the target lacks{_near(line.to, known)}"
        else:
            yield from _line(place, table, line, known[line.to])
    for name, value in table.mapping.constants.items():
        if name in filled:
            yield f"{table.name}: {table.target}.{name} has a constant, and {filled[name]} goes there too"
        filled[name] = "a constant"
        if name not in known:
            yield f"{table.name}: the constant's column {table.target}.{name} is missing{_near(name, known)}"
        elif known[name].generated or constant_for(value, known[name]) is None:
            yield f"{table.name}: the constant for {table.target}.{name} is no {known[name].type}"
    for target in columns:
        if target.not_null and not (has_default(target) or target.generated or target.name in filled):
            yield (
                f"{table.name}: nothing goes to {table.target}.{target.name}, which is required: "
                "send a column there, or give it a value under constants"
            )
    if table.name in references.made_up:
        yield from _placeholder(table, known)
    yield from _keys(table, references)
    yield from _pairs(table, references)


def _pairs(table: SourceTable, references: References) -> Iterator[str]:
    """Yield what prevents references of several columns."""
    for reference in table.mapping.references:
        parent = references.tables.get(reference.of)
        place = f"{table.name} ({', '.join(reference.columns)})"
        for column in reference.to:
            if parent is not None and column not in parent.columns:
                near = _near(column, parent.columns)
                yield f"{place} refers to {reference.of}.{column}, which is no column{near}"
        lines = [table.line(column) for column in reference.columns]
        if reference.dangling == "null" and all(
            line is not None and (line.to.not_null or line.column in table.key) for line in lines
        ):
            yield f"{place} cannot become NULL where it dangles, all its columns are required: use reject"


def _line(place: str, table: SourceTable, line: ColumnMapping, to: TargetColumn) -> Iterator[str]:
    if to.generated:
        yield f"{place} goes to {table.target}.{to.name}, which the target computes itself: drop it"
    elif family(to) not in _GOES_TO[line.kind]:
        yield f"{place} as {line.kind} cannot go to {table.target}.{to.name}, which is {to.type}"
    elif line.default is not None and cast_constant(line.default, line, to) is None:
        yield f"{place}: its default is no value of {table.target}.{to.name}, which is {to.type}"
    if to.enum is not None:
        for value in sorted(set(line.values.values()) - set(to.enum)):
            yield f"{place}: {value} is no label of {to.type}, which has {', '.join(to.enum)}"


def _placeholder(table: SourceTable, known: Mapping[str, TargetColumn]) -> Iterator[str]:
    """Yield what prevents adding rows to a table."""
    pointing = {line.to.name for line in table.lines if line.mapping.kind == "reference"}
    for name, value in table.mapping.placeholder.items():
        if name not in known:
            near = _near(name, known)
            yield f"{table.name}: its placeholder names {name}, which {table.target} lacks{near}"
        elif constant_for(value, known[name]) is None:
            yield f"{table.name}: the placeholder's {name} is no {known[name].type}"
    for name, column in known.items():
        if name in table.mapping.placeholder or not column.not_null or has_default(column):
            continue
        if name in pointing or neutral(column) is None:
            yield (
                f"{table.name}: a placeholder of {table.target} needs a value for {name}: "
                "give it under placeholder, or choose another policy where references dangle"
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
            yield f"{table.name}.{line.column} refers to {name}, which has no key of one migrated column"
        for parent in found:
            root = references.root(parent)
            key = root.table.key_line
            place, families = f"{table.name}.{line.column}", {family(line.to)}
            if root.entity is not None and family(line.to) not in ("text", "texts"):
                yield f"{place} takes a new id of {parent.name}, and {line.to.name} is no text"
            elif (
                root.entity is None and key is not None and families | {family(key.to)} == {"text", "integer"}
            ):
                yield f"{place} goes to {line.to.type}, and the key of {parent.name} to {key.to.type}"
