"""Dumps the live target and proves the dump by restoring it elsewhere."""

from __future__ import annotations

from functools import partial
from typing import Final

from migrate.pipeline import refresh
from migrate.pipeline.context import RunContext
from migrate.pipeline.stage import BackgroundTask, Stage, StageResult
from migrate.postgres import throwaway
from migrate.publish import backup_store
from migrate.publish.backup_store import Backup
from migrate.runtime.amount import amount
from migrate.runtime.errors import StateMismatch
from migrate.staging import ledger_queries

NAME = "before-publish"
#: The server for the restore drill is made while the source is read, unless the target's own is used.
DRILL_SERVER: Final = BackgroundTask(
    "drill",
    after="preflight",
    plan=lambda run: None if run.own_server else lambda _cancellation: throwaway.start(run.work),
    dispose=throwaway.stop,
)


def folder_name(run: RunContext) -> str:
    """Return the name of the run's backup folder."""
    return f"{run.id}-{NAME}"


def load_backup(run: RunContext) -> Backup:
    """Return the backup of this run, found unaltered; StateMismatch if it is not what was recorded."""
    backup = backup_store.load(run.work / backup_store.FOLDER / folder_name(run))
    record = run.state.stage("backup")
    if record is None or record.facts.get("dump") != backup.manifest.sha256:
        raise StateMismatch(
            f"the backup in {backup.folder} is not the one of this run",
            hint="restore the right one, or start again with `migrate run --fresh`; the live "
            "tables are unchanged",
        )
    return backup


def _check(run: RunContext) -> None:
    load_backup(run)


def _run(run: RunContext) -> StageResult:
    backup = backup_store.make(
        run.work,
        folder_name(run),
        run.connection,
        run.address,
        run.stop_if_asked,
        accept_unproven=run.accept_unproven,
        start=lambda: run.background.result(DRILL_SERVER.name, partial(throwaway.start, run.work)),
        own_server=run.own_server,
    )
    if run.state.document.refreshes is not None and not run.discard_changes:
        publication = ledger_queries.last_publication(run.connection, run.ledger)
        if publication is not None:
            refresh.require_same_rows(publication, backup.contents())
    if not backup.manifest.proven:
        run.report.note("the backup is NOT proven: its test restore gave other rows; you accepted this")
    rows = backup_store.rows_of(backup.contents())
    proof = (
        "the test restore gave the same rows"
        if backup.manifest.proven
        else "the test restore did NOT give the same rows"
    )
    return StageResult(
        f"{amount(rows, 'live row')} of {amount(len(backup.manifest.tables), 'table')} saved, {proof}",
        {
            "folder": str(backup.folder.relative_to(run.work)),
            "dump": backup.manifest.sha256,
            "rows": rows,
            "proven": backup.manifest.proven,
            "tables": {name: content.rows for name, content in backup.contents().items()},
        },
    )


def _undo(_run: RunContext) -> None:
    """Nothing to undo: a backup is kept."""


STAGE = Stage(
    "backup",
    "dump the live rows, restore the dump as a test, compare",
    _check,
    _run,
    _undo,
    background=(DRILL_SERVER,),
)
