"""An empty PostgreSQL server of our own that is removed after use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from migrate.postgres.embedded import THROWAWAY, EmbeddedServer

#: Its description is `<work>/drill.json`, its cluster `<work>/drill` or, of root, in the shared folder.
NAME: Final = "drill"


@contextlib.contextmanager
def running(
    work: Path, start_server: Callable[[], EmbeddedServer] | None = None, *, own: str | None = None
) -> Iterator[str]:
    """Yield the URL of a throwaway server in `work`, or of the one that `start_server` returns.

    `own` is the URL of a server of ours that runs anyway: then it is yielded, and no other one is made.
    """
    if own is not None:
        yield own
        return
    server = start_server() if start_server else start(work)
    try:
        yield server.url()
    finally:
        stop(server)


def start(work: Path) -> EmbeddedServer:
    """Return a throwaway server in `work`, started; the caller ends it with `stop`."""
    server = EmbeddedServer(work, NAME, THROWAWAY)
    server.destroy()  # left by a process that was killed
    try:
        server.__enter__()
    except BaseException:
        server.destroy()
        raise
    return server


def remove_left(work: Path) -> None:
    """Stop and remove the throwaway server that a killed process left in `work`: it may hold live rows."""
    EmbeddedServer(work, NAME, THROWAWAY).destroy_if_unused()


def stop(server: EmbeddedServer) -> None:
    """Stop the server and remove its cluster."""
    server.discard()
