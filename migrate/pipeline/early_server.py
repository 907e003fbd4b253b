"""The server of an embedded target: started while the command loads its modules, and kept to its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from migrate.postgres.embedded import EmbeddedServer
from migrate.runtime.config import EMBEDDED, Config, target_url
from migrate.runtime.errors import UsageError


@contextlib.contextmanager
def early_server(config: Config, work: Path) -> Iterator[None]:
    """Start the embedded target's server in a thread, and use it until the block ends.

    If it does not start, nothing is raised: who opens the target tries again, and says why.
    """
    try:
        url, _ = target_url(config)
    except UsageError:
        url = ""
    if url != EMBEDDED:
        yield
        return
    server = EmbeddedServer(work)
    with ThreadPoolExecutor(1, thread_name_prefix="early server") as pool:
        started = pool.submit(server.__enter__)
        try:
            yield
        finally:
            wait([started])
            server.__exit__(None, None, None)
