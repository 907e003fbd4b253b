"""The restore drill: a backup is valid only after it was restored and found equal."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from backups.content import Content, Measure, list_tables, set_rendering
from backups.errors import BackupError, say
from backups.manifest import DrillResult, Manifest
from backups.programs import Tick
from backups.restore import is_outside, restored_database


def drill(
    manifest: Manifest,
    folder: Path,
    *,
    server: str,
    pg_restore: Path,
    measure: Measure,
    jobs: int = 1,
    on_tick: Tick | None = None,
) -> DrillResult:
    """Restore the dump into a throwaway server and compare every table with the manifest.

    `folder` holds the dump; `server` connects to the throwaway server as its superuser (secret). The database
    created there is dropped again. If a dump restores to other rows, or not at all, the result says which
    tables differ; this is not an exception. Raises BackupDamaged if the dump is not the file that the
    manifest describes, BackupError if the throwaway server fails.
    """
    began = time.monotonic()
    dump = manifest.check_dump(folder)
    with restored_database(
        dump, schema=manifest.schema_name, needs=manifest.surroundings, server=server,
        pg_restore=pg_restore, jobs=jobs, on_tick=on_tick,
    ) as restored:  # fmt: skip
        try:
            with psycopg.connect(restored.address, autocommit=True) as conn:
                set_rendering(conn, manifest.rendering)
                version = conn.info.server_version
                found = _measure_all(conn, manifest.schema_name, measure, on_tick)
        except psycopg.Error as error:
            raise BackupError(f"the restored backup cannot be read: {say(error)}") from error
    differences = manifest.compare(found)
    return DrillResult(
        passed=not differences and all(is_outside(problem) for problem in restored.problems),
        at=datetime.now(UTC),
        seconds=round(time.monotonic() - began, 3),
        server_version=version,
        tables=len(found),
        rows=sum(content.rows for content in found.values()),
        differences=differences,
        problems=restored.problems,
        missing_extensions=restored.missing_extensions,
    )


def _measure_all(
    conn: psycopg.Connection, schema: str, measure: Measure, on_tick: Tick | None
) -> dict[str, Content]:
    found = {}
    for table in list_tables(conn, schema):
        if on_tick is not None:
            on_tick()
        found[table] = measure(conn, schema, table)
    return found
