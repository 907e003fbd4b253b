"""Removes what a migration leaves behind: our schemas in the target, personal data in the work folder."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from migrate.pipeline.state import REHEARSAL, State
from migrate.postgres.connection import Connection
from migrate.postgres.embedded import EmbeddedServer
from migrate.publish.backup_store import FOLDER
from migrate.runtime.errors import MigrateError, UsageError
from migrate.runtime.lockfile import lock_holder
from migrate.staging import ledger_schema, schema
from migrate.staging.ledger import Ledger

#: What may be kept: the reports of the run, which hold no personal data, and the id map.
KeepOption = Literal["report", "receipt", "map", "log"]
_PAPERS: Final = {
    "report": ("report.html", "summary.json", "checks.json", "fleet.html", "fleet.csv"),
    "receipt": ("receipt.json", "rehearsal.json"),
    "log": ("log.jsonl*",),
}
#: The name of the embedded server that is the target.
TARGET: Final = "postgres"
#: All files that runs leave in a work folder; a file with another name is not ours to remove.
_OURS: Final = (
    *(pattern for patterns in _PAPERS.values() for pattern in patterns),
    "report-with-samples.html",
    "state.json", "plan.json", "progress.*", "previous-*", "damaged-*.json", "snapshot.*",
    "crosswalk.*", "sample-*.db", "metrics.prom", "run.lock", ".*.part", "etilqs_*",
    "fleet-snapshots", "dask-scratch-space", FOLDER, REHEARSAL,
)  # fmt: skip


@dataclass(frozen=True)
class CleanResult:
    """What was removed (schemas or tables of the target, files with their bytes), and what stayed."""

    removed_from_target: list[str]
    removed_files: list[str]
    removed_bytes: int
    kept: list[str]


def require_finished(work: Path) -> None:
    """Raise UsageError if the folder holds a run that is neither published nor rolled back."""
    state = State.load(work)
    if state is not None and state.document.outcome == "open":
        raise UsageError(
            f"the run in {work} is not finished",
            hint="finish it with `migrate run`, or discard it with `migrate rollback`; then clean",
        )


def clear_target(
    conn: Connection, ledger: Ledger, staging_schema: str, keep: Collection[KeepOption]
) -> list[str]:
    """Drop the staging and the ledger, and return what was dropped; nothing to drop is not an error.

    With `map` kept, the ledger's table of ids stays in its schema. Raises AlreadyRunning if a run holds the
    target.
    """
    schema.drop(conn, staging_schema)
    removed = [f"schema {staging_schema}"]
    if not ledger.exists():
        return removed
    ledger.take("clean", lock_holder())
    tables = ledger_schema.drop(conn, ledger.schema, keep=("id_map", "fleet_id_map") if "map" in keep else ())
    return [*removed, *(f"{ledger.schema}.{table}" for table in tables)]


def clear_folder(work: Path, keep: Collection[KeepOption], *, embedded: bool) -> CleanResult:
    """Remove what runs left in their folder except the reports that are kept, and return what was removed.

    The cluster of an embedded target stays, because it is the target, unless `embedded` is set. A file that
    no run left stays. Raises MigrateError if a file cannot be removed.
    """
    kept = {path.name for kind in keep for pattern in _PAPERS.get(kind, ()) for path in work.glob(pattern)}
    _destroy_servers(work / REHEARSAL)
    _destroy_servers(work, but=None if embedded else TARGET)
    ours = {path for pattern in _OURS for path in work.glob(pattern) if path.name not in kept}
    size = sum(_size(path) for path in ours)
    for path in sorted(ours):
        _remove(path)
    left = sorted(path.name for path in work.iterdir())
    if not left:
        work.rmdir()
    return CleanResult([], sorted(path.name for path in ours), size, left)


def _destroy_servers(folder: Path, *, but: str | None = None) -> None:
    for place in folder.glob("*.use.lock"):
        name = place.name.removesuffix(".use.lock")
        if name == but:
            continue
        EmbeddedServer(folder, name).destroy()
        for path in folder.glob(f"{name}.*.lock"):
            path.unlink()
        shutil.rmtree(folder / name, ignore_errors=True)


def _size(path: Path) -> int:
    return sum(
        part.lstat().st_size for part in (path.rglob("*") if path.is_dir() else [path]) if part.is_file()
    )


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise MigrateError(
            f"cannot remove {path}: {error.strerror}",
            hint="fix its owner or permissions, then run the same command again",
        ) from error
