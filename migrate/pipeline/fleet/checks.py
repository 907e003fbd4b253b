"""The checks over all tenants at once: what no tenant's own checks can see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from psycopg import sql

from migrate.pipeline.fleet import shared_rows
from migrate.pipeline.fleet.layout import Layout
from migrate.pipeline.fleet.ledger import FleetLedger, Line
from migrate.postgres.catalog import ForeignKey, LiveSchema
from migrate.postgres.connection import Connection, translate_errors
from migrate.runtime.amount import amount
from migrate.runtime.errors import CheckError

#: Findings that a message names.
_NAMED: Final = 5


def check_fleet(
    conn: Connection, fleet: FleetLedger, layout: Layout, schema: str, live: LiveSchema, filled: Sequence[str]
) -> list[str]:
    """Check the rows of all tenants in `schema` (the live one or the staging), and return notes.

    Raises CheckError with the tenants of what is wrong: numbers of rows that are not the sum of the tenants',
    foreign keys that lead from one tenant to another, equal values in a key that counts for all. Live rows of
    tenants that are not published are their earlier ones: a publication of all together would lose them.
    """
    lines = [line for line in fleet.lines() if line.state in ("published", "staged")]
    own = [name for name in filled if name not in layout.shared]
    with translate_errors("checking the fleet"):
        if layout.per_tenant:
            wrong = list(_sums_by_schema(conn, layout, lines, own))
        else:
            wrong = [
                *_sums(conn, layout.fleet.column, schema, lines, own, strict=schema != live.schema),
                *(_lost(conn, layout.fleet.column, live, lines, own) if schema != live.schema else ()),
                *_crossing(conn, layout, schema, live, own),
                *_collisions(conn, layout.fleet.column, schema, live, own),
            ]
    if wrong:
        more = f"\n  and {len(wrong) - _NAMED:,} more" if len(wrong) > _NAMED else ""
        raise CheckError(
            f"{amount(len(wrong), 'finding')} over all tenants:\n  " + "\n  ".join(wrong[:_NAMED]) + more,
            hint="fix the sources or the mapping, then `migrate fleet run --fresh`; with --each the rows "
            "of all other tenants stay",
        )
    differing = shared_rows.differences(conn, fleet)
    shared_rows.require_same(differing, layout.fleet.differs)
    return [
        f"shared row {one.table} {one.key}: "
        f"{amount(len(one.tenants), 'tenant differs', 'tenants differ')} from the first "
        f"({', '.join(one.tenants[:3])})"
        for one in differing
    ]


def _sums(
    conn: Connection, column: str, schema: str, lines: Sequence[Line], tables: Sequence[str], *, strict: bool
) -> Iterator[str]:
    """Yield the tenants whose rows in the tables are not as many as their lines say.

    If it is `strict`, rows of other tenants are wrong too.
    """
    for table in tables:
        query = sql.SQL("SELECT {0}::text, count(*) FROM {1} GROUP BY 1").format(
            sql.Identifier(column), sql.Identifier(schema, table)
        )
        found: dict[str | None, int] = dict(conn.execute(query).fetchall())
        for line in lines:
            if (there := found.pop(line.tenant, 0)) != line.rows.get(table, 0):
                yield (
                    f"{table}: {line.tenant} has {amount(there, 'row')} instead of "
                    f"{line.rows.get(table, 0):,}"
                )
        known = {line.tenant for line in lines}
        if strict and (strangers := sorted(str(name) for name in found if name not in known)):
            yield f"{table}: rows of no published tenant: {', '.join(strangers[:_NAMED])}"


def _lost(
    conn: Connection, column: str, live: LiveSchema, lines: Sequence[Line], tables: Sequence[str]
) -> Iterator[str]:
    """Yield the tables whose live rows are of tenants that are not published with the others."""
    for table in tables:
        query = sql.SQL(
            "SELECT {0}::text, count(*) FROM {1} WHERE NOT coalesce({0}::text = ANY (%s), false)"
            " GROUP BY 1 ORDER BY 1"
        ).format(sql.Identifier(column), sql.Identifier(live.schema, table))
        found = conn.execute(query, ([line.tenant for line in lines],)).fetchall()
        if found:
            named = ", ".join(str(name) for name, _ in found[:_NAMED])
            rows = sum(count for _, count in found)
            yield (
                f"{table}: {amount(rows, 'live row')} of {amount(len(found), 'tenant')} that are "
                f"not published now would be "
                f"gone: {named}"
            )


def _sums_by_schema(
    conn: Connection, layout: Layout, lines: Sequence[Line], tables: Sequence[str]
) -> Iterator[str]:
    for line in lines:
        schema = layout.schema_of(line.tenant)
        counts = sql.SQL(", ").join(
            sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(schema, table)) for table in tables
        )
        row: Any = conn.execute(sql.SQL("SELECT {}").format(counts)).fetchone()
        for table, there in zip(tables, row, strict=True):
            if there != line.rows.get(table, 0):
                yield (
                    f"{table}: {line.tenant} has {amount(there, 'row')} instead of "
                    f"{line.rows.get(table, 0):,}"
                )


def _crossing(
    conn: Connection, layout: Layout, schema: str, live: LiveSchema, own: Sequence[str]
) -> Iterator[str]:
    """Yield the foreign keys that lead from a row of one tenant to a row of another."""
    column = sql.Identifier(layout.fleet.column)
    for key in live.foreign_keys:
        if key.table not in own or key.ref_table not in own or key.schema != live.schema:
            continue
        query = sql.SQL(
            "SELECT c.{column}::text, p.{column}::text, count(*) FROM {child} c JOIN {parent} p ON {same}"
            " WHERE c.{column} IS DISTINCT FROM p.{column} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 5"
        ).format(
            column=column,
            child=sql.Identifier(schema, key.table),
            parent=sql.Identifier(schema, key.ref_table),
            same=_same(key),
        )
        for child, parent, rows in conn.execute(query):
            yield f"{key.name}: {amount(rows, 'row')} of {child} refer to rows of {parent}"


def _same(key: ForeignKey) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("c.{} = p.{}").format(sql.Identifier(mine), sql.Identifier(other))
        for mine, other in zip(key.columns, key.ref_columns, strict=True)
    )


def _collisions(
    conn: Connection, column: str, schema: str, live: LiveSchema, tables: Sequence[str]
) -> Iterator[str]:
    """Yield the keys without the tenant's column that rows of several tenants break, with the tenants."""
    for table in tables:
        for key in live.tables[table].keys:
            if column in key.columns or key.expressions or key.predicate or not key.columns:
                continue  # per tenant; or left to the index itself, which publish builds before any lock
            names = sql.SQL(", ").join(map(sql.Identifier, key.columns))
            nulls = sql.SQL(" AND ").join(
                sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in key.columns
            )
            query = sql.SQL(
                "SELECT array_agg(DISTINCT {column}::text ORDER BY {column}::text) FROM {table}"
                " WHERE {nulls} GROUP BY {names} HAVING count(*) > 1 LIMIT 5"
            ).format(
                column=sql.Identifier(column),
                table=sql.Identifier(schema, table),
                nulls=nulls,
                names=names,
            )
            for (tenants,) in conn.execute(query):
                yield f"{table}: {key.name} is not unique: the same values in {', '.join(tenants[:_NAMED])}"
