"""What the expressions of a mapping file make: profiled like the columns of the source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from mappers.declarative.derived_value import expression_of, is_derived
from mappers.declarative.mapping_file import MappingFile, TableMapping
from mappers.declarative.row_expression import ExpressionError, RowExpression, read_expression
from mappers.declarative.source_table import row_number_name
from migrate.introspect.profile.columns import ColumnShape, observe
from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.inspection import ColumnReport, Inspection, TableReport
from migrate.source.sql import quote

_ROW: Final = "c"
#: The table of their values, in the scratch schema.
_MADE: Final = '"= made"'


def with_made_columns(inspection: Inspection, mapping: MappingFile, snapshot: Path) -> Inspection:
    """Return an inspection in which the tables have the columns that expressions make, in the file's order.

    Only rows that the condition of a table chooses count, and only values that can be computed.
    """
    tables = {
        table.name: section
        for table in inspection.tables
        if (section := mapping.tables.get(table.name)) is not None
        and any(map(is_derived, section.columns.values()))
    }
    if not tables:
        return inspection
    with InspectedDatabase(snapshot, snapshot.with_name("made.db")) as database:
        found = tuple(
            _with_columns(database, table, tables[table.name]) if table.name in tables else table
            for table in inspection.tables
        )
    return replace(inspection, tables=found)


def _with_columns(database: InspectedDatabase, table: TableReport, section: TableMapping) -> TableReport:
    columns = {column.name: column for column in table.columns}
    names = tuple(columns)
    for name, line in section.columns.items():
        text = expression_of(name, line)
        if text is not None:
            try:
                made = read_expression(text, table.name, names)
                where = read_expression(section.where, table.name, names) if section.where else None
            except ExpressionError:
                continue  # the forecast names it
            columns[name] = _observed(database, table, name, made, where)
    order = {name: place for place, name in enumerate(section.columns)}
    ordered = sorted(columns.values(), key=lambda column: order.get(column.name, len(order)))
    return replace(table, columns=tuple(ordered))


def _observed(
    database: InspectedDatabase,
    table: TableReport,
    name: str,
    made: RowExpression,
    where: RowExpression | None,
) -> ColumnReport:
    """Return the profile of the values of an expression."""
    found = [one for one in (made, where) if one is not None and one.may_fail]
    rows, number = f"{quote(table.name)} AS {_ROW}", row_number_name([one.name for one in table.columns])
    for statement in (
        f"DROP TABLE IF EXISTS s.{_MADE}",
        "DROP TABLE IF EXISTS s.lost",
        f"CREATE TABLE s.{_MADE} ({quote(name)})",
        "CREATE TABLE s.lost (number INTEGER PRIMARY KEY)",
    ):
        database.run(statement)
    condition = where.over(_ROW) if where is not None else "1"
    if found and (number is None or table.without_rowid):
        condition = "0"  # rows without a number have no name: nothing is known of the values
    for one in found if condition != "0" else ():
        for lost in database.failing(one.over(_ROW), f"{_ROW}.{number}", rows):
            database.run("INSERT OR IGNORE INTO s.lost VALUES (?)", (lost,))
    computed = f"{_ROW}.{number} NOT IN (SELECT number FROM s.lost)" if found else "1"  # noqa: S608
    database.run(
        f"INSERT INTO s.{_MADE} SELECT {made.over(_ROW)} FROM {rows}"  # noqa: S608  SQL of the mapping
        f" WHERE CASE WHEN {computed} THEN {condition} END"
    )
    count, filled = database.row(f"SELECT count(*), count({quote(name)}) FROM s.{_MADE}")  # noqa: S608
    (lost,) = database.row("SELECT count(*) FROM s.lost")
    shape = ColumnShape(name, "", 0 < filled == count and not lost, None, 0, generated=False)
    return observe(database, _MADE.strip('"'), count, shape, pure_key=False)
