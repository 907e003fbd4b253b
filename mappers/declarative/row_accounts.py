"""How the rows of each mapped table are accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mappers.base import RowAccounting
from mappers.declarative.references import References
from mappers.declarative.source_table import MappedColumn, SourceTable, constant, key_text
from mappers.declarative.table_mapper import ROW
from mappers.declarative.target_columns import family
from mappers.sqlite_sql import literal, quoted

#: Kinds whose values are the same text in source and target.
_AS_THEY_ARE: Final = ("id", "integer", "text")


def account_of(table: SourceTable, references: References) -> RowAccounting:
    """Return the account of one table: by its key or, if the target has no key to compare, by count.

    An account by count names no column.
    """
    of_key = [table.line(column) for column in table.key]
    lines = [table.new_id] if table.new_id else of_key or [table.key_line]
    parts = [(line, _part(table, line, references)) for line in lines if line is not None]
    if len(parts) < len(lines) or any(part is None for _, part in parts):
        return RowAccounting(table.name, _sql(table, [("''", "''")]), table.target, "")
    proofs = [part for _, part in parts if part is not None]
    first, *more = (line.to.name for line, _ in parts)
    return RowAccounting(table.name, _sql(table, proofs), table.target, first, tuple(more))


def _sql(table: SourceTable, parts: list[tuple[str, str]]) -> str:
    selected = [f"{table.name_of_row(ROW)} AS source_id"]
    for number, (entity, key) in enumerate(parts, start=1):
        at = "" if number == 1 else str(number)
        selected += [f"{entity} AS entity{at}", f"{key} AS key{at}"]
    return f"SELECT {', '.join(selected)} FROM {table.rows(ROW)}"  # noqa: S608  quoted names


def _part(table: SourceTable, line: MappedColumn, references: References) -> tuple[str, str] | None:
    """Return SQL for entity and key of one column of a key, None if its text is not comparable."""
    mapping, cell = line.mapping, line.cell(ROW)
    if mapping.kind == "reference":
        found = references.found(line, ROW)
        if mapping.dangling == "keep" or family(line.to) == "bytes":
            return None
        return _entity(line, references), _as_held(line, found)
    if mapping.kind not in _AS_THEY_ARE or family(line.to) not in ("text", "integer", "uuid"):
        return None
    if mapping.kind == "id" and table.mapping.ids == "cuid":
        return literal(table.target), table.identity(ROW)
    key = key_text(cell)
    if mapping.kind == "text":  # a whole number that is stored as a real keeps its point
        key = f"CASE typeof({cell}) WHEN 'real' THEN CAST({cell} AS TEXT) ELSE {key} END"
    return "''", _as_held(line, key)


def _as_held(line: MappedColumn, key: str) -> str:
    """Return SQL for an unchanged key as the target prints it."""
    return f"lower({key})" if family(line.to) == "uuid" else key


def _entity(line: MappedColumn, references: References) -> str:
    entities = [
        (value, literal(references.root(parent).entity or "")) for value, parent in references.parents(line)
    ]
    if not entities:
        return "''"
    if line.mapping.by is None:
        return entities[0][1]
    whens = " ".join(f"WHEN {constant(str(value))} THEN {entity}" for value, entity in entities)
    return f"CASE CAST({ROW}.{quoted(line.mapping.by)} AS TEXT) {whens} END"


def by_mapping(tables: Mapping[str, SourceTable], references: References) -> tuple[RowAccounting, ...]:
    """Return an account for each table."""
    return tuple(account_of(table, references) for table in tables.values())
