"""The backups of a work folder: one folder each, a dump with its manifest.

A backup is made before every publication. The latest publication is rolled back with the backup that its
ledger row names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from backups import drill, dump, manifest
from backups.content import Content as Measured
from backups.content import Measure
from backups.errors import BackupDamaged, BackupError, BackupUnavailable
from backups.manifest import Manifest
from migrate.postgres import throwaway
from migrate.postgres.connection import Address
from migrate.postgres.embedded import EmbeddedServer, binary
from migrate.postgres.table_checksum import Content, measure
from migrate.runtime import announce, files
from migrate.runtime.errors import MigrateError, StateMismatch, TargetError, TargetUnavailable
from migrate.runtime.failpoints import hit

FOLDER = "backups"
DUMP = "target.dump"
MANIFEST = "manifest.json"
Tick = Callable[[], None]


@dataclass(frozen=True)
class Backup:
    """One backup: its folder and its manifest. The dump was unchanged when the backup was loaded."""

    folder: Path
    manifest: Manifest

    @property
    def dump(self) -> Path:
        """Return the path of the dump, in pg_dump's custom format."""
        return self.folder / self.manifest.file

    def contents(self) -> dict[str, Content]:
        """Return rows and checksum of every table that was backed up."""
        return {name: Content(part.rows, part.checksum) for name, part in self.manifest.tables.items()}


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Translate errors of the backups to ours."""
    try:
        yield
    except BackupDamaged as error:
        raise StateMismatch(error.message, hint=error.hint) from error
    except BackupUnavailable as error:
        raise TargetUnavailable(error.message, hint=error.hint) from error
    except BackupError as error:
        raise TargetError(error.message, hint=error.hint) from error


def load(folder: Path) -> Backup:
    """Return the backup in `folder`. Raises StateMismatch if manifest or dump is missing or changed."""
    with translate_errors():
        found, _dump = manifest.load(folder / MANIFEST)
    return Backup(folder, found)


def find(work: Path, digest: str) -> Backup:
    """Return the work folder's backup whose dump has this SHA-256. Raises StateMismatch if there is none."""
    damaged: MigrateError | None = None
    for path in sorted((work / FOLDER).glob(f"*/{MANIFEST}")):
        try:
            backup = load(path.parent)
        except StateMismatch as error:
            damaged = error
            continue
        if backup.manifest.sha256 == digest:
            return backup
    if damaged is not None:
        raise damaged
    raise StateMismatch(
        f"no backup in {work / FOLDER} has the SHA-256 {digest[:16]}… from the ledger",
        hint="give the work folder of the run with --work, or the folder of the backup with --backup",
    )


def make(
    work: Path,
    name: str,
    connection: psycopg.Connection[Any],
    address: Address,
    on_tick: Tick,
    *,
    accept_unproven: bool = False,
    start: Callable[[], EmbeddedServer] | None = None,
    own_server: str | None = None,
) -> Backup:
    """Back up the target's schema into `<work>/backups/<name>`, restore it once as a test, and return it.

    The test is in a database of its own: in the throwaway server that `start` returns, if one is started, or
    in `own_server`, the URL (secret) of an embedded server that is the target. Raises TargetError if the
    dump fails, or if it does not restore to the same rows, unless `accept_unproven` is set; then nothing is
    recorded as a backup.
    """
    folder = files.make_folder(files.make_folder(work / FOLDER) / name)
    announce.doing("dumping the live rows")
    (folder / MANIFEST).unlink(missing_ok=True)
    files.sweep_parts(folder)
    with translate_errors():
        made = dump.dump(
            connection,
            address.conninfo,
            schema=address.schema,
            database=address.label,
            path=folder / DUMP,
            pg_dump=binary("pg_dump"),
            measure=_announced("dumping the live rows", measure),
            on_tick=on_tick,
        )
        hit("backup:dumped")
        announce.doing("restoring the dump as a test")
        with throwaway.running(work, start, own=own_server) as url:
            hit("backup:drill")
            result = drill.drill(
                made, folder, server=url, pg_restore=binary("pg_restore"),
                measure=_announced("comparing the restored rows", measure), on_tick=on_tick,
            )  # fmt: skip
        made = made.with_drill(result)
        if not made.proven and not accept_unproven:
            raise TargetError(
                f"the backup of {address.label} does not restore to the same rows: {result.explain()}",
                hint="nothing was changed; fix what it names and run the same command again, "
                "or continue without a proven backup: --accept-unproven-backup",
            )
        hit("backup:drilled")
        manifest.save(made, folder / MANIFEST)
    hit("backup:kept")
    return Backup(folder, made)


def _announced(what: str, measure: Measure) -> Measure:
    """Return `measure`, which announces each table."""

    def measured(conn: psycopg.Connection[Any], schema: str, table: str, /) -> Measured:
        announce.doing(f"{what}: {table}")
        return measure(conn, schema, table)

    return measured


def rows_of(contents: Mapping[str, Content]) -> int:
    """Return the number of rows in all tables."""
    return sum(content.rows for content in contents.values())
