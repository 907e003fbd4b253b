"""Runs a fleet: hands out the tenants, takes what became of them, checks them all, publishes.

It holds the target for the whole fleet, as a single run does; what the workers commit is guarded by its
epoch. Nothing is remembered here that the ledger does not say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psycopg import sql

from migrate.pipeline.context import RunContext
from migrate.pipeline.fleet import shared_rows
from migrate.pipeline.fleet.checks import check_fleet
from migrate.pipeline.fleet.engine import Engine, open_engine
from migrate.pipeline.fleet.layout import Layout, layout_of
from migrate.pipeline.fleet.ledger import FleetLedger, Line
from migrate.pipeline.fleet.session import Job, require_fillable
from migrate.pipeline.fleet.task import Outcome
from migrate.pipeline.fleet.tenants import Tenant
from migrate.pipeline.id_secret import known_ids
from migrate.pipeline.live_target import open_target
from migrate.pipeline.mapping import target_ddl
from migrate.pipeline.open_run import hold_run
from migrate.pipeline.order import run_stages
from migrate.pipeline.run_mode import RunMode
from migrate.pipeline.stage import Stage, StageResult
from migrate.pipeline.stages import backup, cleanup, create_tables, publish
from migrate.postgres.connection import translate_errors
from migrate.runtime.config import Config
from migrate.runtime.errors import CheckError, Stopped, TargetUnavailable, UsageError
from migrate.runtime.failpoints import hit
from migrate.runtime.lockfile import lock_folder
from migrate.runtime.progress import Reporter
from migrate.source.configured import ConfiguredSource
from migrate.source.url import parse_address
from migrate.staging import ledger_queries, schema

#: What the ledger calls the source of a fleet.
_LABEL: Final = "a fleet of tenants"
_FREE: Final = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int"""


@contextlib.contextmanager
def open_fleet(
    config: Config, work: Path, report: Reporter, mode: RunMode = RunMode.START
) -> Iterator[RunContext]:
    """Yield the run of a fleet, with the target locked for it; see `migrate.pipeline.open_run.open_run`."""
    with lock_folder(work), open_target(config, work) as target:
        source = ConfiguredSource(
            url="", token=None, label=_LABEL, named_by="[fleet] tenants", config=config, folder=work
        )
        known = known_ids(config, target, work)
        with hold_run(
            config, work, source, target.address, report, mode, known=known, embedded=target.embedded
        ) as run:
            yield run


@dataclass
class Fleet:
    """The fleet of a run: its tenants, its lines, how it is laid out."""

    run: RunContext
    tenants: Sequence[Tenant]
    quarantined: int = 0
    failed: CheckError | None = None
    layout: Layout = field(init=False)
    ledger: FleetLedger = field(init=False)

    def __post_init__(self) -> None:
        self.layout = layout_of(self.run.config, self.run.address.schema)
        self.ledger = FleetLedger(self.run.ledger)
        self.ledger.create()

    @property
    def together(self) -> bool:
        """Return whether the tenants are staged now, to be published together."""
        wanted = self.run.config.fleet.publish == "together"
        return wanted and self.run.state.document.outcome != "published"

    def job(self) -> Job:
        """Return what the workers must know."""
        assert self.run.ledger.epoch is not None
        file = self.run.config.file
        return Job(
            str(file) if file else None, str(self.run.work), self.run.id, self.run.ledger.epoch, self.together
        )

    def names(self) -> list[str]:
        """Return the names of the tenants."""
        return [tenant.name for tenant in self.tenants]


def run_fleet(fleet: Fleet) -> None:
    """Migrate the tenants that are not done, check them all, and publish.

    Raises CheckError if too many tenants are quarantined, or a check over all tenants fails; Stopped if the
    operator asked to stop. The same command then goes on.
    """
    run = fleet.run
    fleet.ledger.own(run.id)
    _require_one_way(fleet)
    fleet.ledger.add((tenant.name, parse_address(tenant.url).label) for tenant in fleet.tenants)
    run_stages(run, make_stages(fleet))
    if fleet.ledger.counts().get("staged") and run.state.document.outcome == "published":
        fleet.ledger.publish_staged()
        hit("fleet:recorded")
    elif run.state.document.outcome == "open":
        run.state.conclude("published")


def retry(fleet: Fleet, names: Sequence[str]) -> int:
    """Let tenants begin anew with the next `run_fleet`: these, or all in quarantine; return how many.

    Raises StateMismatch for a name that the ledger does not know.
    """
    if not names:
        return fleet.ledger.set_waiting(("quarantined",))
    for name in names:
        fleet.ledger.line(name)
    return fleet.ledger.set_waiting(("quarantined", "published", "rolled_back"), list(names))


def make_stages(fleet: Fleet) -> list[Stage]:
    """Return the stages of a fleet, in order: those of a single run, and its own."""
    config, layout = fleet.run.config, fleet.layout
    stages = []
    if target_ddl(config) is not None and not layout.per_tenant:
        stages.append(create_tables.STAGE)
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
            hint='set publish = "each" in [fleet]: no tenant sees another one\'s rows there',
        )
    if publish_by == "each" and counts.get("staged"):
        raise UsageError(
            f"{counts['staged']:,} tenants of this run are staged, to be published together",
            hint='set publish = "together" in [fleet], or begin anew with `migrate fleet run --fresh`',
        )


# ---- the tenants ---------------------------------------------------------------------


