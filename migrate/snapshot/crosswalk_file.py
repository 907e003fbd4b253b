"""The file of the crosswalk: made beside its name, complete when it has it, and never written again.

The standard library's SQLite and the ADBC driver's are two libraries in one
process, and neither sees the other's locks. So a crosswalk is made through one
bench in one thread (`Bench`), and read, by whomever, as a file that does not
change (`Bench.over`): then there is nothing to lock.
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
    """Tell whether there is a crosswalk that was completed under this mark."""
    if not crosswalk.exists():
        return False
    try:
        with closing(sqlite3.connect(unchanging(crosswalk), uri=True)) as connection:
            row = connection.execute("SELECT mark FROM made").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(row == (mark,))


@contextmanager
def making(snapshot: Path, crosswalk: Path, mark: str) -> Iterator[Workspace]:
    """Yield a bench with an empty crosswalk, which takes the place of `crosswalk` when the caller is done.

    Raises StateMismatch where it cannot be written.
    """
    part = crosswalk.with_name("crosswalk.partial.db")
    _sweep(part.parent, f"{part.name}*")
    with Workspace(snapshot, part) as workspace:
        yield workspace
        workspace.execute("CREATE TABLE x.made (mark TEXT NOT NULL)")
        workspace.execute("INSERT INTO x.made VALUES (?)", (mark,))
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # plays the write-ahead log back into the file
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        hit("crosswalk:complete")
        part.replace(crosswalk)
        files.sync_folder(crosswalk.parent)
        hit("crosswalk:renamed")
    except (sqlite3.DatabaseError, OSError) as error:
        raise StateMismatch(
            f"cannot finish {crosswalk}: {error}",
            hint="see that the disk has room, then type the same command again",
        ) from error


def remove(work: Path) -> None:
    """Remove the crosswalk of a work folder, whole or half made."""
    _sweep(work, "crosswalk.*")


def _sweep(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        path.unlink(missing_ok=True)
