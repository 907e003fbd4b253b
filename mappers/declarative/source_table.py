"""The source's tables in SQL: how a row is numbered, named and found by its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mappers.base import SourceTables
from mappers.declarative.derived_value import expression_of, is_derived
from mappers.declarative.mapping_columns import ColumnMapping
from mappers.declarative.mapping_file import MappingFile, TableMapping
from mappers.declarative.row_expression import ROW, ExpressionError, RowExpression, read_expression
from mappers.declarative.target_columns import TargetColumn, usual
from mappers.sqlite_sql import literal, quoted

#: SQLite's names for the number of a row, unless a column has the name.
_ROWID: Final = ("rowid", "_rowid_", "oid")
#: The separator between values that are one text in a batch.
UNIT: Final = "\x1f"


#: The place of a table's condition among its expressions.
WHERE: Final = -1


@dataclass(frozen=True)
class MappedColumn:
    """One migrated column: `at` is its position in the table, and its name in a batch.

    `made` is the expression that gives its values, None if they are those of the source's column; `failed` is
    SQL that says whether that fails on the row `ROW`, '' if it fails on none. `of_key` are the columns of the
    key of which it is the new id, if that key has other columns to go to itself.
    """

    at: int
    column: str
    mapping: ColumnMapping
    to: TargetColumn
    made: RowExpression | None = None
    failed: str = ""
    of_key: tuple[str, ...] = ()

    def cell(self, alias: str) -> str:
        """Return SQL for its value in a row that the query calls `alias`; NULL if that cannot be computed."""
        value = self.unmasked(alias)
        return f"(CASE WHEN 0 THEN {value} END)" if self.mapping.mask == "null" else value

    def unmasked(self, alias: str) -> str:
        """Return SQL for its value in a row, if a mask takes that away, too."""
        if self.of_key:
            return _all_filled([f"{alias}.{quoted(column)}" for column in self.of_key])
        if not is_derived(self.mapping):
            return f"{alias}.{quoted(self.column)}"
        if self.made is None:
            return "NULL"
        value = self.made.over(alias)
        return f"(CASE WHEN NOT {self.fails(alias)} THEN {value} END)" if self.failed else value

    def fails(self, alias: str) -> str:
        """Return SQL that says whether its value cannot be computed in a row."""
        return self.failed.replace(ROW, alias) or "0"


@dataclass(frozen=True)
class SourceTable:
    """One migrated table of the source; `number` identifies it in the crosswalk.

    `columns` are those of the source, `lines` those of them that are migrated, `lists` those whose parts
    become rows of another table; `indexed` is true if a row is found by its key without a full scan. Rows
    for which `where` is not true are left out; `where_failed` is SQL that says whether it fails on the row
    `ROW`, '' if it fails on none.
    """

    number: int
    name: str
    mapping: TableMapping
    columns: tuple[str, ...]
    lines: tuple[MappedColumn, ...]
    lists: tuple[MappedColumn, ...] = ()
    without_rowid: bool = False
    indexed: bool = False
    where: RowExpression | None = None
    where_failed: str = ""

    @property
    def target(self) -> str:
        """Return the target table."""
        assert self.mapping.target is not None
        return self.mapping.target

    @property
    def key(self) -> tuple[str, ...]:
        """Return the columns that identify a row; none if its rowid does."""
        return self.mapping.key

    def line(self, column: str) -> MappedColumn | None:
        """Return the migrated column of that name, None if it is dropped."""
        return next((line for line in self.lines if line.column == column), None)

    @property
    def key_line(self) -> MappedColumn | None:
        """Return what a reference of one column to the table becomes: its key, or the new id of that.

        None if no column alone is its key, or that is not migrated.
        """
        if not self.key:
            name = row_number_name(self.columns)
            return None if name is None else self.line(name)
        return (self.new_id or self.line(self.key[0])) if len(self.key) == 1 else None

    @property
    def new_id(self) -> MappedColumn | None:
        """Return the column of the new ids next to the key; None if there is none."""
        return next((line for line in self.lines if line.of_key), None)

    @property
    def key_column(self) -> str:
        """Return the source column that names a row, or the rowid."""
        return self.key[0] if self.key else str(row_number_name(self.columns))

    def identity(self, alias: str) -> str:
        """Return SQL for the text that a row's new id is made from: its key, or what a fleet shares it by."""
        names = self.mapping.by or self.key or (self.key_column,)
        texts = [key_text(f"{alias}.{quoted(column)}") for column in names]
        if len(texts) > 1:
            texts = [f"replace(replace({text}, '\\', '\\\\'), ':', '\\:')" for text in texts]
        return " || char(58) || ".join(texts)

    @property
    def rowid(self) -> str | None:
        """Return the name by which a row's number can be selected, None if there is none."""
        return None if self.without_rowid else row_number_name(self.columns)

    @property
    def numbering(self) -> str:
        """Return the crosswalk's table that numbers the rows of a table without rowid."""
        return f"x.row_{self.number}"

    @property
    def keys(self) -> str:
        """Return the crosswalk's table of the keys of a table that has no index of them."""
        return f"x.key_{self.number}"

    def by_key(self, alias: str) -> tuple[str, str]:
        """Return the table to select a row from by its key, and the column that holds the key there."""
        if self.indexed:
            return f"{quoted(self.name)} AS {alias}", f"{alias}.{quoted(self.key_column)}"
        keys = f"keys_{alias}"
        same = f"{self.row_number(alias)} = {keys}.number"
        return f"{self.keys} AS {keys} CROSS JOIN {quoted(self.name)} AS {alias} ON {same}", f"{keys}.key"

    def row_number(self, alias: str) -> str:
        """Return SQL for the number of the current row."""
        if self.rowid is not None:
            return f"{alias}.{self.rowid}"
        same = " AND ".join(f"numbered.k{n} = {alias}.{quoted(k)}" for n, k in enumerate(self.key))
        return f"(SELECT numbered.number FROM {self.numbering} AS numbered WHERE {same})"  # noqa: S608

    def rows(self, alias: str) -> str:
        """Return the table to select from, ordered by `row_key` of it, to read the rows in order."""
        if self.rowid is not None:
            return f"{quoted(self.name)} AS {alias}"
        same = " AND ".join(f"{alias}.{quoted(k)} = numbering.k{n}" for n, k in enumerate(self.key))
        return f"{self.numbering} AS numbering CROSS JOIN {quoted(self.name)} AS {alias} ON {same}"

    def row_key(self, alias: str) -> str:
        """Return the column by which the rows of `rows` are ordered."""
        return f"{alias}.{self.rowid}" if self.rowid is not None else "numbering.number"

    def name_of_row(self, alias: str) -> str:
        """Return SQL for the name of a row in reports: unique, even if its key is not."""
        number = self.row_key(alias)
        if not self.key:
            return f"CAST({number} AS TEXT)"
        texts = [key_text(f"{alias}.{quoted(column)}") for column in self.key]
        if len(texts) > 1:
            texts = [f"replace(replace({text}, '\\', '\\\\'), ':', '\\:')" for text in texts]
        again = (
            f"coalesce((SELECT '#' || again.number FROM x.again WHERE again.source = {self.number}"  # noqa: S608
            f" AND again.number = {number}), '')"
        )
        return f"coalesce({' || char(58) || '.join(texts)} || {again}, 'null#' || {number})"


