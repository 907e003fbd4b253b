"""Files that appear complete or not at all, in a folder that only its owner can read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from migrate.runtime import system
from migrate.runtime.errors import MigrateError, UsageError
from migrate.runtime.failpoints import hit

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def make_folder(path: Path) -> Path:
    """Create the folder `path` (mode 0700) if it is missing, and return it.

    A folder that exists keeps its mode: it may hold other things than ours. Raises UsageError if the
    folder cannot be created, is not a folder, or if every user may write to it.
    """
    try:
        for folder in reversed([path, *path.parents]):  # `parents=True` would leave them open to all
            if not folder.exists():
                folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise UsageError(
            f"cannot use the folder {path}: {error.strerror}",
            hint="give another folder with --work, or fix its owner and permissions",
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise UsageError(f"cannot use the folder {path}: it is a file", hint="name another folder")
    if found.st_mode & stat.S_IWOTH:
        raise UsageError(
            f"cannot use the folder {path}: every user of this machine may write to it",
            hint=f"name a folder of your own, such as {path / 'migrate'}: it is made if it is missing",
        )
    return path


def readers(path: Path) -> str | None:
    """Return who else may look into a folder, as text, or None if only its owner may."""
    found = path.stat()
    if found.st_uid != system.user_id():
        return f"the user {found.st_uid}, who owns it"
    if found.st_mode & stat.S_IRWXO:
        return "every user of this machine"
    return "other users of its group" if found.st_mode & stat.S_IRWXG else None


def sync_folder(path: Path) -> None:
    """Flush the folder's entries to the disk, so that a rename in it survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[BinaryIO]:
    """Yield a file (mode 0600) that becomes `path` when the block ends without an error.

    Temporary name, fsync, rename, fsync of the folder. If the block raises, `path` is unchanged and the
    temporary file is removed.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    hold(handle)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(FILE_MODE)
        hit(f"{path.name}:written")
        part.replace(path)
        hit(f"{path.name}:renamed")
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MigrateError(
            f"cannot write {path}: {error.strerror}",
            hint="free disk space or fix the permissions of the folder, then run the same command again",
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def hold(handle: int) -> None:
    """Mark the file as being written while the handle is open, so that `sweep_parts` does not remove it."""
    system.lock(handle, wait=True)


def sweep_parts(folder: Path) -> None:
    """Remove what interrupted writes left in `folder`; a file that another process is writing stays."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), part.open("rb") as file:
            system.lock(file)
            part.unlink(missing_ok=True)


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
