"""Catching up with a source that was written to after its rows were published.

A refresh is a run of its own that replaces the rows of a published one: a new snapshot, the same ids (they
are derived), the same checks. What the application has written to the target since the publication would be
lost; so it is counted first, and compared once more with the backup, whose rows publish replaces.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import psycopg

from migrate.pipeline.live_changes import refuse_loss, written_since
from migrate.pipeline.state import State
from migrate.postgres.catalog import introspect
from migrate.postgres.table_checksum import Content
from migrate.runtime.errors import LiveChanged, StateMismatch, UsageError
from migrate.staging import ledger_queries
from migrate.staging.ledger import Ledger
from migrate.staging.ledger_queries import PublicationRecord

_DISCARD: Final = (
    "`migrate run --refresh --discard-changes` replaces them anyway; the backup that is made first has them"
)


def find_open(state: State | None, work: Path) -> State | None:
    """Return the refresh to continue, None if one is to be begun.

    Raises UsageError if the folder has no run, or one that has not published yet.
    """
    if state is None:
        raise UsageError(
            f"there is no run in {work} whose rows could be refreshed",
            hint="give the folder of the published run with --work; `migrate run` begins a new one",
        )
    document = state.document
    if document.outcome != "open":
        return None
    if document.refreshes is None:
        raise UsageError(
            "this run has published nothing yet, so there is nothing to refresh",
            hint="`migrate run` continues it",
        )
    return state


def require_live(connection: psycopg.Connection[Any], ledger: Ledger, state: State) -> PublicationRecord:
    """Return the latest publication, whose rows a refresh replaces.

    Raises UsageError if the live rows are not those of the folder's run.
    """
    live = ledger_queries.live_run(connection, ledger)
    latest = ledger_queries.last_publication(connection, ledger)
    if live is None or latest is None:
        raise UsageError(
            "no published rows are live: the publication was rolled back",
            hint="`migrate run` migrates again",
        )
    if live not in (state.document.run_id, state.document.refreshes):
        raise UsageError(
            f"the live rows are those of the run {live}, which is not the run in {state.folder}",
            hint="give the folder of that run with --work",
        )
    return latest


def require_unwritten(
    connection: psycopg.Connection[Any], ledger: Ledger, schema: str, publication: PublicationRecord
) -> None:
    """Raise LiveChanged with the rows that the application has written since the publication."""
    live = introspect(connection, schema)
    refuse_loss(written_since(connection, ledger, schema, live, publication), _DISCARD)


def require_same_rows(publication: PublicationRecord, saved: dict[str, Content]) -> None:
    """Raise LiveChanged if a backup does not hold the published rows: publish replaces what it holds."""
    changed = [name for name, content in publication.tables.items() if saved.get(name) != content]
    if changed:
        raise LiveChanged(
            f"the application has written to {', '.join(changed)} since the publication; these rows would "
            "be lost",
            hint=_DISCARD,
        )


def first_publication(
    connection: psycopg.Connection[Any], ledger: Ledger, latest: PublicationRecord
) -> PublicationRecord:
    """Return the publication before the refreshes that led to the latest one.

    Raises StateMismatch if the ledger does not know it.
    """
    run_id = latest.run_id
    while (base := (ledger.facts(run_id) or {}).get("refreshes")) is not None:
        run_id = str(base)
    found = ledger_queries.publication_of(connection, ledger, run_id)
    if found is None:
        raise StateMismatch(
            f"the ledger does not know the publication of the run {run_id}",
            hint="name its backup: `migrate rollback --backup FOLDER`",
        )
    return found
