"""The context of one run: the settings, the state and the open connections that its stages work with."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from mappers.base import BoundMapping, MappingSpec
from migrate.pipeline.ids import Ids
from migrate.pipeline.mapping import bind_mapping, emptied_tables, load_spec, tables_of
from migrate.pipeline.state import State
from migrate.postgres.catalog import LiveSchema, introspect
from migrate.postgres.connection import Address
from migrate.postgres.liveness import is_lost
from migrate.publish.early_build import EarlyBuild
from migrate.runtime.background import BackgroundTasks
from migrate.runtime.config import Config
from migrate.runtime.errors import Stopped, TargetUnavailable
from migrate.runtime.progress import Reporter
from migrate.snapshot.manifest import SNAPSHOT_NAME
from migrate.snapshot.previous import find_previous, same_tables
from migrate.source.configured import ConfiguredSource
from migrate.staging.ledger import Ledger


@dataclass
class RunContext:
    """The context that every stage receives.

    `work` is the run's own folder (of a dry run: `rehearsal` in the work
    folder). `connection` is the session that holds the target's lock; it
    belongs to the stage that runs, and no background task uses it. What is
    derived from files and from the live schema is read when it is first asked
    for, once a run.
    """

    config: Config
    work: Path
    state: State
    source: ConfiguredSource
    address: Address
    connection: psycopg.Connection[Any]
    ledger: Ledger
    ids: Ids
    early_build: EarlyBuild
    report: Reporter
    stopping: threading.Event
    #: whether the target is a server of ours: its superuser may make databases there
    embedded: bool = False
    dry: bool = False
    accept_unproven: bool = False
    #: whether a refresh may replace what the application has written since the publication
    discard_changes: bool = False
    #: whether the target may give it no session but `connection`
    single_session: bool = False
    #: the name of the source whose live rows this run may replace
    replace_source: str | None = None
    #: rows by source table, if this process has just looked at both ends
    planned: Mapping[str, int] | None = None
    #: the background tasks that were started
    background: BackgroundTasks = field(default_factory=BackgroundTasks)

    @property
    def id(self) -> str:
        """Return the run's id, a CUID."""
        return self.state.document.run_id

    @property
    def staging(self) -> str:
        """Return the schema of the staged rows."""
        return self.config.target.staging_schema

    @property
    def snapshot_path(self) -> Path:
        """Return the path of the frozen snapshot."""
        return self.work / SNAPSHOT_NAME

    @property
    def crosswalk_path(self) -> Path:
        """Return the path of the crosswalk, which is built from the snapshot and can be built again."""
        return self.work / "crosswalk.db"

    @property
    def own_server(self) -> str | None:
        """Return the URL (secret) of the target's server if it is ours, None if it is the operator's."""
        return self.address.conninfo if self.embedded else None

    def should_stop(self) -> bool:
        """Return whether the operator asked to stop after the current batch."""
        return self.stopping.is_set()

    def stop_if_asked(self) -> None:
        """Raise Stopped if the operator asked to stop, TargetUnavailable if the target stopped answering."""
        if is_lost(self.connection):
            raise TargetUnavailable(
                f"{self.address.label} does not answer any more",
                hint="run the same command again; it continues where it stopped",
            )
        if self.should_stop():
            raise Stopped("Stopped; nothing is lost", hint="run the same command again to continue")

    @cached_property
    def spec(self) -> MappingSpec:
        """Return what the mapping says without a source: stages, tables that it fills, ids and checks."""
        return load_spec(self.config)

    @cached_property
    def live(self) -> LiveSchema:
        """Return the live schema's shape: only publish may change it, and publish restores it."""
        return introspect(self.connection, self.address.schema)

    @cached_property
    def mapping(self) -> BoundMapping:
        """Return the mapping, bound to the snapshot's tables and to the live schema's shape."""
        return bind_mapping(self.config, tables_of(self.snapshot_path), self.live)

    @cached_property
    def unchanged(self) -> frozenset[str]:
        """Return the source tables whose rows are those of the published run that this one refreshes."""
        base = self.state.document.refreshes
        then = None if base is None or self.discard_changes else find_previous(self.work, base)
        return frozenset() if then is None else same_tables(self.snapshot_path, then)

    @property
    def filled(self) -> list[str]:
        """Return the live tables that the mappers fill."""
        return list(self.spec.tables_filled)

    @property
    def emptied(self) -> list[str]:
        """Return the live tables that publish empties and does not fill."""
        return emptied_tables(self.config, self.live.tables)