def _all_filled(cells: Sequence[str]) -> str:
    """Return SQL for a cell that is NULL if one of some is."""
    if len(cells) == 1:
        return cells[0]
    return f"(CASE WHEN {' AND '.join(f'{cell} IS NOT NULL' for cell in cells)} THEN 1 END)"


def has_nul(cell: str) -> str:
    """Return SQL that finds text with a NUL character, which PostgreSQL cannot hold."""
    return f"(typeof({cell}) = 'text' AND instr(CAST({cell} AS BLOB), x'00') > 0)"


def key_text(cell: str) -> str:
    """Return SQL for a key as text, the same for every storage class that compares as equal.

    Blobs, and text with a NUL character, are written in hex.
    """
    return (
        f"CASE typeof({cell}) WHEN 'integer' THEN CAST({cell} AS TEXT)"
        f" WHEN 'real' THEN CASE WHEN {cell} = CAST({cell} AS INTEGER)"
        f" THEN CAST(CAST({cell} AS INTEGER) AS TEXT) ELSE CAST({cell} AS TEXT) END"
        f" ELSE CASE WHEN typeof({cell}) = 'blob' OR {has_nul(cell)}"
        f" THEN 'x''' || hex({cell}) || '''' ELSE {cell} END END"
    )


def source_tables(
    file: MappingFile,
    tables: Mapping[str, Sequence[str]],
    target: Mapping[str, Sequence[TargetColumn]],
) -> dict[str, SourceTable]:
    """Return the migrated tables that the source has, by name."""
    known = tables if isinstance(tables, SourceTables) else SourceTables()
    found = {}
    for number, (name, mapping) in enumerate(sorted(file.tables.items())):
        if mapping.target is None or name not in tables:
            continue
        columns = {column.name: column for column in target.get(mapping.target, ())}
        key = mapping.key[0] if len(mapping.key) == 1 else ""
        table = SourceTable(
            number,
            name,
            mapping,
            tuple(tables[name]),
            (),
            without_rowid=name in known.without_rowid,
            indexed=not mapping.key or (name, key) in known.indexed,
        )
        lines, lists = _mapped(table, mapping, columns, target)
        where = _expression(mapping.where, table)
        where_failed = _failed(table, WHERE) if where is not None and where.may_fail else ""
        found[name] = replace(table, lines=lines, lists=lists, where=where, where_failed=where_failed)
    return found


