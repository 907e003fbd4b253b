"""The file of the crosswalk: built under a temporary name, complete under its own, and never changed then.

The SQLite of the standard library and the SQLite of the ADBC driver are two libraries in one process, and
neither sees the locks of the other. So a crosswalk is built through one workspace in one thread
(`Workspace`). It is read as a file that does not change (`Workspace.open_readonly`): then no locks are
needed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from migrate.runtime import files
from migrate.runtime.errors import StateMismatch
from migrate.runtime.failpoints import hit
from migrate.snapshot.workspace import Workspace, unchanging


def fits(crosswalk: Path, mark: str) -> bool:
    """Return whether there is a complete crosswalk with this mark."""
    if not crosswalk.exists():
        return False
    try:
        with closing(sqlite3.connect(unchanging(crosswalk), uri=True)) as connection:
            row = connection.execute("SELECT mark FROM made").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(row == (mark,))


@contextmanager
def build(snapshot: Path, crosswalk: Path, mark: str) -> Iterator[Workspace]:
    """Yield a workspace with an empty crosswalk, which replaces `crosswalk` when the block ends.

    Raises StateMismatch if it cannot be written.
    """
    part = crosswalk.with_name("crosswalk.partial.db")
    _sweep(part.parent, f"{part.name}*")
    with Workspace(snapshot, part) as workspace:
        yield workspace
        if workspace.source_reads:
            workspace.source_reads.save()
        workspace.execute("CREATE TABLE x.made (mark TEXT NOT NULL)")
        workspace.execute("INSERT INTO x.made VALUES (?)", (mark,))
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # writes the write-ahead log back into the file
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        hit("crosswalk:complete")
        part.replace(crosswalk)
        files.sync_folder(crosswalk.parent)
        hit("crosswalk:renamed")
    except (sqlite3.DatabaseError, OSError) as error:
        raise StateMismatch(
            f"cannot finish {crosswalk}: {error}",
            hint="free disk space, then run the same command again",
        ) from error


def remove(work: Path) -> None:
    """Remove the crosswalk of a work folder, complete or not."""
    _sweep(work, "crosswalk.*")


def _sweep(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        path.unlink(missing_ok=True)
