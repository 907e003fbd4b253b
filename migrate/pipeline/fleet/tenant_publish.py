"""Makes the checked rows of one tenant live, or adds them to the staging of all tenants: one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from psycopg import errors, sql

from migrate.pipeline.fleet import shared_rows
from migrate.pipeline.fleet.layout import Place
from migrate.pipeline.fleet.ledger import IDS, Line, State
from migrate.pipeline.fleet.session import Session
from migrate.pipeline.fleet.tenant_rows import add_rows, replace_rows
from migrate.pipeline.fleet.tenant_run import TenantRun
from migrate.pipeline.mapping import tables_of
from migrate.postgres.catalog import Key, LiveSchema
from migrate.postgres.connection import to_migrate_error
from migrate.runtime.errors import TargetError
from migrate.runtime.failpoints import hit
from migrate.staging import ledger_queries
from verification.result import Report


class Superseded(Exception):
    """Another attempt has begun or ended meanwhile: `line` is what it left; this one writes nothing."""

    def __init__(self, line: Line) -> None:
        super().__init__(line.tenant)
        self.line = line


def publish_tenant(
    session: Session, run: TenantRun, attempt: int, report: Report, rows_read: int, seconds: float
) -> int:
    """Publish or stage the rows of `attempt`, with the line of the ledger; return how many.

    Raises Superseded if the attempt is not the tenant's latest, TargetError if a key that counts for all
    tenants is broken.
    """
    tenant, live, fleet = run.tenant, run.live, session.fleet
    fates = _fates(run)
    facts = run.state.stage("snapshot")
    assert facts is not None
    state: State = "staged" if session.job.stage_only else "published"
    try:
        with session.conn.transaction():
            session.ledger.guard(session.conn)
            line = fleet.line(tenant, lock=True)
            if line.state != "running" or line.attempt != attempt:
                raise Superseded(line)
            rows = _write(session, tenant, live)
            fleet.finish(
                tenant,
                state,
                digest=facts.artifacts["snapshot"].sha256,
                shape=shape_of(tables_of(run.snapshot_path)),
                source_rows=int(facts.facts["rows"]),
                rows_read=rows_read,
                rows=rows,
                fates=fates,
                checks=len(report.results),
                kind=None,
                reason=None,
                seconds=seconds,
            )
            fleet.forget(run.id)
            hit("tenant:uncommitted")
    except errors.UniqueViolation as error:
        raise _collision(session, live, error) from error
    except errors.Error as error:
        raise to_migrate_error(f"publishing the tenant {tenant}", error) from error
    return sum(rows.values())


def _write(session: Session, tenant: str, live: LiveSchema) -> dict[str, int]:
    """Write the staged rows, and return how many by table."""
    conn, fleet, layout = session.conn, session.fleet, session.layout
    places = list(layout.places(tenant, live, session.filled, session.staging))
    shared = [] if layout.per_tenant else sorted(layout.shared)
    shared_rows.remember(conn, fleet, tenant, session.staging, live, shared)
    if session.job.stage_only:
        return _stage(session, tenant, places)
    shared_rows.write(conn, fleet, live.schema, live, shared, tenant)
    rows = replace_rows(conn, session.ledger, tenant, places)
    if layout.fleet.differs == "stop":
        shared_rows.require_same(shared_rows.differences(conn, fleet, tenant), "stop", tenant)
    return rows


def _stage(session: Session, tenant: str, places: list[Place]) -> dict[str, int]:
    """Add the rows to the staging of all tenants; the map of ids is kept at once."""
    session.conn.execute(
        sql.SQL("DELETE FROM {} WHERE tenant = %s").format(session.ledger.name(IDS)), (tenant,)
    )
    there = session.config.target.staging_schema
    staged = [
        replace(place, live=sql.Identifier(there, place.name)) if place.name else place for place in places
    ]
    return add_rows(session.conn, tenant, staged)


def _fates(run: TenantRun) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, fate, reason, rows in ledger_queries.fates(run.connection, run.ledger, run.id):
        name = f"{fate}: {reason}"
        counts[name] = counts.get(name, 0) + rows
    return counts


def shape_of(tables: Mapping[str, Iterable[str]]) -> str:
    """Return a digest of a tenant's tables and columns: tenants that differ have another one."""
    sorted_columns = {name: sorted(columns) for name, columns in tables.items()}
    return hashlib.sha256(json.dumps(sorted_columns, sort_keys=True).encode()).hexdigest()[:12]


def _collision(session: Session, live: LiveSchema, error: errors.UniqueViolation) -> TargetError:
    """Return the error of a unique key that two tenants' rows break, with the names of the other tenants."""
    name, table = error.diag.constraint_name or "", error.diag.table_name or ""
    key = (
        next((key for key in live.tables[table].keys if key.name == name), None)
        if table in live.tables
        else None
    )
    others = ", ".join(_holders(session, table, key)) if key and not session.layout.per_tenant else ""
    return TargetError(
        f"rows of {table} break its key {name}, which counts for all tenants"
        + (f"; the same values are of {others}" if others else ""),
        hint="rename the values in one of the sources, or make the key one of tenant and columns",
    )


def _holders(session: Session, table: str, key: Key) -> Iterator[str]:
    """Yield the tenants whose live rows have the same key as a staged row: up to five."""
    column = sql.Identifier(session.layout.fleet.column)
    same = sql.SQL(" AND ").join(
        sql.SQL("l.{0} = s.{0}").format(sql.Identifier(name)) for name in key.columns
    )
    if not key.columns or key.expressions:
        return
    query = sql.SQL("SELECT DISTINCT l.{}::text FROM {} l JOIN {} s ON {} ORDER BY 1 LIMIT 5").format(
        column, sql.Identifier(session.address.schema, table), sql.Identifier(session.staging, table), same
    )
    for (name,) in session.conn.execute(query):
        yield name
