"""Rows that are added for references to missing rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import polars as pl

from mappers.base import ID_MAP, Ids, MappedBatch, Query
from mappers.declarative.casts.column_expr import cast_constant
from mappers.declarative.mapping_columns import ColumnMapping, Kind
from mappers.declarative.references import References, kept_key
from mappers.declarative.source_table import MappedColumn, SourceTable
from mappers.declarative.target_columns import Family, TargetColumn, family, has_default

#: The place of the old key in a placeholder's values.
KEY: Final = "{key}"
VIA: Final = "placeholder"
#: The value of a required column that the file does not mention.
_NEUTRAL: Final[dict[Family, Any]] = {
    "text": f"missing {KEY}",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "integer": 0,
    "boolean": False,
    "real": 0.0,
    "decimal": "0",
    "timestamp": datetime(1970, 1, 1),  # noqa: DTZ001  the target's columns have no zone
    "date": date(1970, 1, 1),
    "json": "{}",
    "bytes": b"",
    "texts": "{}",
}
_KINDS: Final[dict[Family, Kind]] = {
    "integer": "integer",
    "boolean": "boolean",
    "real": "real",
    "decimal": "decimal",
    "timestamp": "timestamp",
    "date": "date",
    "json": "json",
    "bytes": "bytes",
    "enum": "enum",
}


class Placeholders:
    """Implements `mappers.base.Mapper` for the rows added to one table."""

    def __init__(
        self,
        table: SourceTable,
        references: References,
        columns: tuple[TargetColumn, ...],
        constants: dict[str, Any],
    ) -> None:
        self.name = f"{table.name} placeholders"
        self.writes: tuple[str, ...] = (table.target,)
        self._table, self._references = table, references
        self._values = _values(table, columns, constants)
        where = f"FROM x.placeholder WHERE source = {table.number}"
        self.reads = Query(
            sql=f"SELECT number, key {where} AND number > ?1 ORDER BY number LIMIT ?2",
            key="number",
            columns={"number": "integer", "key": "text"},
            count=f"SELECT count(*) {where}",
        )

    def map(self, rows: pl.DataFrame, ids: Ids) -> MappedBatch:
        """Return one row for each missing key."""
        line = self._table.key_line
        assert line is not None
        entity = self._references.root(self._table).entity
        key = pl.col("key")
        new = kept_key(key, line.to) if entity is None else ids.expr(entity, key)
        values = [_filled(value, key).alias(name) for name, value in self._values.items()]
        out = rows.select(new.alias(line.to.name), *values)
        if entity is None:
            return MappedBatch({self._table.target: out})
        known = {"entity": pl.lit(entity), "legacy_id": key, "new_id": new, "via": pl.lit(VIA)}
        id_map = rows.select(expression.alias(name) for name, expression in known.items())
        return MappedBatch({self._table.target: out}, id_map=id_map.select(*ID_MAP))


def _filled(value: Any, key: pl.Expr) -> pl.Expr:
    if isinstance(value, str) and KEY in value:
        before, after = value.split(KEY, 1)
        return pl.lit(before) + key + pl.lit(after)
    return pl.lit(value)


def _values(
    table: SourceTable, columns: tuple[TargetColumn, ...], constants: dict[str, Any]
) -> dict[str, Any]:
    """Return the value of every column except the key: as the file says, null, or a neutral value."""
    line = table.key_line
    key = None if line is None else line.to.name
    of_lines = {one.to.name: one for one in table.lines}
    #: the key itself, next to its new id
    old = {one.to.name for one in table.lines if table.new_id and one.column == table.key_column}
    known = {column.name: column for column in columns} | {name: one.to for name, one in of_lines.items()}
    found: dict[str, Any] = {}
    for name, column in known.items():
        if name == key or column.generated:
            continue
        if name in table.mapping.placeholder:
            found[name] = constant_for(table.mapping.placeholder[name], column, of_lines.get(name))
        elif name in constants:
            found[name] = constants[name]
        elif name in old and family(column) == "text":
            found[name] = KEY
        elif name in of_lines or (column.not_null and not has_default(column)):
            found[name] = neutral(column) if column.not_null else None
    return found


def neutral(column: TargetColumn) -> Any:
    """Return the neutral value of a required column's type; None if it has none."""
    if column.enum:
        return column.enum[0]
    return _NEUTRAL.get(family(column))


def constant_for(value: Any, column: TargetColumn, line: MappedColumn | None = None) -> Any:
    """Return a value of the file as the target column holds it, None if it does not fit."""
    if isinstance(value, str) and KEY in value:
        return value
    kind = _KINDS.get(family(column), "text") if line is None else line.mapping.kind
    kind = _KINDS.get(family(column), "text") if kind in ("id", "reference", "references") else kind
    return cast_constant(value, ColumnMapping.model_validate({"drop": "a constant", "as": kind}), column)
