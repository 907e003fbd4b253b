"""Writes the sample: a legacy database of synthetic people, as one SQLite file.

The rows depend only on the seed and the size. The schema is the packaged `legacy-schema.sql`, unchanged.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

import polars as pl

from migrate.runtime import files
from migrate.runtime.errors import MigrateError, UsageError
from migrate.source.sample import accounts, comments, gallery, profiles
from migrate.source.sample import messages as mail
from migrate.source.sample.faker_pools import make_pools
from migrate.source.sample.leftovers import leftovers
from migrate.source.sample.people import make_people
from migrate.source.sample.size import Size


def legacy_schema() -> str:
    """Return the DDL of the legacy database."""
    return resources.files("migrate.source.sample").joinpath("legacy-schema.sql").read_text(encoding="utf-8")


def write_sample(
    path: Path,
    *,
    scale: float = 1.0,
    seed: int = 1,
    messages: int | None = None,
    profiles: int | None = None,
) -> None:
    """Write a sample to `path` (mode 0600): complete, or not at all.

    `scale` 1 gives 640 users; `messages` gives this number of messages instead, and a user for every 20 of
    them; with `profiles` only this number of users have filled in a profile, instead of nearly all. Same seed
    and size, same rows.

    Raises UsageError if the file exists, its folder does not exist or the size is invalid; MigrateError if
    the disk refuses.
    """
    size = Size.of(scale, messages, profiles)
    with _new_file(path) as part, contextlib.closing(sqlite3.connect(part)) as connection:
        # A half-written file is removed, so it needs no journal.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(legacy_schema())
        for table, frames in _tables(size, seed):
            for frame in frames:
                _insert(connection, table, frame)
        connection.commit()


def _tables(size: Size, seed: int) -> Iterator[tuple[str, Iterable[pl.DataFrame]]]:
    pools = make_pools(seed)
    people = make_people(size, seed, pools)
    users = accounts.users(people, seed)
    yield "shows_users", [accounts.shows_users(people, seed)]
    yield "users", [users]
    yield "community_users", [accounts.community_users(people, seed)]
    yield "shows_usermeta", profiles.shows_usermeta(people, size, seed, pools)
    yield "profile", profiles.profile(people, users, size, seed, pools)
    yield "community_usermeta", [profiles.community_usermeta(people, seed, pools)]
    yield "studio_gallery", [gallery.studio_gallery(people, size, seed)]
    yield "shows_messages", mail.shows_messages(people, size, seed, pools)
    yield "community_messages", [mail.community_messages(people, size, seed, pools)]
    yield "shows_contacts", [mail.shows_contacts(people, size, seed)]
    yield "community_contacts", [mail.community_contacts(people, size, seed)]
    yield "shows_comments", [comments.shows_comments(people, size, seed, pools)]
    yield "community_comments", [comments.community_comments(people, size, seed, pools)]
    yield "shows_commentvotes", [comments.shows_commentvotes(people, size, seed)]
    for table, frame in leftovers(size, seed, pools).items():
        yield table, [frame]


def _insert(connection: sqlite3.Connection, table: str, frame: pl.DataFrame) -> None:
    names = ", ".join(f'"{name}"' for name in frame.columns)
    places = ", ".join("?" * frame.width)
    connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', frame.iter_rows())  # noqa: S608


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """Yield the path of an empty file that becomes `path` when the block ends without an error."""
    _refuse_existing(path)
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="create it first, or give another file")
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        part = Path(name)
        with os.fdopen(handle):
            files.hold(handle)
            yield part
        _settle(part, path)
    except (OSError, sqlite3.OperationalError) as error:
        raise MigrateError(
            f"cannot write {path}: {getattr(error, 'strerror', None) or error}",
            hint="free disk space or fix the permissions of the folder, then run the same command again",
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _settle(part: Path, path: Path) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.chmod(files.FILE_MODE)
    _refuse_existing(path)  # again, because writing a large sample takes a while
    part.rename(path)
    files.sync_folder(path.parent)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path} already exists", hint="give another file, or delete this one first")
