"""Private copies of source files: one serves plan and snapshot, where the file stood still between."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: name, number, time of the last change of content and of anything, bytes: of each file that was copied
Stamp = tuple[tuple[str, int, int, int, int], ...]

_PREFIX: Final = "migrate-copy-"
#: A copy that nobody holds is what a killed process left, unless its folder was made just now.
_JUST_NOW_S: Final = 60.0
#: A file that changes twice within one tick of its file system's clock shows one time for both.
_TICK_NS: Final = 3_000_000_000


@dataclass(frozen=True)
class PrivateCopy:
    """An SQLite file of ours in a folder of its own; `mark` is a digest of what the source holds."""

    folder: Path
    mark: str
    #: the open folder, locked: `sweep` leaves it alone
    held: int

    @property
    def path(self) -> Path:
        """The file."""
        return _file(self.folder)

    def remove(self) -> None:
        """Remove the file and its folder."""
        _discard(self.folder, self.held)


#: What was given back, by the path of the original.
_kept: dict[Path, tuple[Stamp, PrivateCopy]] = {}


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """Return what tells whether files were written to; OSError where one is missing."""
    return tuple(_stamp(path.name, path.stat()) for path in paths)


def _stamp(name: str, stat: os.stat_result) -> tuple[str, int, int, int, int]:
    return name, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def borrow(
    original: Path, stamp: Callable[[], Stamp], make: Callable[[Path], str]
) -> tuple[PrivateCopy, Callable[[], None]]:
    """Return a private copy of `original`, and what is to be called when it is no longer read.

    A copy that was given back is returned again as long as the file's stamp is what it was; it is
    removed by `remove_kept`, and when the process ends. `make` fills the path it is given and
    returns the mark.
    """
    original = original.absolute()
    before = _seen(stamp)
    kept_stamp, kept = _kept.pop(original, (None, None))
    if kept is not None:
        if kept_stamp is not None and kept_stamp == before and kept.path.exists():
            return kept, _keeping(original, kept_stamp, kept)
        kept.remove()
    began = time.time_ns()
    copy = _made(make)
    if before is not None and _settled(before, began) and _seen(stamp) == before:
        return copy, _keeping(original, before, copy)
    return copy, copy.remove


def remove_kept() -> None:
    """Remove the copies that were given back."""
    while _kept:
        _, (_, copy) = _kept.popitem()
        copy.remove()


atexit.register(remove_kept)


def sweep() -> None:
    """Remove the copies that killed processes of this user have left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            seen = folder.stat()
            if seen.st_uid != os.getuid() or time.time() - seen.st_mtime < _JUST_NOW_S:
                continue
            _discard(folder, _hold(folder))


def _made(make: Callable[[Path], str]) -> PrivateCopy:
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    held = _hold(folder)
    try:
        return PrivateCopy(folder, make(_file(folder)), held)
    except BaseException:
        _discard(folder, held)
        raise


def _hold(folder: Path) -> int:
    """Return the open folder, locked; BlockingIOError where another process holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _discard(folder: Path, held: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(held)


def _file(folder: Path) -> Path:
    return folder / "copy.db"


def _seen(stamp: Callable[[], Stamp]) -> Stamp | None:
    try:
        return stamp()
    except OSError:  # what lies beside a database comes and goes
        return None


def _settled(stamp: Stamp, now: int) -> bool:
    """Tell whether a change after `now` would show in the files' times."""
    return all(max(content, anything) < now - _TICK_NS for _, _, content, anything, _ in stamp)


def _keeping(original: Path, stamp: Stamp, copy: PrivateCopy) -> Callable[[], None]:
    def keep() -> None:
        _, other = _kept.pop(original, (None, None))
        if other is not None:
            other.remove()
        _kept[original] = stamp, copy

    return keep
