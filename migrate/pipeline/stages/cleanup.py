"""Creates a clean staging schema and reports what publish will replace."""

from __future__ import annotations

from typing import Final

from migrate.pipeline.context import RunContext
from migrate.pipeline.stage import Stage, StageResult
from migrate.postgres.catalog import introspect
from migrate.postgres.schema_fingerprint import differences, fingerprint
from migrate.postgres.table_checksum import count_all
from migrate.runtime.amount import amount
from migrate.runtime.errors import StateMismatch
from migrate.runtime.failpoints import hit
from migrate.staging import ledger_queries, schema

#: Live tables that are not replaced are named up to this many.
_NAMED: Final = 3


def _check(run: RunContext) -> None:
    if ledger_queries.publication_of(run.connection, run.ledger, run.id) is not None:
        return  # copied and dropped
    there = introspect(run.connection, run.staging).tables
    missing = [name for name in run.filled if name not in there]
    if missing:
        raise StateMismatch(
            f"the staging schema {run.staging} no longer has {', '.join(missing)}, which this run had made",
            hint="start again with `migrate run --fresh`; the live tables are unchanged",
        )


def _run(run: RunContext) -> StageResult:
    before = fingerprint(run.connection, run.address.schema)
    with run.connection.transaction():  # batches and their rows are removed together
        schema.create(run.connection, run.address.schema, run.staging, run.filled)
        run.ledger.reset(run.id)
        hit("cleanup:uncommitted")
    hit("cleanup:committed")
    replaced = count_all(run.connection, run.address.schema, [*run.filled, *run.emptied])
    changed = differences(before, fingerprint(run.connection, run.address.schema))
    if changed:
        raise StateMismatch(
            f"the live schema changed while staging was made: {', '.join(changed)}",
            hint="do not change the schema during the run; run the same command again",
        )
    kept = [name for name in run.live.tables if name not in replaced]
    untouched = f" and keep {', '.join(kept[:_NAMED])}" if 0 < len(kept) <= _NAMED else ""
    return StageResult(
        f"{amount(len(run.filled), 'staging table')}; publish will replace "
        f"{amount(sum(replaced.values()), 'live row')}" + untouched,
        {"replaced": replaced},
    )


def _undo(run: RunContext) -> None:
    schema.drop(run.connection, run.staging)


STAGE = Stage("cleanup", "create an empty staging schema", _check, _run, _undo)
