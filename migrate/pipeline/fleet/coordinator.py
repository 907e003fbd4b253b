"""Runs a fleet: hands out the tenants, takes what became of them, checks them all, publishes.

It holds the target for the whole fleet, as a single run does; what the workers commit is guarded by its
epoch. Nothing is remembered here that the ledger does not say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from psycopg import sql

from migrate.pipeline.context import RunContext
from migrate.pipeline.fleet import preflight, shared_rows
from migrate.pipeline.fleet.checks import check_fleet
from migrate.pipeline.fleet.engine import LOST, Engine, count_workers, open_engine
from migrate.pipeline.fleet.layout import fleet_mapping
from migrate.pipeline.fleet.ledger import Line
from migrate.pipeline.fleet.open_fleet import Fleet
from migrate.pipeline.fleet.task import Outcome
from migrate.pipeline.fleet.tenant import Tenant
from migrate.pipeline.mapping import target_ddl
from migrate.pipeline.order import run_stages
from migrate.pipeline.stage import Stage, StageResult
from migrate.pipeline.stages import backup, cleanup, create_tables, publish
from migrate.postgres.connection import translate_errors
from migrate.runtime.amount import amount
from migrate.runtime.errors import CheckError, MigrateError, Stopped, UsageError
from migrate.runtime.failpoints import hit
from migrate.source.url import parse_address
from migrate.staging import ledger_queries, schema


def run_fleet(fleet: Fleet) -> None:
    """Migrate the tenants that are not done, check them all, and publish.

    Raises CheckError if too many tenants are quarantined, or a check over all tenants fails; Stopped if the
    operator asked to stop. The same command then goes on.
    """
    run = fleet.run
    fleet.ledger.own(run.id)
    _require_one_way(fleet)
    fleet.ledger.keep_way(run.config.fleet.publish)
    fleet.ledger.add((tenant.name, parse_address(tenant.url).label) for tenant in fleet.tenants)
    run_stages(run, make_stages(fleet))
    if fleet.ledger.counts().get("staged") and run.state.document.outcome == "published":
        fleet.ledger.publish_staged()
        hit("fleet:recorded")
    elif run.state.document.outcome == "open":
        run.state.conclude("published")


def retry(fleet: Fleet, names: Sequence[str]) -> int:
    """Let `run_fleet` take tenants alone, and anew: these, or all in quarantine; return how many.

    Raises StateMismatch for a name that the ledger does not know, UsageError for one that the list of tenants
    does not have any more.
    """
    if fleet.run.state.document.outcome == "rolled_back":
        raise UsageError("the fleet was rolled back as a whole", hint="`migrate fleet run` begins anew")
    lines = [fleet.ledger.line(name) for name in names] or fleet.ledger.lines(fleet.names())
    wanted = [line.tenant for line in lines if names or line.state == "quarantined"]
    if gone := sorted(set(wanted) - set(fleet.names())):
        raise UsageError(
            f"the list of tenants does not name {', '.join(gone[:5])}",
            hint="give the same --tenants as for `migrate fleet run`",
        )
    fleet.only = frozenset(wanted)
    fleet.ledger.set_waiting(("quarantined", "published", "rolled_back"), wanted)
    return len(wanted)


def make_stages(fleet: Fleet) -> list[Stage]:
    """Return the stages of a fleet, in order: those of a single run, and its own."""
    config, layout = fleet.run.config, fleet.layout
    stages = []
    if target_ddl(config) is not None and not layout.per_tenant:
        stages.append(create_tables.STAGE)
    stages.append(_stage("preflight", "look for sessions and tables", lambda _run: _look_first(fleet)))
    if fleet.together:
        stages += [backup.STAGE, cleanup.STAGE]
    elif not layout.per_tenant:
        stages.append(_BACKUP)
    stages += [
        _stage("tenants", "migrate each tenant", lambda _run: _run_tenants(fleet)),
        _stage("fleet checks", "check all tenants together", lambda _run: _check_all(fleet)),
    ]
    if fleet.together:
        stages.append(publish.STAGE)
    return stages


def _save_live(run: RunContext) -> StageResult:
    """Back the live rows up if there are any: what a tenant's publish replaces is kept anyway."""
    with translate_errors("looking for live rows"):
        for name in run.filled:
            query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(run.address.schema, name))
            if run.connection.execute(query).fetchone() is not None:
                return backup.STAGE.run(run)
    return StageResult("the live tables are empty: nothing to save")


