"""One run at a time in a work folder: a lock file with the name of the process that holds it."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from migrate.runtime import files, system
from migrate.runtime.clock import now
from migrate.runtime.errors import AlreadyRunning, UsageError
from migrate.runtime.json_lines import write_note

NAME: Final = "run.lock"
_UMASK: Final = 0o077


def lock_holder() -> str:
    """Return this process as text (host, process id and time), for the error that another run shows."""
    return f"process {os.getpid()} on {socket.gethostname()} since {now()}"


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock the work folder while the block runs; the lock ends with the process.

    Files that this process creates meanwhile are readable by its user alone, also where libraries
    create them. Raises AlreadyRunning, with the holder, if another process holds the folder.
    """
    files.make_folder(folder)
    others = files.readers(folder)
    if others is not None:
        how = f"{others} can see the names of its files, but not read them"
        write_note(f"the folder {folder} existed and keeps its mode: {how}")
    path = folder / NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, files.FILE_MODE)
    except OSError as error:
        raise UsageError(
            f"cannot write to the work folder {folder}: {error.strerror}",
            hint="make it writable, or give another folder with --work",
        ) from error
    with os.fdopen(handle, "r+", encoding="utf-8") as file:
        try:
            system.lock(file)
        except BlockingIOError as error:
            raise AlreadyRunning(
                f"the work folder {folder} is in use by {file.read().strip() or 'another process'}",
                hint="wait until it ends, or give another folder with --work",
            ) from error
        file.truncate(0)
        file.write(lock_holder())
        file.flush()
        before = os.umask(_UMASK)
        try:
            yield
        finally:
            os.umask(before)
        file.truncate(0)
