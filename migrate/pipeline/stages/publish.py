"""Makes the staged rows the live ones, in one transaction."""

from __future__ import annotations

from functools import partial
from typing import Final

from migrate.pipeline.context import RunContext
from migrate.pipeline.stage import BackgroundTask, Stage, StageResult
from migrate.pipeline.stages.backup import load_backup
from migrate.publish.publication import Publication, in_words
from migrate.publish.publish import publish
from migrate.publish.publish_steps import show_step
from migrate.publish.swap import BuiltAhead
from migrate.runtime.amount import amount
from migrate.runtime.background import Work
from migrate.runtime.errors import LiveChanged, StateMismatch
from migrate.runtime.failpoints import hit
from migrate.snapshot.previous import remove_previous
from migrate.staging import ledger_queries, schema


def _check(run: RunContext) -> None:
    if ledger_queries.publication_of(run.connection, run.ledger, run.id) is None:
        raise StateMismatch(
            "the state file says that this run was published, but the target's ledger does not",
            hint="check [target] url: is it the database that this run published to?",
        )


def _run(run: RunContext) -> StageResult:
    built_ahead = run.background.result(EARLY_BUILD.name, lambda: run.early_build.made)
    done = None
    # If there is one, it was committed by a process that died before it could report it.
    if ledger_queries.publication_of(run.connection, run.ledger, run.id) is None:
        done = _publish(run, built_ahead)
        hit("publish:committed")
    publication = ledger_queries.publication_of(run.connection, run.ledger, run.id)
    if publication is None:
        raise StateMismatch("the ledger has no record of the publication", hint="run the same command again")
    schema.drop(run.connection, run.staging)
    hit("publish:dropped")
    remove_previous(run.work)
    run.state.document.publication = publication.id
    run.state.conclude("published")
    rows = sum(content.rows for content in publication.tables.values())
    facts = {"publication": publication.id, "rows": rows}
    live = (
        f"rehearsed: {amount(rows, 'row')} would be live"
        if run.dry
        else f"{amount(rows, 'row is', 'rows are')} live"
    )
    if done is None:
        return StageResult(live, facts)
    for note in done.notes:
        run.report.note(note)
    return StageResult(f"{live}; {in_words(done.facts())}", {**facts, **done.facts()})


def _publish(run: RunContext, built_ahead: BuiltAhead) -> Publication:
    backup = load_backup(run)
    try:
        return publish(
            run.connection,
            ledger=run.ledger,
            schema=run.address.schema,
            staging=run.staging,
            filled=run.filled,
            emptied=run.emptied,
            expected=backup.contents(),
            run_id=run.id,
            kind="publish",
            backup_digest=backup.manifest.sha256,
            lock_timeout_ms=run.config.target.lock_timeout_ms,
            attempts=run.config.target.publish_attempts,
            on_progress=partial(show_step, "publish"),
            before_commit=lambda _connection: hit("publish:uncommitted"),
            built_ahead=built_ahead,
        )
    except LiveChanged:
        run.state.forget("backup")  # the same command makes a new one, of the current rows
        raise


def _undo(_run: RunContext) -> None:
    """Nothing to undo here: a rollback restores the backup, see `migrate.pipeline.rollback`."""


def _plan_early_build(run: RunContext) -> Work[BuiltAhead] | None:
    """Plan the indexes and foreign keys of the tables that have all their rows."""
    return run.early_build.plan(complete_tables(run), run.filled, run.emptied)


def complete_tables(run: RunContext) -> list[str]:
    """Return the staged tables that have all their rows: those that no mapper still writes to."""
    finished = {mapper for _, mapper in ledger_queries.finished_mappers(run.connection, run.ledger, run.id)}
    if not finished:
        return []
    mappers = [mapper for stage in run.mapping.stages for mapper in stage.mappers]
    awaited = {table for mapper in mappers if mapper.name not in finished for table in mapper.writes}
    return [table for table in run.filled if table not in awaited]


#: What takes the server long is built while mappers and checks work.
EARLY_BUILD: Final = BackgroundTask("early build", after="cleanup", plan=_plan_early_build, repeats=True)
STAGE = Stage(
    "publish", "replace the live rows in one transaction", _check, _run, _undo, background=(EARLY_BUILD,)
)
