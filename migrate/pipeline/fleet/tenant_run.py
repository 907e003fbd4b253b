"""The run of one tenant: the same context that a single run has, over the worker's session."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mappers.base import BoundMapping, MappingSpec
from mappers.declarative.mapping import DeclarativeMapping
from mappers.declarative.mapping_file import MappingFile, for_tenant
from migrate import __version__
from migrate.pipeline.context import RunContext
from migrate.pipeline.fleet.layout import Layout
from migrate.pipeline.fleet.ledger import run_id
from migrate.pipeline.fleet.session import Session
from migrate.pipeline.fleet.tenant import Tenant
from migrate.pipeline.ids import Ids
from migrate.pipeline.mapping import tables_of, target_columns
from migrate.pipeline.state import FORMAT, Document, State
from migrate.postgres.catalog import LiveSchema
from migrate.publish.early_build import EarlyBuild
from migrate.runtime import files, system
from migrate.runtime.clock import now
from migrate.runtime.config import Config, source_token
from migrate.runtime.errors import UsageError
from migrate.source.configured import ConfiguredSource
from migrate.source.url import parse_address


class _Silent:
    """Reports nothing: the coordinator reports a tenant when it is done."""

    def begin(self, stage: str, total: int | None = None) -> None:
        """Report nothing."""

    def advance(self, rows: int) -> None:
        """Report nothing."""

    def doing(self, what: str) -> None:
        """Report nothing."""

    def end(self, stage: str, seconds: float, what: str) -> None:
        """Report nothing."""

    def note(self, text: str) -> None:
        """Report nothing."""

    def detail(self, text: str) -> None:
        """Report nothing."""


@dataclass(kw_only=True)
class TenantRun(RunContext):
    """The context of one tenant's stages; the worker's only session is its own."""

    single_session: bool = True
    tenant: str
    file: MappingFile
    staged_in: str
    shape: LiveSchema
    said: MappingSpec

    @property
    def staging(self) -> str:
        """Return the schema of the worker's temporary tables."""
        return self.staged_in

    @cached_property
    def spec(self) -> MappingSpec:
        """Return what the mapping says without a source."""
        return self.said

    @cached_property
    def live(self) -> LiveSchema:
        """Return the shape of the tenant's live tables."""
        return self.shape

    @cached_property
    def mapping(self) -> BoundMapping:
        """Return the tenant's mapping, bound to its snapshot."""
        return DeclarativeMapping(self.file, tables_of(self.snapshot_path), target=target_columns(self.live))


def folder_of(work: Path, tenant: str) -> Path:
    """Return the folder of a tenant's snapshot, on the worker's machine."""
    return work / "fleet-snapshots" / hashlib.sha256(tenant.encode()).hexdigest()[:24]


@contextlib.contextmanager
def hold_folder(work: Path, tenant: str, attempt: int) -> Iterator[Path]:
    """Yield the tenant's folder, locked; another one if a task that is still alive has it."""
    path = files.make_folder(folder_of(work, tenant))
    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            system.lock(handle)
            free = path.exists() and os.path.samestat(os.fstat(handle), path.stat())
        except BlockingIOError:
            free = False
        yield path if free else files.make_folder(path.with_name(f"{path.name}-{attempt}"))
    finally:
        os.close(handle)


def remove_folder(folder: Path) -> None:
    """Remove what a tenant's task left on the disk: its snapshot is personal data."""
    shutil.rmtree(folder, ignore_errors=True)


def source_of(
    config: Config, tenant: Tenant, folder: Path, pace: Callable[[], None] = lambda: None
) -> ConfiguredSource:
    """Return the tenant's database, with the token of the variable that it names, else that of [source].

    `pace` is called before each request. Raises UsageError if the variable is not set.
    """
    if tenant.token_env and not os.environ.get(tenant.token_env):
        raise UsageError(
            f"the variable {tenant.token_env}, which holds the token of {tenant.name}, is not set here",
            hint="set it where the workers are started",
        )
    token = os.environ.get(tenant.token_env) if tenant.token_env else source_token(config, "")
    label = parse_address(tenant.url).label
    return ConfiguredSource(
        url=tenant.url,
        token=token,
        label=label,
        named_by=tenant.token_env,
        config=config,
        folder=folder,
        pace=pace,
    )


def _pace(session: Session, tenant: Tenant) -> Callable[[], None]:
    """Return what waits until the host of a tenant may be asked again, by whichever worker."""
    limit, host = session.config.fleet.requests_per_second, tenant.host
    if limit is None or not host:
        return lambda: None
    return lambda: time.sleep(session.fleet.wait_for_turn(host, limit))


def make_run(session: Session, tenant: Tenant, live: LiveSchema, work: Path, attempt: int) -> TenantRun:
    """Return the context of one attempt to migrate a tenant, in the folder `work`."""
    layout: Layout = session.layout
    identity = run_id(session.job.run_id, tenant.name, attempt)
    state = State(
        work,
        Document(
            format=FORMAT,
            run_id=identity,
            code=__version__,
            created=now(),
            binding={},
            id_secret="",
            id_rule=session.id_rule,
        ),
    )
    per_column = not layout.per_tenant
    return TenantRun(
        config=session.config,
        work=work,
        state=state,
        source=source_of(session.config, tenant, work, _pace(session, tenant)),
        address=dataclasses.replace(session.address, schema=live.schema),
        connection=session.conn,
        ledger=session.ledger,
        ids=Ids(
            session.secret,
            rule=session.id_rule,
            tenant=tenant.name,
            shared=layout.shared if per_column else (),
        ),
        early_build=EarlyBuild(session.address, session.ledger, session.staging),
        report=_Silent(),
        stopping=threading.Event(),
        tenant=tenant.name,
        file=for_tenant(session.mapping, tenant.name),
        staged_in=session.staging,
        shape=live,
        said=session.spec,
    )