def _check_saved(run: RunContext) -> None:
    record = run.state.stage("backup")
    if record is not None and "dump" in record.facts:
        backup.STAGE.check(run)


_BACKUP: Final = Stage(
    "backup", "dump the live rows, if there are any", _check_saved, _save_live, backup.STAGE.undo
)


def _stage(name: str, does: str, work: Callable[[RunContext], StageResult]) -> Stage:
    return Stage(name, does, lambda _run: None, work, lambda _run: None, always=True)


def _require_one_way(fleet: Fleet) -> None:
    counts, publish_by = fleet.ledger.counts(), fleet.run.config.fleet.publish
    if publish_by == "together" and fleet.layout.per_tenant:
        raise UsageError(
            "tenants with a schema of their own are published each, not together",
            hint="add --each: no tenant sees another one's rows there",
        )
    if publish_by == "each" and counts.get("staged"):
        raise UsageError(
            f"staged: {amount(counts['staged'], 'tenant')} of this run, to be published together",
            hint="add --together, or begin anew with `migrate fleet run --fresh`",
        )


# ---- the tenants ---------------------------------------------------------------------


def _look_first(fleet: Fleet) -> StageResult:
    run, layout = fleet.run, fleet.layout
    if not layout.per_tenant:
        preflight.require_fillable(run.live, layout, run.filled)
        preflight.require_numbers(run.live, layout, fleet_mapping(run.config))
    if bare := preflight.columns_without_index(run.connection, run.live, layout, run.filled):
        run.report.note(
            f"no index begins with {', '.join(bare)}: to replace or roll back a tenant's rows, whole tables "
            "are read again and again"
        )
    workers = count_workers(run.config)
    preflight.require_sessions(run.connection, workers)
    return StageResult(
        f"{amount(len(fleet.tenants), 'tenant')}, {amount(workers, 'worker')}", {"workers": workers}
    )


def _run_tenants(fleet: Fleet) -> StageResult:
    run = fleet.run
    lines = fleet.ledger.lines(fleet.names())
    states = {line.tenant: line.state for line in lines}
    fleet.quarantined = sum(state == "quarantined" for state in states.values())
    waiting = [
        tenant
        for tenant in fleet.tenants
        if states.get(tenant.name) in ("waiting", "running")
        and (fleet.only is None or tenant.name in fleet.only)
    ]
    if waiting:
        run.report.doing("starting the workers")
        require = partial(preflight.require_sessions, run.connection)
        with open_engine(run.config, fleet.job(), require) as engine:
            canary = min(run.config.fleet.canary, len(waiting))
            run.report.doing(f"{amount(len(waiting), 'tenant waits', 'tenants wait')}")
            _run_wave(fleet, engine, waiting[:canary], canary=True)
            _run_wave(fleet, engine, waiting[canary:])
    run.stop_if_asked()
    if fleet.ending is not None:
        raise fleet.ending
    return _summed(fleet.ledger.lines(fleet.names()))


def _run_wave(fleet: Fleet, engine: Engine, tenants: Sequence[Tenant], *, canary: bool = False) -> None:
    """Run some tenants; hand out no more once the operator stops, or the run is to end."""
    run = fleet.run
    began = time.monotonic()
    read = sum(line.rows_read for line in fleet.ledger.lines()) if run.config.fleet.max_rows_read else 0

    def hand_out() -> Iterable[Tenant]:
        for tenant in tenants:
            if run.should_stop() or fleet.ending is not None:
                return
            yield tenant

    for over, outcome in enumerate(engine.run(hand_out()), 1):
        if outcome.kind == LOST and outcome.reason is not None:
            line = fleet.ledger.quarantine(outcome.tenant, LOST, outcome.reason, outcome.seconds)
            outcome = replace(outcome, state=line.state)
        hit("fleet:outcome")
        _report(run, outcome)
        read += outcome.rows_read
        fleet.quarantined += outcome.did and outcome.state == "quarantined"
        left = (time.monotonic() - began) / over * (len(tenants) - over)
        run.report.doing(
            f"{over:,} of {amount(len(tenants), 'tenant')}, {fleet.quarantined:,} in quarantine, "
            f"about {left:,.0f} s"
        )
        fleet.ending = fleet.ending or _reason_to_end(fleet, outcome, read, canary=canary)
        run.stop_if_asked()


