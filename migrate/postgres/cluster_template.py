"""A new cluster, kept for the next ones of this machine: a copy takes a seventh of the time of initdb.

It is as initdb left it: it holds no row, and its password was discarded; each copy gets one of its own.
Root keeps it in the shared folder, with the binaries, other users in their cache folder. Without such a
folder there is none, and initdb makes every cluster.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from migrate.postgres.binaries import as_root, install_stamp, is_ours, shared_home
from migrate.runtime import files, system
from migrate.runtime.errors import TargetError


def find_template(options: Sequence[str]) -> Path | None:
    """Return the kept cluster of these binaries and options of initdb, None if there is none."""
    path = _path(options)
    return path if path is not None and path.is_dir() else None


def keep_template(data: Path, options: Sequence[str]) -> None:
    """Keep a copy of `data`, which initdb has just made and no server has used; do nothing if that fails."""
    path = _path(options)
    if path is None:
        return
    with contextlib.suppress(OSError, shutil.Error), _alone(path.with_suffix(".lock")):
        if not path.exists():
            part = path.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
            copy_cluster(data, part)
            part.rename(path)


def copy_cluster(source: Path, target: Path, owner: tuple[int, int] | None = None) -> None:
    """Copy a cluster that no server uses; `owner` is the user and group of the copy. Raises OSError."""
    # Without this, the modification times of thousand files are copied, too.
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copy)
    if owner is not None:
        os.chown(target, *owner)
        for folder, folders, names in os.walk(target):
            for name in (*folders, *names):
                os.chown(os.path.join(folder, name), *owner)  # noqa: PTH118  (a Path each is slow)


def _path(options: Sequence[str]) -> Path | None:
    try:
        home = shared_home() if as_root() else _cache_folder()
    except (OSError, RuntimeError, TargetError):  # RuntimeError: the user has no home
        return None
    stamp = hashlib.sha256("\0".join((install_stamp(), *options)).encode()).hexdigest()
    return home / f"cluster-{stamp[:16]}"


def _cache_folder() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = files.make_folder(base / "turso-migrate")
    if not is_ours(home):
        raise PermissionError(f"{home} can be changed by other users")
    return home


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock; raises BlockingIOError if another process holds it."""
    with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, files.FILE_MODE), "r+") as file:
        system.lock(file)
        yield
