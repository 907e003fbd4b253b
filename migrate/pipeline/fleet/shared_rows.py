"""Rows that all tenants have in common: one row in the target, for all tenants.

Each tenant's row is remembered; the first tenant's by name is the live one, whatever the order of their
tasks. So the same fleet gives the same rows, and a tenant that differs is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

from migrate.pipeline.fleet.ledger import SHARED, FleetLedger
from migrate.postgres.catalog import LiveSchema, Table
from migrate.postgres.connection import Connection
from migrate.runtime.errors import CheckError

#: Held until the transaction ends: two tenants that bring the same rows must not wait for each other.
_WRITING: Final = 0x6D69_6772_7368_6172
_REMEMBER: Final = """
INSERT INTO {shared} (target, key, tenant, row)
SELECT {target}, jsonb_build_array({keys})::text, %(tenant)s, t::text FROM {staged} AS t"""
_WANTED: Final = """
SELECT {fields} FROM (
    SELECT row::{live} AS r FROM (
        SELECT DISTINCT ON (key) row FROM {shared} AS s WHERE target = {target} AND {wanted}
        ORDER BY key, tenant COLLATE "C") AS first OFFSET 0) AS k
"""
_WRITE: Final = "INSERT INTO {live} ({columns}) {wanted}"
#: In three steps, none of which touches a row that is right: foreign keys may lead to them already.
_STAGE: Final = (
    """UPDATE {live} AS s SET ({columns}) = ROW ({of_wanted}) FROM ({wanted}) AS w
    WHERE {same} AND ({of_staged}) IS DISTINCT FROM ({of_wanted})""",
    """INSERT INTO {live} ({columns}) SELECT {of_wanted} FROM ({wanted}) AS w
    WHERE NOT EXISTS (SELECT FROM {live} AS s WHERE {same})""",
    "DELETE FROM {live} AS s WHERE NOT EXISTS (SELECT FROM ({wanted}) AS w WHERE {same})",
)
_CONFLICT: Final = "ON CONFLICT ({keys}) DO {changes}"
_OF_TENANT: Final = """
key IN (SELECT key FROM {shared} WHERE target = {target} AND tenant = %(tenant)s)"""
_DIFFERENT: Final = """
SELECT target, key, array_agg(tenant ORDER BY tenant COLLATE "C") FROM (
    SELECT target, key, tenant, row, first_value(row) OVER (
        PARTITION BY target, key ORDER BY tenant COLLATE "C") AS first FROM {shared}
    WHERE %(tenant)s::text IS NULL OR (target, key) IN (
        SELECT target, key FROM {shared} WHERE tenant = %(tenant)s)) AS s
WHERE row <> first GROUP BY target, key ORDER BY target, key"""


@dataclass(frozen=True)
class Difference:
    """A shared row that some tenants have otherwise than the first: its table, key, and these tenants."""

    table: str
    key: str
    tenants: tuple[str, ...]


def remember(
    conn: Connection, fleet: FleetLedger, tenant: str, staged: str, live: LiveSchema, tables: Sequence[str]
) -> None:
    """Record the tenant's staged rows of the shared `tables`. Called inside its transaction."""
    if not tables:
        return
    shared = fleet.ledger.name(SHARED)
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (_WRITING,))
    conn.execute(sql.SQL("DELETE FROM {} WHERE tenant = %s").format(shared), (tenant,))
    for name in tables:
        conn.execute(
            sql.SQL(_REMEMBER).format(
                shared=shared,
                target=sql.Literal(name),
                keys=_columns(_key(live.tables[name])),
                staged=sql.Identifier(staged, name),
            ),
            {"tenant": tenant},
        )


def write(
    conn: Connection, fleet: FleetLedger, schema: str, live: LiveSchema, tables: Sequence[str], tenant: str
) -> None:
    """Write the shared rows that `tenant` has into the tables of `schema`, in place of those there."""
    for name in tables:
        table = live.tables[name]
        keys, columns = _key(table), table.writable
        changed = [column for column in columns if column not in keys]
        changes = [sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column)) for column in changed]
        conflict = sql.SQL(_CONFLICT).format(
            keys=_columns(keys),
            changes=sql.SQL("UPDATE SET ") + sql.SQL(", ").join(changes) if changes else sql.SQL("NOTHING"),
        )
        its = sql.SQL(_OF_TENANT).format(shared=fleet.ledger.name(SHARED), target=sql.Literal(name))
        statement = sql.SQL(_WRITE).format(
            live=sql.Identifier(schema, name),
            columns=_columns(columns),
            wanted=_wanted(fleet, schema, table, its),
        )
        conn.execute(statement + conflict, {"tenant": tenant})


def stage(
    conn: Connection, fleet: FleetLedger, staging: str, live: LiveSchema, tables: Sequence[str]
) -> None:
    """Make the staged tables hold the shared rows of all tenants, whatever an earlier call left there."""
    for name in tables:
        table = live.tables[name]
        same = sql.SQL(" AND ").join(
            sql.SQL("s.{0} = w.{0}").format(sql.Identifier(column)) for column in _key(table)
        )
        for statement in _STAGE:
            conn.execute(
                sql.SQL(statement).format(
                    live=sql.Identifier(staging, name),
                    columns=_columns(table.writable),
                    of_wanted=_columns(table.writable, "w"),
                    of_staged=_columns(table.writable, "s"),
                    wanted=_wanted(fleet, staging, table, sql.SQL("true")),
                    same=same,
                )
            )


def _wanted(fleet: FleetLedger, schema: str, table: Table, which: sql.Composable) -> sql.Composed:
    """Return the query for the rows that count: of each key that of the first tenant."""
    columns = [sql.SQL("(k.r).{0} AS {0}").format(sql.Identifier(column)) for column in table.writable]
    return sql.SQL(_WANTED).format(
        live=sql.Identifier(schema, table.name),
        shared=fleet.ledger.name(SHARED),
        target=sql.Literal(table.name),
        wanted=which,
        fields=sql.SQL(", ").join(columns),
    )


def differences(conn: Connection, fleet: FleetLedger, tenant: str | None = None) -> list[Difference]:
    """Return the shared rows (those of `tenant`, if given) that differ between tenants."""
    rows: list[tuple[Any, ...]] = conn.execute(
        sql.SQL(_DIFFERENT).format(shared=fleet.ledger.name(SHARED)), {"tenant": tenant}
    ).fetchall()
    return [Difference(table, key, tuple(tenants)) for table, key, tenants in rows]


def require_same(found: Sequence[Difference], policy: str, tenant: str | None = None) -> None:
    """Raise CheckError if the policy is to stop at a shared row that differs (that of `tenant`, if given)."""
    wrong = [one for one in found if tenant is None or tenant in one.tenants]
    if policy == "stop" and wrong:
        named = "; ".join(f"{one.table} {one.key}: {', '.join(one.tenants[:3])}" for one in wrong[:5])
        raise CheckError(
            f"{len(wrong):,} shared rows differ from those of the first tenant: {named}",
            hint='make them equal in the sources, or set differs = "first" in [fleet] of the mapping',
        )


def _key(table: Table) -> tuple[str, ...]:
    if not table.primary_key:
        raise CheckError(
            f"the shared table {table.name} has no primary key",
            hint="give it one in the target: a shared row is found by it",
        )
    return table.primary_key


def _columns(names: Sequence[str], of: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(of, name) if of else sql.Identifier(name) for name in names)
