"""Who runs the tenants' tasks: this process, or the workers of Dask. No other module knows Dask.

The engine is handed tenants, and yields what became of them, in any order. It may run a task twice (Dask
does, if a worker is lost): a task that was done writes nothing. It remembers nothing of worth.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from migrate.pipeline.fleet.session import Job, Session
from migrate.pipeline.fleet.task import Outcome, migrate_tenant
from migrate.pipeline.fleet.tenant import Tenant
from migrate.runtime.config import Config
from migrate.runtime.errors import MigrateError, Stopped, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

#: How often the number of workers is looked up: workers may come and go.
_LOOK_S: Final = 2.0
_CONNECT_S: Final = 30
_PLUGIN: Final = "migrate-fleet"
#: The kind of an outcome that no worker could record.
LOST: Final = "worker"


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
def open_engine(config: Config, job: Job, require: Callable[[int], None]) -> Iterator[Engine]:
    """Yield the engine that [fleet] asks for.

    `require` is called with the number of workers before they open their sessions. Raises UsageError if Dask
    is needed and not installed, or its scheduler does not answer.
    """
    if config.fleet.workers == 0 and config.fleet.scheduler is None:
        require(1)
        with Session(job, config) as session:
            yield InProcess(session)
        return
    with _connect(config, job.work) as client:
        engine = _Dask(client)
        require(engine.workers())
        client.register_plugin(_worker_plugin(job), name=_PLUGIN)
        try:
            yield engine
        finally:
            engine.close()


def count_workers(config: Config) -> int:
    """Return how many workers there will be; of a cluster those that its scheduler knows now.

    Raises UsageError as `open_engine` does.
    """
    if config.fleet.scheduler is None:
        if config.fleet.workers:
            require_dask()
        return max(1, config.fleet.workers)
    with _connect(config, "") as client:
        return _Dask(client).workers()


def require_dask() -> None:
    """Raise UsageError if the extra `fleet` is not installed."""
    if find_spec("distributed") is None:
        raise UsageError(
            "workers need Dask, which is not installed",
            hint="pip install 'turso-to-prisma[fleet]'; or --workers 0 migrates the tenants in this process",
        )


@contextlib.contextmanager
def _connect(config: Config, folder: str) -> Iterator[Client]:
    """Yield a client of the configured scheduler, or of one of our own with worker processes."""
    require_dask()
    import dask
    from distributed import Client, LocalCluster

    dask.config.set(
        {
            "distributed.admin.tick.limit": "60s",
            "distributed.comm.timeouts.connect": "30s",
            "distributed.worker.profile.enabled": False,  # see FleetPlugin.setup
        }
    )
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        address: Any = config.fleet.scheduler
        if address is None:
            address = stack.enter_context(
                LocalCluster(
                    n_workers=config.fleet.workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                    memory_limit=0,
                    local_directory=folder,
                )
            )
        try:
            yield stack.enter_context(Client(address, timeout=_CONNECT_S, set_as_default=False))
        except OSError as error:
            raise UsageError(
                f"no Dask scheduler answers at {config.fleet.scheduler}", hint="start one: `dask scheduler`"
            ) from error


def _worker_plugin(job: Job) -> Any:
    from migrate.pipeline.fleet.worker import FleetPlugin

    return FleetPlugin(job)


class _Dask:
    """Runs the tenants on the workers of a Dask cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def workers(self) -> int:
        """Return how many workers the scheduler knows. Raises UsageError if it has none."""
        try:
            self._client.wait_for_workers(1, timeout=_CONNECT_S)
        except TimeoutError as error:
            raise UsageError(
                "the Dask scheduler has no worker",
                hint="start some: `dask worker tcp://… --nthreads 1`; then run the same command again",
            ) from error
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def close(self) -> None:
        """Let the workers close their sessions: those of a user's cluster live on."""
        with contextlib.suppress(Exception):  # the scheduler may be gone, and its workers with it
            self._client.unregister_worker_plugin(_PLUGIN)

    def run(self, tenants: Iterable[Tenant]) -> Iterator[Outcome]:
        """Yield what became of each tenant as it is known."""
        from distributed import as_completed

        # One tenant at a time for each worker: Dask counts the death of a worker against every task that it
        # has, and the coordinator's memory is the same for any fleet.
        waiting, by_key, workers = iter(tenants), dict[str, str](), self.workers()
        looked = time.monotonic()
        running = as_completed([], loop=self._client.loop)

        def hand_out(number: int) -> None:
            for tenant in islice(waiting, number):
                future = self._submit(tenant)
                by_key[future.key] = tenant.name
                running.add(future)

        hand_out(workers)
        for future in running:
            outcome = _outcome_of(future, by_key.pop(future.key))
            future.release()
            yield outcome
            if time.monotonic() - looked > _LOOK_S:
                workers, looked = self.workers(), time.monotonic()
            hand_out(max(1, workers - len(by_key)))

    def _submit(self, tenant: Tenant) -> Future:
        from migrate.pipeline.fleet.worker import run_task

        # The name may hold personal data, and Dask shows keys.
        key = f"tenant-{os.urandom(8).hex()}"
        return self._client.submit(run_task, tenant, key=key, pure=False)


def _outcome_of(future: Future, tenant: str) -> Outcome:
    """Return what became of a tenant. Raises MigrateError if the worker could not go on."""
    from distributed import KilledWorker

    try:
        outcome: Outcome = future.result()
    except KilledWorker:
        reason = "its worker process died each time it worked on the tenant; was there memory enough?"
        return Outcome(tenant, "running", kind=LOST, reason=reason)
    except MigrateError:
        raise
    except CancelledError as error:
        raise Stopped(
            "the Dask scheduler is gone", hint="start it, then run the same command again"
        ) from error
    except Exception as error:  # its text may hold personal data
        raise MigrateError(
            f"a worker failed with {type(error).__name__} at a tenant",
            hint="every host of the cluster needs the same version of migrate, Python and Dask; its own log "
            "says more",
        ) from error
    return outcome
