"""An SQLite file, WAL included, copied with SQLite's backup and read from the copy."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from migrate.runtime import files
from migrate.runtime.errors import SourceError, UsageError
from migrate.runtime.settings.source import SourceSettings
from migrate.source import collations, private_copy
from migrate.source.local_transport import LocalTransport
from migrate.source.private_copy import PrivateCopy, Stamp
from migrate.source.url import Address

_MAGIC = b"SQLite format 3\x00"
_PACKED = {"gzip": b"\x1f\x8b", "zip": b"PK\x03\x04", "zstd": b"\x28\xb5\x2f\xfd", "xz": b"\xfd7zXZ"}
_COMPANIONS = ("-wal", "-journal")
_TRIES = 5
#: The copy is opened as immutable, which is not possible for a file in WAL mode.
_ONE_FILE = "PRAGMA journal_mode = DELETE"


def open_file(address: Address, settings: SourceSettings) -> LocalTransport:
    """Return a transport to a private copy of the database file.

    The file and its companion files are not changed, also while an application writes to it. Raises
    UsageError if the file does not exist, SourceError if it is not an SQLite database.
    """
    path = Path(address.url)
    _require_database(path)

    def make(copy: Path) -> str:
        _copy(path, copy)
        return files.digest_file(copy)

    copy, give_back = private_copy.borrow(path, lambda: _stamp(path), make)
    return open_copy(copy, give_back, address, settings)


def open_copy(
    copy: PrivateCopy, give_back: Callable[[], None], address: Address, settings: SourceSettings
) -> LocalTransport:
    """Return a transport to a private copy that was borrowed."""
    try:
        connection = _connect(copy.path)
    except BaseException:
        copy.remove()
        raise
    return LocalTransport(
        connection,
        label=address.label,
        mark=copy.mark,
        page_bytes=settings.page_bytes,
        copy=copy.path,
        give_back=give_back,
    )


def _connect(copy: Path) -> sqlite3.Connection:
    """Return a read-only connection to a copy that only we use."""
    uri = f"file:{quote(str(copy))}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    with suppress(sqlite3.Error):  # the code that reads the file reports what is wrong with it
        collations.stand_in(connection)
    return connection


def _require_database(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise UsageError(
            f"the source file {path} cannot be read: {error.strerror}",
            hint="give an SQLite file, or a dump whose name ends in .sql",
        ) from error
    packed = next((name for name, magic in _PACKED.items() if start.startswith(magic)), None)
    if packed is not None:
        raise SourceError(f"{path} is compressed ({packed})", hint="unpack it, and name what was in it")
    if start not in (b"", _MAGIC):
        raise SourceError(
            f"{path} is not an SQLite database",
            hint="the name of a dump must end in .sql; an encrypted file cannot be read",
        )


def _companions(path: Path) -> list[Path]:
    """Return the companion files of a database that are not empty."""
    found = [path.with_name(path.name + end) for end in _COMPANIONS]
    return [one for one in found if one.exists() and one.stat().st_size > 0]


def _stamp(path: Path) -> Stamp:
    return private_copy.stamp_of([path, *_companions(path)])


def _copy(path: Path, copy: Path) -> None:
    """Copy a database into `copy` without leaving a file next to the original.

    A read-only connection to a file in WAL mode would create a `-shm` file next to it. So it is used only if
    an application already has one there. Otherwise the bytes are copied, and copied again if they changed
    during the copy. This is checked again at each try, because an application may start at any time.
    """
    for _ in range(_TRIES):
        if _copy_shared(path, copy) or _copy_bytes(path, copy):
            return
    raise SourceError(
        f"{path} changes all the time",
        hint="stop the application that writes to it, then run the same command again",
    )


def _copy_shared(path: Path, copy: Path) -> bool:
    """Return whether an application has the file open and SQLite's own backup was taken of it."""
    if not path.with_name(path.name + "-shm").exists() or not _companions(path):
        return False
    try:
        _backup(f"file:{quote(str(path))}?mode=ro", copy)
    except sqlite3.OperationalError:
        copy.unlink(missing_ok=True)
        return False
    return True


def _copy_bytes(path: Path, copy: Path) -> bool:
    """Return whether the bytes were copied and did not change during the copy."""
    try:
        before = _stamp(path)
        for one in copy.parent.glob(f"{copy.name}*"):
            one.unlink()
        for one in (path, *_companions(path)):
            shutil.copyfile(one, copy.with_name(copy.name + one.name[len(path.name) :]))
        steady = _stamp(path) == before
    except FileNotFoundError:  # a companion file disappeared between two checks
        return False
    except OSError as error:
        raise SourceError(
            f"{path} cannot be copied: {error.strerror}",
            hint="free space in the folder for temporary files, or set TMPDIR to another folder",
        ) from error
    if steady:
        _settle(path, copy)
    return steady


def _settle(path: Path, copy: Path) -> None:
    """Make one file of the copied bytes; opening them applies the WAL or an interrupted journal."""
    copy.chmod(files.FILE_MODE)
    try:
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            connection.execute(_ONE_FILE)
    except sqlite3.DatabaseError as error:
        raise SourceError(
            f"{path} cannot be read: {error}",
            hint="check it with `sqlite3 FILE 'PRAGMA integrity_check'`, or use a dump instead",
        ) from error


def _backup(uri: str, copy: Path) -> None:
    os.close(os.open(copy, os.O_CREAT | os.O_RDWR, files.FILE_MODE))
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=10.0)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target, pages=4096, sleep=0.01)
        target.execute(_ONE_FILE)
