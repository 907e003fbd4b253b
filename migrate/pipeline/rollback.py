"""Rollback: before publish the staging is dropped, after it the backup's rows are published."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from backups.restore import restored_database
from backups.transfer import copy_tables
from migrate.pipeline.context import RunContext
from migrate.pipeline.live_changes import refuse_loss, require_columns, written_since
from migrate.pipeline.order import FIXED, undo_stages
from migrate.pipeline.refresh import first_publication
from migrate.pipeline.stages import snapshot
from migrate.pipeline.state import Outcome
from migrate.postgres import throwaway
from migrate.postgres.connection import Address, Connection, connect
from migrate.postgres.embedded import binary
from migrate.postgres.table_checksum import measure_all
from migrate.publish import backup_store
from migrate.publish.backup_store import Backup
from migrate.publish.publication import in_words
from migrate.publish.publish import Publication, publish
from migrate.publish.publish_steps import show_step
from migrate.runtime.amount import amount
from migrate.runtime.errors import StateMismatch, UsageError
from migrate.runtime.failpoints import hit
from migrate.runtime.log import log
from migrate.staging import ledger_queries, schema
from migrate.staging.ledger_queries import PublicationRecord


class RollbackMode(Enum):
    """The state to come to, so that the same command typed again does no more than is left to be done."""

    #: the rows before the run are live
    BACK = "back"
    #: the migrated rows are live again, which a rollback replaced
    UNDO = "undo"
    #: the rows before the latest publication are live, although this run is given up
    PUBLISHED = "published"
    #: the rows before the first run are live, although refreshes followed it
    FIRST = "first"


@dataclass(frozen=True)
class RolledBack:
    """What a rollback did: `rows` restored in `tables` tables, `saved` rows of before in `backup`.

    `rows` is None if nothing was restored; `already` says why nothing was done.
    """

    rows: int | None
    backup: Path | None
    already: str | None = None
    tables: int = 0
    saved: int = 0
    #: the run whose rows are live although a refresh of them was given up
    refreshed: str | None = None


def roll_back(
    run: RunContext,
    mode: RollbackMode = RollbackMode.BACK,
    *,
    discard: bool = False,
    backup: Path | None = None,
) -> RolledBack:
    """Take the publication of the run back, or give the run up if it has published nothing.

    What the live tables hold now is backed up first. `discard` puts the rows
    back although the application has written since; `backup` names a backup's
    folder if the work folder does not hold the one that the ledger names.

    Raises LiveChanged if the application has written since, StateMismatch if
    the backup is missing or altered, UsageError if there is nothing to undo.
    """
    latest = ledger_queries.last_publication(run.connection, run.ledger)
    done = _undone_already(run, latest) if mode is RollbackMode.UNDO else _back_already(run, latest, mode)
    if done:
        return done
    if latest is None or _is_another_open(run, latest):
        return _give_up(run)
    origin = latest
    if mode is RollbackMode.FIRST:
        origin = first_publication(run.connection, run.ledger, latest)
    return _put_back(run, latest, origin, discard, backup)


def _is_another_open(run: RunContext, latest: PublicationRecord) -> bool:
    return run.state.document.outcome == "open" and latest.run_id != run.id


def _undone_already(run: RunContext, latest: PublicationRecord | None) -> RolledBack | None:
    if latest is None or latest.kind == "publish" or _is_another_open(run, latest):
        raise UsageError(
            "there is no rollback to undo",
            hint="`migrate rollback` rolls a run back, `migrate run` migrates",
        )
    if ledger_queries.is_rolled_back(run.connection, run.ledger):
        return None
    return _conclude_again(run, latest, "The rollback is already undone: the migrated rows are live.")


def _back_already(run: RunContext, latest: PublicationRecord | None, mode: RollbackMode) -> RolledBack | None:
    given_up = run.state.document.outcome == "rolled_back"
    if latest is None:
        return RolledBack(None, None, "This run was already discarded.") if given_up else None
    if _is_another_open(run, latest):
        return None
    if ledger_queries.is_rolled_back(run.connection, run.ledger):
        if mode is RollbackMode.FIRST:
            _require_first(run, latest)
        return _conclude_again(
            run,
            latest,
            f"Already rolled back on {latest.at[:19]} UTC: the rows from before the run are live. "
            "`migrate rollback --undo` restores the migrated rows.",
        )
    if given_up and latest.run_id != run.id and mode is RollbackMode.BACK:
        return RolledBack(
            None,
            None,
            f"This run was already discarded. The live rows are those of the run {latest.run_id}, published "
            f"on {latest.at[:19]} UTC; `migrate rollback --published` rolls that one back.",
        )
    return None


def _require_first(run: RunContext, latest: PublicationRecord) -> None:
    """Raise UsageError if the last rollback restored other rows than those before the first run."""
    first = first_publication(run.connection, run.ledger, latest)
    rows = backup_store.find(run.work, first.backup_digest or "").contents()
    if any(content != rows.get(name) for name, content in latest.tables.items()):
        raise UsageError(
            "only the last refresh is rolled back: the rows that it replaced are live",
            hint="`migrate rollback --undo` undoes that; then `migrate rollback --first`",
        )


def _put_back(
    run: RunContext,
    latest: PublicationRecord,
    origin: PublicationRecord,
    discard: bool,
    backup: Path | None,
) -> RolledBack:
    """Publish the rows from before `origin`: the latest publication, or the first of its refreshes."""
    require_columns(run.live, latest)
    with _step(run, "compare") as step:
        run.report.doing("comparing the live rows with those of the publication")
        changes = written_since(run.connection, run.ledger, run.address.schema, run.live, latest)
        step.line = (
            f"{amount(len(changes), 'table was', 'tables were')} written to"
            if changes
            else "nothing was written since"
        )
    if not discard:
        refuse_loss(
            changes,
            "`migrate rollback --discard-changes` rolls back anyway; the rows of now are backed up first",
        )
    source = backup_store.load(backup) if backup else backup_store.find(run.work, origin.backup_digest or "")
    name = f"{run.id}-{latest.id:04}-before-rollback"
    with _step(run, "backup") as step:
        kept = backup_store.make(
            run.work, name, run.connection, run.address, run.stop_if_asked,
            accept_unproven=run.accept_unproven, own_server=run.own_server,
        )  # fmt: skip
        step.line = f"{amount(backup_store.rows_of(kept.contents()), 'row')} of now saved"
    tables = [name for name in latest.tables if name in source.manifest.tables]
    with _step(run, "restore") as step:
        _stage_backup(run, source, tables)
        schema.restore_id_map(run.connection, run.ledger, run.staging, origin.id)
        hit("rollback:staged")
        step.line = f"{amount(len(tables), 'table')} read from the backup and compared with it"
    with _step(run, "publish") as step:
        done = _publish(run, kept, tables)
        step.line = in_words(done.facts())
    hit("rollback:committed")
    for note in done.notes:
        run.report.note(note)
    log().info("rolled back", **done.facts())
    _conclude(run, done.id)
    return RolledBack(
        sum(content.rows for content in done.tables.values()),
        kept.folder,
        tables=len(tables),
        saved=sum(kept.contents()[name].rows for name in tables),
    )


@dataclass
class _Step:
    """One step of a rollback; `line` says what it did."""

    line: str = ""


@contextlib.contextmanager
def _step(run: RunContext, name: str) -> Iterator[_Step]:
    """Report the step as a stage is reported."""
    step, began = _Step(), time.monotonic()
    run.report.begin(name)
    yield step
    run.report.end(name, time.monotonic() - began, step.line)


def _stage_backup(run: RunContext, source: Backup, tables: list[str]) -> None:
    """Copy the rows of a backup into the staging schema, and compare them with the backup's manifest."""
    run.report.doing("restoring the backup in a PostgreSQL of its own")
    with _restored(run, source) as old:
        with run.connection.transaction():
            schema.create(run.connection, run.address.schema, run.staging, tables)
            run.ledger.forget_staged()
        hit("rollback:cleared")
        run.report.doing("copying the rows of the backup")
        with backup_store.translate_errors():
            copy_tables(old, run.connection, run.address.schema, run.staging, tables)
    hit("rollback:copied")
    run.report.doing("comparing the copied rows with the backup")
    _compare(run, source, tables)


