"""The task of one tenant: snapshot, mapping, staging, checks, and its rows live; or a reason why not.

It may be repeated at any time, by any worker: a tenant that is done is left as it is.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mappers.declarative.validate import find_misfits
from migrate.pipeline.fleet.ledger import DONE, State
from migrate.pipeline.fleet.session import Session
from migrate.pipeline.fleet.tenant import Tenant
from migrate.pipeline.fleet.tenant_publish import Superseded, publish_tenant
from migrate.pipeline.fleet.tenant_run import TenantRun, hold_folder, make_run, remove_folder
from migrate.pipeline.mapping import tables_of, target_columns
from migrate.pipeline.stages import load, snapshot, verify
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
        except Superseded as other:
            return Outcome(tenant.name, other.line.state, did=False)
        except SourceUnavailable as error:
            if last:
                return _quarantine(session, tenant, error, began)
        except TargetUnavailable:
            session.lose()
            if last:
                raise
        except (AlreadyRunning, Stopped):
            raise
        except MigrateError as error:
            return _quarantine(session, tenant, error, began)
        time.sleep(random.uniform(0.5, 1) * _FIRST_WAIT * 2**attempt)  # noqa: S311
    raise AssertionError("a tenant has at least one attempt")


def _once(session: Session, tenant: Tenant, began: float) -> Outcome:
    session.ensure_open()
    line = session.fleet.line(tenant.name)
    session.attempt = line.attempt
    if line.state in DONE:
        return Outcome(tenant.name, line.state, did=False)
    live = session.stage(tenant.name)
    attempt = session.fleet.begin(tenant.name, session.job.run_id)
    if attempt is None:
        return Outcome(tenant.name, session.fleet.line(tenant.name).state, did=False)
    session.attempt = attempt
    hit("tenant:begun")
    with hold_folder(Path(session.job.work), tenant.name, attempt) as folder:
        try:
            done = _migrate(session, make_run(session, tenant, live, folder, attempt), attempt, began)
        except (SourceUnavailable, TargetUnavailable):
            raise  # the next attempt goes on with the snapshot
        except (MigrateError, Superseded):
            remove_folder(folder)
            raise
        remove_folder(folder)
    return done


def _migrate(session: Session, run: TenantRun, attempt: int, began: float) -> Outcome:
    rows_read = _take_snapshot(run)
    hit("tenant:snapshot")
    if misfits := find_misfits(run.file, tables_of(run.snapshot_path), target_columns(run.live)):
        raise Misfit("the mapping does not fit this tenant: " + "; ".join(misfits))
    report = _map_and_check(run)
    hit("tenant:checked")
    rows = publish_tenant(session, run, attempt, report, rows_read, time.monotonic() - began)
    hit("tenant:committed")
    return Outcome(
        run.tenant,
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
    verify.require(report, "fix the source, then `migrate fleet retry`")
    return report


def _quarantine(session: Session, tenant: Tenant, error: MigrateError, began: float) -> Outcome:
    seconds = time.monotonic() - began
    kind = _kind(error)
    reason = error.message + (f" Next: {error.hint}" if error.hint else "")
    line = session.fleet.quarantine(tenant.name, kind, reason, seconds, session.attempt)
    hit("tenant:quarantined")
    if line.state != "quarantined":
        return Outcome(tenant.name, line.state, did=False)
    session.discard_schema()
    return Outcome(tenant.name, "quarantined", kind=kind, reason=reason, seconds=seconds)


def _kind(error: MigrateError) -> str:
    """Return the word under which the report groups reasons."""
    kinds = (
        (SourceUnavailable, "source unavailable"),
        (SourceError, "source"),
        (CheckError, "check"),
        (Misfit, "mapping"),
        (TargetError, "target"),
        (UsageError, "configuration"),
    )
    return next((word for kind, word in kinds if isinstance(error, kind)), "other")
