"""A worker process of Dask: one session for all its tenants, opened when it starts.

Dask finds the functions here by their names, so every host of a cluster needs the same version of migrate.
"""

from __future__ import annotations

import signal
import threading
from typing import Any

from distributed import WorkerPlugin, get_worker

from migrate import __version__
from migrate.pipeline.fleet.session import Job, Session
from migrate.pipeline.fleet.task import Outcome, migrate_tenant
from migrate.pipeline.fleet.tenant import Tenant
from migrate.runtime.errors import UsageError
from migrate.runtime.memory import configure_allocators


class FleetPlugin(WorkerPlugin):  # type: ignore[misc]  # Dask may be missing
    """Opens the session of a worker, and closes it with the worker."""

    name = "migrate-fleet"

    def __init__(self, job: Job) -> None:
        self.job = job
        self.session: Session | None = None

    def setup(self, worker: Any) -> None:
        """Open the session; Dask says so if it cannot be opened."""
        if worker.state.nthreads > 1:
            raise UsageError("a worker of a fleet has one thread", hint="start the workers with --nthreads 1")
        if self.job.code != __version__:
            raise UsageError(
                f"a worker has migrate {__version__}, the coordinator {self.job.code}",
                hint="install the same version on every host of the cluster",
            )
        if self.job.local and threading.current_thread() is threading.main_thread():
            # Ctrl-C reaches every process of the terminal: the coordinator ends its workers itself.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Dask's profiler reads the frames of all threads every 10 ms. In Python 3.11 a garbage collection in
        # the middle of that stops the process for ever (gh-106883); Dask kills it after five minutes.
        for name in ("profile", "profile-cycle"):
            callback = worker.periodic_callbacks.pop(name, None)
            if callback is not None:
                callback.stop()
        configure_allocators()
        self.session = Session(self.job).__enter__()
        worker.migrate_session = self.session

    def teardown(self, worker: Any) -> None:  # noqa: ARG002
        """Close the session."""
        if self.session is not None:
            self.session.__exit__(None, None, None)
            self.session = None


def run_task(tenant: Tenant) -> Outcome:
    """Migrate one tenant over the session of this worker."""
    return migrate_tenant(get_worker().migrate_session, tenant)
