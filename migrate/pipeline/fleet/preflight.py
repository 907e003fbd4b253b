"""What must hold before a fleet is run: sessions for all workers, tables that fit."""

from __future__ import annotations

from typing import Final

from mappers.declarative.mapping_file import MappingFile
from migrate.pipeline.fleet.layout import Layout
from migrate.postgres.catalog import LiveSchema
from migrate.postgres.connection import Connection, translate_errors
from migrate.runtime.amount import amount
from migrate.runtime.errors import TargetError, TargetUnavailable

#: Sessions that the server still gives to us: of all, of our role, of our database.
_FREE: Final = """
SELECT least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) - count(*),
    (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user)
        - count(*) FILTER (WHERE usename = current_user),
    (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
        - count(*) FILTER (WHERE datname = current_database()))::int
FROM pg_stat_activity
WHERE datid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'"""

_INDEXED: Final = """
SELECT DISTINCT c.relname, a.attname FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
WHERE n.nspname = %s AND i.indpred IS NULL"""


def require_sessions(conn: Connection, wanted: int) -> None:
    """Raise TargetUnavailable if the server has not `wanted` sessions free, one for each worker."""
    with translate_errors("counting the sessions"):
        row = conn.execute(_FREE).fetchone()
    if row is not None and row[0] < wanted:
        raise TargetUnavailable(
            f"the target has {amount(max(row[0], 0), 'session')} free, but "
            f"{amount(wanted, 'worker needs', 'workers need')} one each",
            hint="use fewer --workers, or raise max_connections",
        )


def columns_without_index(conn: Connection, live: LiveSchema, layout: Layout, filled: list[str]) -> list[str]:
    """Return the columns (`table.column`) by which a tenant's rows are replaced, but no index begins with.

    These are the tenant's own, and the first of each foreign key: PostgreSQL looks there for every row that
    is deleted.
    """
    if layout.per_tenant:
        return []
    with translate_errors("looking for indexes"):
        indexed = set(conn.execute(_INDEXED, (layout.schema,)).fetchall())
    own = [name for name in filled if name not in layout.shared]
    wanted = {(name, layout.fleet.column) for name in own}
    wanted |= {(key.table, key.columns[0]) for key in live.foreign_keys if key.ref_table in own}
    return [f"{table}.{column}" for table, column in sorted(wanted - indexed)]


def require_numbers(live: LiveSchema, layout: Layout, mapping: MappingFile) -> None:
    """Raise TargetError if PostgreSQL numbers a column of a tenant's own table: equal numbers would meet."""
    written: dict[str, set[str]] = {}
    for table in mapping.tables.values():
        if table.target is not None:
            columns = {line.to for line in table.columns.values() if line.to}
            written.setdefault(table.target, set()).update(columns, table.constants)
    numbered = [
        f"{name}.{column.name}"
        for name, columns in sorted(written.items())
        if name in live.tables and not layout.per_tenant
        for column in live.tables[name].columns
        if column.is_numbered and column.name not in columns
    ]
    if numbered:
        raise TargetError(
            f"{', '.join(numbered)} is numbered by PostgreSQL: each tenant's rows would begin at 1",
            hint='map a column to it (`ids = "cuid"` gives ids that no two tenants have), or use '
            'schema = "per-tenant"',
        )


def require_fillable(live: LiveSchema, layout: Layout, filled: list[str]) -> None:
    """Raise TargetError if the target's tables cannot take the rows of one tenant after the other."""
    missing = [name for name in filled if name not in live.tables]
    if missing:
        raise TargetError(
            f"the schema {live.schema} has no table {', '.join(missing)}",
            hint="apply the Prisma schema first: prisma migrate deploy",
        )
    if layout.per_tenant:
        return
    for name in filled:
        table = live.tables[name]
        if name not in layout.shared and table.column(layout.fleet.column) is None:
            raise TargetError(
                f"the table {name} has no column {layout.fleet.column}",
                hint='add it to the Prisma schema, or set column = "…" in [fleet] of the mapping; a table '
                'that all tenants have in common gets scope = "shared"',
            )
    outside = [
        key.table
        for key in live.foreign_keys
        if key.ref_schema == live.schema and key.ref_table in filled and key.table not in filled
    ]
    if outside:
        raise TargetError(
            f"{', '.join(sorted(set(outside)))} refers to tables that a fleet fills",
            hint="its rows would hang on rows that are replaced: drop the foreign key for the migration",
        )
