"""Private copies of source files. Plan and snapshot share one copy if the file did not change in between."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migrate.runtime import system

#: name, inode, times of the last change of content and of metadata, bytes: of each file that was copied
Stamp = tuple[tuple[str, int, int, int, int], ...]

_PREFIX: Final = "migrate-copy-"
#: A copy that no process holds is left over from a killed process, unless its folder is new.
_JUST_NOW_S: Final = 60.0
#: A file that changes twice within one tick of its file system's clock shows one time for both.
_TICK_NS: Final = 3_000_000_000


@dataclass(frozen=True)
class PrivateCopy:
    """An SQLite file of ours in its own folder; `mark` is a digest of the source's content."""

    folder: Path
    mark: str
    #: the open folder, locked: `sweep` does not remove it
    lock_descriptor: int

    @property
    def path(self) -> Path:
        """Return the path of the file."""
        return _file(self.folder)

    def remove(self) -> None:
        """Remove the file and its folder."""
        _discard(self.folder, self.lock_descriptor)


#: Copies that were given back, by the path of the original.
_returned: dict[Path, tuple[Stamp, PrivateCopy]] = {}


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """Return a stamp that changes when the files are written to. Raises OSError if one is missing."""
    return tuple(_stamp(path.name, path.stat()) for path in paths)


def _stamp(name: str, stat: os.stat_result) -> tuple[str, int, int, int, int]:
    return name, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def borrow(
    original: Path, stamp: Callable[[], Stamp], make: Callable[[Path], str]
) -> tuple[PrivateCopy, Callable[[], None]]:
    """Return a private copy of `original`, and the function to call when it is no longer read.

    A copy that was given back is returned again as long as the file's stamp has not changed. It is removed by
    `remove_returned`, and when the process ends. `make` writes the copy to the path it is given and returns
    the mark.
    """
    original = original.absolute()
    before = _try_stamp(stamp)
    returned_stamp, returned = _returned.pop(original, (None, None))
    if returned is not None:
        if returned_stamp is not None and returned_stamp == before and returned.path.exists():
            return returned, _keeping(original, returned_stamp, returned)
        returned.remove()
    began = time.time_ns()
    copy = _fill(make)
    if before is not None and _shows_later_changes(before, began) and _try_stamp(stamp) == before:
        return copy, _keeping(original, before, copy)
    return copy, copy.remove


def remove_returned() -> None:
    """Remove the copies that were given back."""
    while _returned:
        _, (_, copy) = _returned.popitem()
        copy.remove()


atexit.register(remove_returned)


def sweep() -> None:
    """Remove the copies that killed processes of this user have left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            seen = folder.stat()
            if seen.st_uid != system.user_id() or time.time() - seen.st_mtime < _JUST_NOW_S:
                continue
            _discard(folder, _hold(folder))


def _fill(make: Callable[[Path], str]) -> PrivateCopy:
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock_descriptor = _hold(folder)
    try:
        return PrivateCopy(folder, make(_file(folder)), lock_descriptor)
    except BaseException:
        _discard(folder, lock_descriptor)
        raise


def _hold(folder: Path) -> int:
    """Return the open folder, locked. Raises BlockingIOError if another process holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        system.lock(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _discard(folder: Path, lock_descriptor: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock_descriptor)


def _file(folder: Path) -> Path:
    return folder / "copy.db"


def _try_stamp(stamp: Callable[[], Stamp]) -> Stamp | None:
    try:
        return stamp()
    except OSError:  # the companion files of a database come and go
        return None


def _shows_later_changes(stamp: Stamp, now: int) -> bool:
    """Return whether a change after `now` would be visible in the files' times."""
    return all(max(content, anything) < now - _TICK_NS for _, _, content, anything, _ in stamp)


def _keeping(original: Path, stamp: Stamp, copy: PrivateCopy) -> Callable[[], None]:
    def keep() -> None:
        _, other = _returned.pop(original, (None, None))
        if other is not None:
            other.remove()
        _returned[original] = stamp, copy

    return keep
