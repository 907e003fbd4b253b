"""What the ledger says against a run: it belongs to another schema, or the live rows come from elsewhere."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from migrate.pipeline.plan.target_checks import Finding
from migrate.postgres.connection import Connection
from migrate.staging import ledger_queries
from migrate.staging.ledger import Ledger, another_ledger

#: For a plan or a dry run, which replace nothing: another source is a note.
ANY_SOURCE: Final = "*"


def inspect_ledger(
    connection: Connection, ledger_schema: str, live_schema: str, source: str, replace_source: str | None
) -> Iterator[Finding]:
    """Yield what the ledger says against a run of `source` into `live_schema`. Only reads.

    `replace_source` is the name of the source whose live rows may be replaced, `ANY_SOURCE` for any.
    """
    ledger = Ledger(connection, ledger_schema)
    if not ledger.exists():
        return
    owner = ledger.live_schema()
    if owner is not None and owner != live_schema:
        message = f"the ledger {ledger_schema} belongs to the schema {owner}, not to {live_schema}"
        yield Finding("error", message, another_ledger(live_schema))
        return
    run_id = ledger_queries.live_run(connection, ledger)
    facts = ledger.facts(run_id) if run_id is not None else None
    before = (facts or {}).get("source", source)
    if before == source:
        return
    yield Finding(
        "note" if replace_source in (ANY_SOURCE, before) else "error",
        f"the live rows were migrated from {before} by the run {run_id}; this run replaces them "
        f"with the rows of {source}",
        f"if that is what you want: `migrate run --replace-source {shlex.quote(before)}`",
    )