def _publish(run: RunContext, kept: Backup, tables: list[str]) -> Publication:
    return publish(
        run.connection,
        ledger=run.ledger,
        schema=run.address.schema,
        staging=run.staging,
        filled=tables,
        emptied=[],
        expected={name: kept.contents()[name] for name in tables},
        run_id=run.id,
        kind="rollback",
        backup_digest=kept.manifest.sha256,
        lock_timeout_ms=run.config.target.lock_timeout_ms,
        attempts=run.config.target.publish_attempts,
        on_progress=partial(show_step, "rollback"),
        before_commit=lambda _connection: hit("rollback:uncommitted"),
    )


def _conclude_again(run: RunContext, latest: PublicationRecord, already: str) -> RolledBack:
    """Record the outcome of a process that committed but died before it could report it."""
    if latest.run_id == run.id and latest.id != run.state.document.publication:
        _conclude(run, latest.id)
        already = f"The earlier command had finished it before it was stopped. {already}"
    return RolledBack(None, None, already)


def _conclude(run: RunContext, publication: int) -> None:
    schema.drop(run.connection, run.staging)
    hit("rollback:dropped")
    # A rollback of a rollback brings the migrated rows back.
    outcome: Outcome = (
        "published" if ledger_queries.is_live(run.connection, run.ledger, run.id) else "rolled_back"
    )
    run.state.document.publication = publication
    run.state.conclude(outcome)


def _give_up(run: RunContext) -> RolledBack:
    undo_stages(run, [stage for stage in FIXED if stage is not snapshot.STAGE])
    hit("rollback:undone")
    schema.drop(run.connection, run.staging)
    run.state.conclude("rolled_back")
    return RolledBack(None, None, refreshed=run.state.document.refreshes)


@contextlib.contextmanager
def _restored(run: RunContext, source: Backup) -> Iterator[Connection]:
    """Yield a connection to a throwaway database that holds the backup's rows."""
    part = source.manifest
    with (
        backup_store.translate_errors(),
        throwaway.running(run.work, own=run.own_server) as server,
        restored_database(
            source.dump, schema=part.schema_name, needs=part.surroundings, server=server,
            pg_restore=binary("pg_restore"), on_tick=run.stop_if_asked,
        ) as restored,
        connect(Address(restored.address, part.schema_name, "the restored backup")) as connection,
    ):  # fmt: skip
        yield connection


def _compare(run: RunContext, source: Backup, tables: list[str]) -> None:
    """Raise StateMismatch if the staged rows are not those that were backed up."""
    staged = measure_all(run.connection, run.staging, tables)
    wrong = [name for name in tables if staged[name] != source.contents()[name]]
    if wrong:
        raise StateMismatch(
            f"the backup in {source.folder} no longer restores to the same rows: {', '.join(wrong)}",
            hint="nothing was changed; if a column was added or altered since, restore the old schema first",
        )
