"""The task of one tenant: snapshot, mapping, staging, checks, and its rows live; or a reason why not.

It may be repeated at any time, by any worker: a tenant that is done is left as it is.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from psycopg import errors, sql

from mappers.declarative.validate import find_misfits
from migrate.pipeline.fleet import shared_rows
from migrate.pipeline.fleet.layout import Place
from migrate.pipeline.fleet.ledger import DONE, IDS, State
from migrate.pipeline.fleet.session import Session
from migrate.pipeline.fleet.tenant_rows import add_rows, replace_rows
from migrate.pipeline.fleet.tenant_run import TenantRun, make_run, remove_folder
from migrate.pipeline.fleet.tenants import Tenant
from migrate.pipeline.mapping import tables_of, target_columns
from migrate.pipeline.stages import load, snapshot, verify
from migrate.postgres.catalog import Key, LiveSchema
from migrate.postgres.connection import to_migrate_error
from migrate.runtime.errors import (
    AlreadyRunning,
    CheckError,
    MigrateError,
    SourceError,
    SourceUnavailable,
    Stopped,
    TargetError,
    TargetUnavailable,
    UsageError,
)
from migrate.runtime.failpoints import hit
from migrate.staging import ledger_queries
from verification.result import Report

_FIRST_WAIT: Final = 0.5


@dataclass(frozen=True)
class Outcome:
    """What became of a tenant; `did` is false if it was done before, and nothing was written."""

    tenant: str
    state: State
    did: bool = True
    kind: str | None = None
    reason: str | None = None
    seconds: float = 0.0
    rows: int = 0
    rows_read: int = 0


class Misfit(UsageError):
    """The mapping does not fit the schema of a tenant."""


def migrate_tenant(session: Session, tenant: Tenant) -> Outcome:
    """Migrate one tenant and return what became of it; an error of its own quarantines it alone.

    Raises AlreadyRunning if another run owns the target, TargetUnavailable if it does not answer in as many
    attempts as [fleet] grants.
    """
    began = time.monotonic()
    for attempt in range(1, session.config.fleet.attempts + 1):
        last = attempt == session.config.fleet.attempts
        try:
            return _once(session, tenant, began)
        except SourceUnavailable as error:
            if last:
                return _quarantine(session, tenant, error, began)
        except TargetUnavailable:
            if last:
                raise
            session.renew()
        except (AlreadyRunning, Stopped):
            raise
        except MigrateError as error:
            return _quarantine(session, tenant, error, began)
        time.sleep(random.uniform(0.5, 1) * _FIRST_WAIT * 2**attempt)  # noqa: S311
    raise AssertionError("a tenant has at least one attempt")


def _once(session: Session, tenant: Tenant, began: float) -> Outcome:
    line = session.fleet.line(tenant.name)
    if line.state in DONE:
        return Outcome(tenant.name, line.state, did=False)
    live = session.stage(tenant.name)
    run = make_run(session, tenant, live)
    session.fleet.begin(tenant.name, run.id)
    hit("tenant:begun")
    rows_read = _take_snapshot(run)
    hit("tenant:snapshot")
    tables = tables_of(run.snapshot_path)
    if misfits := find_misfits(run.file, tables, target_columns(live)):
        raise Misfit("the mapping does not fit this tenant: " + "; ".join(misfits))
    report = _map_and_check(run)
    hit("tenant:checked")
    rows = _publish(session, run, tenant, live, report, rows_read, time.monotonic() - began)
    hit("tenant:committed")
    remove_folder(Path(session.job.work), tenant.name)
    return Outcome(
        tenant.name,
        "staged" if session.job.stage_only else "published",
        seconds=time.monotonic() - began,
        rows=rows,
        rows_read=rows_read,
    )


def _take_snapshot(run: TenantRun) -> int:
    """Take the snapshot, or go on with the one that an earlier attempt began; return the rows billed."""
    began = time.monotonic()
    run.state.start("snapshot")
    left = snapshot.STAGE.run(run)
    run.state.finish("snapshot", time.monotonic() - began, left.facts, left.artifacts)
    return int(left.facts.get("rows_read") or 0)


def _map_and_check(run: TenantRun) -> Report:
    for stage in run.spec.stages:
        load.make_stage(stage, ()).run(run)
    report = verify.check_rows(run, schema=run.staging)
    verify.require(report, "fix the source or the mapping, then `migrate fleet retry`")
    return report


def _publish(
    session: Session,
    run: TenantRun,
    tenant: Tenant,
    live: LiveSchema,
    report: Report,
    rows_read: int,
    seconds: float,
) -> int:
    """Make the staged rows live, or add them to the staging of all tenants, with the line of the ledger."""
    conn, fleet, layout = session.conn, session.fleet, session.layout
    places = list(layout.places(tenant.name, live, session.filled, session.staging))
    shared = sorted(layout.shared) if not layout.per_tenant else []
    facts = run.state.stage("snapshot")
    assert facts is not None
    fates = _fates(run)
    try:
        with conn.transaction():
            session.ledger.guard(conn)
            fleet.line(tenant.name, lock=True)
            if session.job.stage_only:
                rows = _stage(session, tenant, places)
            else:
                shared_rows.remember(conn, fleet, tenant.name, session.staging, live, shared)
                shared_rows.write(conn, fleet, live.schema, live, shared, tenant.name)
                rows = replace_rows(conn, session.ledger, tenant.name, places)
            if session.job.stage_only:
                shared_rows.remember(conn, fleet, tenant.name, session.staging, live, shared)
            elif layout.fleet.differs == "stop":
                shared_rows.require_same(shared_rows.differences(conn, fleet), "stop", tenant.name)
            fleet.finish(
                tenant.name,
                "staged" if session.job.stage_only else "published",
                digest=facts.artifacts["snapshot"].sha256,
                shape=_shape(run),
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
        raise to_migrate_error(f"publishing the tenant {tenant.name}", error) from error
    return sum(rows.values())


def _stage(session: Session, tenant: Tenant, places: list[Place]) -> dict[str, int]:
    """Add the rows to the staging of all tenants; the map of ids is kept at once."""
    session.conn.execute(
        sql.SQL("DELETE FROM {} WHERE tenant = %s").format(session.ledger.name(IDS)), (tenant.name,)
    )
    there = session.config.target.staging_schema
    staged = [
        replace(place, live=sql.Identifier(there, place.name)) if place.name else place for place in places
    ]
    return add_rows(session.conn, tenant.name, staged)


def _fates(run: TenantRun) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, fate, reason, rows in ledger_queries.fates(run.connection, run.ledger, run.id):
        name = f"{fate}: {reason}"
        counts[name] = counts.get(name, 0) + rows
    return counts


def _shape(run: TenantRun) -> str:
    """Return a digest of the tenant's tables and columns: tenants that differ have another one."""
    tables = {name: sorted(columns) for name, columns in tables_of(run.snapshot_path).items()}
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()[:12]


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


def _quarantine(session: Session, tenant: Tenant, error: MigrateError, began: float) -> Outcome:
    seconds = time.monotonic() - began
    kind = _kind(error)
    reason = error.message + (f" Next: {error.hint}" if error.hint else "")
    session.fleet.quarantine(tenant.name, kind, reason, seconds)
    if not isinstance(error, SourceUnavailable):  # a retry reads what the source holds by then
        remove_folder(Path(session.job.work), tenant.name)
    hit("tenant:quarantined")
    return Outcome(tenant.name, "quarantined", kind=kind, reason=reason, seconds=seconds)


def _kind(error: MigrateError) -> str:
    """Return the word under which the report groups reasons."""
    kinds = (
        (SourceUnavailable, "source unavailable"),
        (SourceError, "source"),
        (CheckError, "check"),
        (Misfit, "mapping"),
        (TargetError, "target"),
    )
    return next((word for kind, word in kinds if isinstance(error, kind)), "other")