def _reason_to_end(fleet: Fleet, outcome: Outcome, read: int, *, canary: bool) -> MigrateError | None:
    limits = fleet.run.config.fleet
    if canary and outcome.state == "quarantined":
        return CheckError(
            f"the tenant {outcome.tenant} of the canary is quarantined: {outcome.reason}",
            hint="fix it, then `migrate fleet retry`; then `migrate fleet run`",
        )
    if fleet.quarantined > limits.max_quarantined * len(fleet.tenants):
        return _too_many(fleet)
    if limits.max_rows_read and read > limits.max_rows_read:
        return Stopped(
            f"{amount(read, 'row was', 'rows were')} billed, more than [fleet] max_rows_read",
            hint="raise it, then run the same command again",
        )
    return None


def _report(run: RunContext, outcome: Outcome) -> None:
    if outcome.state == "quarantined":
        run.report.note(f"quarantined: {outcome.tenant}: {outcome.kind}: {outcome.reason}")
    elif outcome.did:
        run.report.detail(f"{outcome.tenant}: {amount(outcome.rows, 'row')} in {outcome.seconds:.1f} s")


def _too_many(fleet: Fleet) -> CheckError:
    limit = fleet.run.config.fleet.max_quarantined
    return CheckError(
        f"{fleet.quarantined:,} of {amount(len(fleet.tenants), 'tenant is', 'tenants are')} "
        f"quarantined, more than {limit:.1%}",
        hint="`migrate fleet report` says why; fix them, then `migrate fleet retry`; "
        "or allow more with --max-quarantined, then `migrate fleet run`",
    )


def _summed(lines: Sequence[Line]) -> StageResult:
    done = [line for line in lines if line.state in ("staged", "published")]
    rows = sum(sum(line.rows.values()) for line in done)
    quarantined = sum(line.state == "quarantined" for line in lines)
    return StageResult(
        f"{amount(len(done), 'tenant')}, {amount(rows, 'row')}; {quarantined:,} quarantined",
        {"tenants": len(done), "rows": rows, "quarantined": quarantined},
    )


# ---- all of them ---------------------------------------------------------------------


def _check_all(fleet: Fleet) -> StageResult:
    run, layout = fleet.run, fleet.layout
    if fleet.together and ledger_queries.publication_of(run.connection, run.ledger, run.id) is not None:
        return StageResult("published already", {})
    if fleet.quarantined > run.config.fleet.max_quarantined * len(fleet.tenants):
        raise _too_many(fleet)
    _require_all_done(fleet)
    where = run.staging if fleet.together else run.address.schema
    live = run.live
    if fleet.together:
        with translate_errors("staging the shared rows"), run.connection.transaction():
            run.ledger.guard(run.connection)
            shared_rows.stage(run.connection, fleet.ledger, run.staging, run.live, sorted(layout.shared))
        schema.analyze(run.connection, run.staging)
    notes = check_fleet(run.connection, fleet.ledger, layout, where, live, run.filled)
    for note in notes:
        run.report.note(note)
    return StageResult(f"all tenants checked together; {len(notes)} shared rows differ", {"differ": notes})


def _require_all_done(fleet: Fleet) -> None:
    """Raise Stopped if tenants still wait: they were not asked for."""
    counts = fleet.ledger.counts(fleet.names())
    if waiting := counts.get("waiting", 0) + counts.get("running", 0):
        raise Stopped(f"{waiting:,} other tenants wait", hint="`migrate fleet run` goes on with them")