def _mapped(
    table: SourceTable,
    mapping: TableMapping,
    columns: Mapping[str, TargetColumn],
    target: Mapping[str, Sequence[TargetColumn]],
) -> tuple[tuple[MappedColumn, ...], tuple[MappedColumn, ...]]:
    """Return the migrated columns of a table, and those whose parts become rows of another table."""
    kept = [
        (column, line)
        for column, line in mapping.columns.items()
        if line.to is not None
        and (
            is_derived(line)
            or column in table.columns
            or is_row_number(column, table.columns)
            or mapping.is_new_id(column)
        )
    ]
    kept.sort(key=lambda one: one[1].to_table is not None)  # the place of a line is its letter in a batch
    lines: list[MappedColumn] = []
    lists: list[MappedColumn] = []
    for at, (column, line) in enumerate(kept):
        made = _expression(expression_of(column, line), table)
        failed = _failed(table, at) if made is not None and made.may_fail else ""
        of_table = {one.name: one for one in target.get(line.to_table, ())} if line.to_table else columns
        to = of_table.get(str(line.to)) or usual(str(line.to), line.kind)
        of_key = mapping.key if mapping.is_new_id(column) else ()
        one = MappedColumn(at, column, line, to, made, failed, of_key)
        (lists if line.to_table else lines).append(one)
    return tuple(lines), tuple(lists)


def made_from(table: SourceTable, column: str) -> list[str]:
    """Return the target columns that are made by an expression that reads a source column, or of the key."""
    return [
        line.to.name
        for line in table.lines
        if column in line.of_key or (line.made is not None and column in line.made.reads)
    ]


def _expression(text: str | None, table: SourceTable) -> RowExpression | None:
    """Return an expression over the rows of a table; None for none, or one that `validate` refuses."""
    try:
        return None if text is None else read_expression(text, table.name, table.columns)
    except ExpressionError:
        return None


def _failed(table: SourceTable, at: int) -> str:
    return (
        f"EXISTS (SELECT 1 FROM x.failed AS failed WHERE failed.source = {table.number}"  # noqa: S608
        f" AND failed.at = {at} AND failed.number = {table.row_number(ROW)})"
    )


def row_number_name(columns: Sequence[str]) -> str | None:
    """Return the first name of the rowid that no column of the table has, None if all are taken."""
    names = {name.lower() for name in columns}
    return next((name for name in _ROWID if name not in names), None)


def is_row_number(column: str, columns: Sequence[str]) -> bool:
    """Return whether a column's name means the rowid."""
    return column == row_number_name(columns)


def constant(text: str) -> str:
    """Return a text of the mapping file in SQL quotes."""
    return literal(text)
