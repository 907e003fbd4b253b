"""Opens the run of a fleet: the work folder, the target, the lock; and what the run knows of its tenants."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migrate.pipeline.context import RunContext
from migrate.pipeline.fleet.layout import Layout, layout_of
from migrate.pipeline.fleet.ledger import FleetLedger
from migrate.pipeline.fleet.session import Job
from migrate.pipeline.fleet.tenant import Tenant
from migrate.pipeline.id_secret import known_ids
from migrate.pipeline.live_target import open_target
from migrate.pipeline.open_run import hold_run
from migrate.pipeline.resume import FLEET
from migrate.pipeline.run_mode import RunMode
from migrate.runtime.config import Config
from migrate.runtime.errors import MigrateError
from migrate.runtime.lockfile import lock_folder
from migrate.runtime.progress import Reporter
from migrate.source.configured import ConfiguredSource


@contextlib.contextmanager
def open_fleet(
    config: Config, work: Path, report: Reporter, mode: RunMode = RunMode.START
) -> Iterator[RunContext]:
    """Yield the run of a fleet, with the target locked for it; see `migrate.pipeline.open_run.open_run`."""
    with lock_folder(work), open_target(config, work) as target:
        source = ConfiguredSource(
            url="", token=None, label=FLEET, named_by="[fleet] tenants", config=config, folder=work
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
    #: these alone are handed out; None: all that wait
    only: frozenset[str] | None = None
    quarantined: int = 0
    #: why no more tenants are handed out
    ending: MigrateError | None = None
    layout: Layout = field(init=False)
    ledger: FleetLedger = field(init=False)

    def __post_init__(self) -> None:
        self.layout = layout_of(self.run.config, self.run.address.schema)
        self.ledger = FleetLedger(self.run.ledger)

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
            str(file) if file else None,
            str(self.run.work),
            self.run.id,
            self.run.ledger.epoch,
            self.together,
            self.run.config.fleet.scheduler is None,
        )

    def names(self) -> list[str]:
        """Return the names of the tenants."""
        return [tenant.name for tenant in self.tenants]


def make_fleet(run: RunContext, tenants: Sequence[Tenant], publish: str | None = None) -> Fleet:
    """Return the fleet of a run; `publish` wins over the way of the run so far, that over [fleet]."""
    ledger = FleetLedger(run.ledger)
    ledger.create()
    wanted = publish or ledger.way(run.id) or run.config.fleet.publish
    settings = run.config.fleet.model_copy(update={"publish": wanted})
    run.config = run.config.model_copy(update={"fleet": settings})
    return Fleet(run, tenants)
