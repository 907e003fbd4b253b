"""One run: the open ends, the state and the settings that its stages work with."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import psycopg

from mappers.base import MappingSpec
from migrate.pipeline.ids import Ids
from migrate.pipeline.mapping import digests, emptied_tables, make_project, outline
from migrate.pipeline.state import State
from migrate.postgres.catalog import LiveSchema, introspect
from migrate.postgres.connection import Address
from migrate.postgres.liveness import is_lost
from migrate.publish.early_build import EarlyBuild
from migrate.runtime.background import BackgroundTasks, Cancellation, Work
from migrate.runtime.config import Config
from migrate.runtime.errors import Stopped, TargetUnavailable
from migrate.runtime.failpoints import hit
from migrate.runtime.progress import Reporter
from migrate.snapshot import crosswalk_file
from migrate.snapshot.manifest import SNAPSHOT_NAME
from migrate.snapshot.workspace import Workspace
from migrate.source.configured import ConfiguredSource
from migrate.staging import ledger_queries
from migrate.staging.ledger import Ledger

_CROSSWALK: Final = "crosswalk"


@dataclass
class RunContext:
    """The context that every stage receives.

    `work` is the run's own folder (of a dry run: `rehearsal` in the work
    folder), `connection` the session that holds the target's lock.
    """

    config: Config
    work: Path
    state: State
    origin: ConfiguredSource
    address: Address
    connection: psycopg.Connection[Any]
    ledger: Ledger
    ids: Ids
    early_build: EarlyBuild
    report: Reporter
    stopping: threading.Event
    dry: bool = False
    accept_unproven: bool = False
    #: rows by source table, where this process has looked at both ends a moment ago
    planned: Mapping[str, int] | None = None
    #: the background tasks that were started
    background: BackgroundTasks = field(default_factory=BackgroundTasks)
    _making: threading.Lock = field(default_factory=threading.Lock)

    @property
    def id(self) -> str:
        """The run's id, a CUID."""
        return self.state.document.run_id

    @property
    def staging(self) -> str:
        """The schema of the staged rows."""
        return self.config.target.staging_schema

    @property
    def snapshot_path(self) -> Path:
        """Where the frozen snapshot is, or will be."""
        return self.work / SNAPSHOT_NAME

    @property
    def crosswalk_path(self) -> Path:
        """Where the crosswalk is, which is made from the snapshot and can be made again."""
        return self.work / "crosswalk.db"

    def should_stop(self) -> bool:
        """Tell whether the operator asked to stop after the current batch."""
        return self.stopping.is_set()

    def stop_if_asked(self) -> None:
        """Raise Stopped where the operator asked to stop, TargetUnavailable where the target fell silent."""
        if is_lost(self.connection):
            raise TargetUnavailable(
                f"{self.address.label} does not answer any more",
                hint="run the same command again; it continues where it stopped",
            )
        if self.should_stop():
            raise Stopped("Stopped; nothing is lost", hint="run the same command again to continue")

    def whole_tables(self) -> list[str]:
        """Return the staged tables that have all their rows: those that no mapper still writes to."""
        finished = {
            mapper for _, mapper in ledger_queries.finished_mappers(self.connection, self.ledger, self.id)
        }
        if not finished:
            return []
        awaited = {
            table for mapper, tables in self._written.items() if mapper not in finished for table in tables
        }
        return [table for table in self.filled if table not in awaited]

    @cached_property
    def _written(self) -> dict[str, tuple[str, ...]]:
        """The tables that each mapper writes to, once there is a snapshot."""
        with self.workspace() as workspace:
            project = self.project(workspace.tables())
        return {mapper.name: mapper.writes for stage in project.stages for mapper in stage.mappers}

    @cached_property
    def live(self) -> LiveSchema:
        """The live schema's shape, read once: nothing but publish may change it, and publish restores it."""
        return introspect(self.connection, self.address.schema)

    def workspace(self) -> Workspace:
        """Open the snapshot with its crosswalk, made first where none fits; the caller closes it."""
        self.background.result(_CROSSWALK, lambda: None)
        self._make_crosswalk(Cancellation())
        return Workspace.over(self.snapshot_path, self.crosswalk_path, batch_keys=self.config.load.batch_rows)

    def plan_crosswalk(self) -> Work[None] | None:
        """Return the work that makes the crosswalk, None if the target has no tables yet."""
        return self._make_crosswalk if self.live.tables else None

    def _make_crosswalk(self, cancellation: Cancellation) -> None:
        with self._making:
            mark = self._mark()
            if not crosswalk_file.fits(self.crosswalk_path, mark):
                with (
                    crosswalk_file.build(self.snapshot_path, self.crosswalk_path, mark) as workspace,
                    cancellation.interrupting(workspace.interrupt),
                ):
                    self.project(workspace.tables()).prepare(workspace)
                    hit("crosswalk:prepared")

    def _mark(self) -> str:
        """Return the mark of all that a crosswalk is made from."""
        snapshot = self.state.stage("snapshot")
        return hashlib.sha256(
            json.dumps(
                [
                    snapshot.artifacts["snapshot"].sha256 if snapshot else None,
                    self.config.mappers.model_dump(mode="json", exclude={"mapping"}),
                    digests(self.config),
                    self.state.document.code,
                ]
            ).encode()
        ).hexdigest()

    def project(self, tables: Mapping[str, Sequence[str]]) -> MappingSpec:
        """Return the mapping for a source that has these tables and columns."""
        return make_project(self.config, tables, self.live)

    @cached_property
    def outline(self) -> MappingSpec:
        """The mapping without its source: what it fills, and in which stages."""
        return outline(self.config)

    @property
    def filled(self) -> list[str]:
        """The live tables that the mappers fill."""
        return list(self.outline.tables_filled)

    @property
    def emptied(self) -> list[str]:
        """The live tables that publish empties and does not fill."""
        return emptied_tables(self.config, self.live.tables)
