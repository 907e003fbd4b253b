"""Who runs the tenants' tasks: this process, or the workers of Dask. No other module knows Dask.

The engine is handed tenants, and yields what became of them, in any order. It may run a task twice (Dask
does, if a worker is lost): a task that was done writes nothing. It remembers nothing of worth.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from migrate.pipeline.fleet.session import Job, Session
from migrate.pipeline.fleet.task import Outcome, migrate_tenant
from migrate.pipeline.fleet.tenants import Tenant
from migrate.runtime.config import Config
from migrate.runtime.errors import TargetUnavailable, UsageError

if TYPE_CHECKING:
    from distributed import Client

#: Tenants that wait at each worker: few, so that the coordinator's memory is the same for any fleet.
_AHEAD: Final = 2
_CONNECT_S: Final = 30
_PLUGIN: Final = "migrate-fleet"


class Engine(Protocol):
    """Runs tasks of tenants."""

    def run(self, tenants: Iterable[Tenant]) -> Iterator[Outcome]:
        """Yield what became of each tenant; stop handing out tenants if the iterator is closed."""
        ...

    def workers(self) -> int:
        """Return how many workers there are now."""
        ...


class InProcess:
    """Runs the tenants one after the other in this process, over a session of its own."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, tenants: Iterable[Tenant]) -> Iterator[Outcome]:
        """Yield what became of each tenant, in their order."""
        for tenant in tenants:
            yield migrate_tenant(self._session, tenant)

    def workers(self) -> int:
        """Return 1: this process."""
        return 1


@contextlib.contextmanager
def open_engine(config: Config, job: Job) -> Iterator[Engine]:
    """Yield the engine that [fleet] asks for. Raises UsageError if Dask is needed and not installed."""
    if config.fleet.workers == 0 and config.fleet.scheduler is None:
        with Session(job, config) as session:
            yield InProcess(session)
        return
    require_dask()
    with _dask(config, job) as engine:
        yield engine


def require_dask() -> None:
    """Raise UsageError if the extra `fleet` is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "several workers need Dask, which is not installed",
            hint="pip install 'turso-to-prisma[fleet]'; or --workers 0 migrates the tenants in this process",
        ) from error


@contextlib.contextmanager
def _dask(config: Config, job: Job) -> Iterator[Engine]:
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.admin.tick.limit": "60s", "distributed.comm.timeouts.connect": "30s"})
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with contextlib.ExitStack() as stack:
        if config.fleet.scheduler is None:
            cluster: Any = stack.enter_context(
                LocalCluster(
                    n_workers=config.fleet.workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    silence_logs=logging.ERROR,
                    memory_limit=0,
                    local_directory=job.work,
                )
            )
            address = cluster.scheduler_address
        else:
            address = config.fleet.scheduler
        try:
            client = stack.enter_context(Client(address, timeout=_CONNECT_S, set_as_default=False))
        except OSError as error:
            raise UsageError(
                f"no Dask scheduler answers at {address}", hint="start one: `dask scheduler`"
            ) from error
        client.register_plugin(_worker_plugin(job), name=_PLUGIN)
        yield _Dask(client)


def _worker_plugin(job: Job) -> Any:
    from migrate.pipeline.fleet.worker import FleetPlugin

    return FleetPlugin(job)


class _Dask:
    """Runs the tenants on the workers of a Dask cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def workers(self) -> int:
        """Return how many workers the scheduler knows."""
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def run(self, tenants: Iterable[Tenant]) -> Iterator[Outcome]:
        """Yield what became of each tenant as it is known."""
        from distributed import as_completed

        from migrate.pipeline.fleet.worker import run_task

        waiting = iter(tenants)
        submit: Callable[[Tenant], Any] = lambda tenant: self._client.submit(  # noqa: E731
            run_task, tenant, key=f"tenant-{tenant.name}-{os.urandom(4).hex()}", retries=3, pure=False
        )
        try:
            self._client.wait_for_workers(1, timeout=_CONNECT_S)
        except TimeoutError as error:
            raise TargetUnavailable(
                "the Dask scheduler has no worker",
                hint="start some (`dask worker tcp://… --nthreads 1`), then run the same command again",
            ) from error
        many = max(1, self.workers()) * _AHEAD
        running = as_completed([submit(tenant) for tenant in islice(waiting, many)])
        for future in running:
            outcome: Outcome = future.result()
            future.release()
            for tenant in islice(waiting, 1):
                running.add(submit(tenant))
            yield outcome