def _run_tenants(fleet: Fleet) -> StageResult:
    run = fleet.run
    if not fleet.layout.per_tenant:
        require_fillable(run.live, fleet.layout, run.filled)
    _require_sessions(run)
    lines = fleet.ledger.lines(fleet.names())
    states = {line.tenant: line.state for line in lines}
    fleet.quarantined = sum(state == "quarantined" for state in states.values())
    waiting = [tenant for tenant in fleet.tenants if states.get(tenant.name) in ("waiting", "running")]
    run.report.begin("tenants", len(waiting))
    if waiting:
        with open_engine(run.config, fleet.job()) as engine:
            canary = min(run.config.fleet.canary, len(waiting))
            _run_wave(fleet, engine, waiting[:canary], canary=True)
            _run_wave(fleet, engine, waiting[canary:])
    run.stop_if_asked()
    if fleet.failed is not None:
        raise fleet.failed
    return _summed(fleet.ledger.lines(fleet.names()))


def _run_wave(fleet: Fleet, engine: Engine, tenants: Sequence[Tenant], *, canary: bool = False) -> None:
    """Run some tenants; hand out no more once the operator stops, or too many are quarantined."""
    run, limits = fleet.run, fleet.run.config.fleet
    read = sum(line.rows_read for line in fleet.ledger.lines()) if limits.max_rows_read else 0

    def hand_out() -> Iterable[Tenant]:
        for tenant in tenants:
            if run.should_stop() or fleet.failed is not None:
                return
            yield tenant

    for outcome in engine.run(hand_out()):
        run.report.advance(1)
        hit("fleet:outcome")
        _report(run, outcome)
        read += outcome.rows_read
        fleet.quarantined += outcome.state == "quarantined"
        if canary and outcome.state == "quarantined":
            fleet.failed = CheckError(
                f"the tenant {outcome.tenant} of the canary is quarantined: {outcome.reason}",
                hint="fix it, then `migrate fleet retry`",
            )
        elif fleet.quarantined > limits.max_quarantined * len(fleet.tenants):
            fleet.failed = _too_many(fleet)
        elif limits.max_rows_read and read > limits.max_rows_read:
            raise Stopped(
                f"{read:,} rows were billed, more than [fleet] max_rows_read",
                hint="raise it, then run the same command again",
            )
        run.stop_if_asked()


def _report(run: RunContext, outcome: Outcome) -> None:
    if outcome.state == "quarantined":
        run.report.note(f"quarantined: {outcome.tenant}: {outcome.kind}: {outcome.reason}")
    elif outcome.did:
        run.report.detail(f"{outcome.tenant}: {outcome.rows:,} rows in {outcome.seconds:.1f} s")


def _too_many(fleet: Fleet) -> CheckError:
    limit = fleet.run.config.fleet.max_quarantined
    return CheckError(
        f"{fleet.quarantined:,} of {len(fleet.tenants):,} tenants are quarantined, more than {limit:.1%}",
        hint="`migrate fleet report` says why; fix them, then `migrate fleet retry`; "
        "or allow more with --max-quarantined, then `migrate fleet run`",
    )


def _require_sessions(run: RunContext) -> None:
    """Raise TargetUnavailable if the server has not as many sessions free as there will be workers."""
    wanted = max(1, run.config.fleet.workers)
    with translate_errors("counting the sessions"):
        row = run.connection.execute(_FREE).fetchone()
    if row is not None and row[0] < wanted:
        raise TargetUnavailable(
            f"the target has {max(row[0], 0)} sessions free, but {wanted} workers need one each",
            hint="use fewer --workers, or raise max_connections",
        )


def _summed(lines: Sequence[Line]) -> StageResult:
    done = [line for line in lines if line.state in ("staged", "published")]
    rows = sum(sum(line.rows.values()) for line in done)
    quarantined = sum(line.state == "quarantined" for line in lines)
    return StageResult(
        f"{len(done):,} tenants, {rows:,} rows; {quarantined:,} quarantined",
        {"tenants": len(done), "rows": rows, "quarantined": quarantined},
    )


# ---- all of them ---------------------------------------------------------------------


def _check_all(fleet: Fleet) -> StageResult:
    run, layout = fleet.run, fleet.layout
    if fleet.together and ledger_queries.publication_of(run.connection, run.ledger, run.id) is not None:
        return StageResult("published already", {})
    if fleet.quarantined > run.config.fleet.max_quarantined * len(fleet.tenants):
        raise _too_many(fleet)
    where = run.staging if fleet.together else run.address.schema
    live = run.live
    if fleet.together:
        with translate_errors("staging the shared rows"), run.connection.transaction():
            run.ledger.guard(run.connection)
            _stage_shared(fleet)
        schema.analyze(run.connection, run.staging)
    notes = check_fleet(run.connection, fleet.ledger, layout, where, live, run.filled)
    for note in notes:
        run.report.note(note)
    return StageResult(f"all tenants checked together; {len(notes)} shared rows differ", {"differ": notes})


def _stage_shared(fleet: Fleet) -> None:
    """Write the shared rows into the staging, in place of those of an attempt before."""
    run = fleet.run
    for name in sorted(fleet.layout.shared):
        run.connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(run.staging, name)))
    shared_rows.write(
        run.connection, fleet.ledger, run.staging, run.live, sorted(fleet.layout.shared), unique=False
    )
