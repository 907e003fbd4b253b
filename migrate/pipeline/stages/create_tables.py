"""Creates the tables of an empty target; a target that has tables is not changed."""

from __future__ import annotations

from migrate.pipeline.context import RunContext
from migrate.pipeline.mapping import target_ddl
from migrate.pipeline.stage import Stage, StageResult
from migrate.postgres.catalog import introspect
from migrate.postgres.create_tables import is_empty, make_tables
from migrate.runtime.amount import amount
from migrate.runtime.errors import StateMismatch
from migrate.runtime.failpoints import hit


def _check(run: RunContext) -> None:
    there = introspect(run.connection, run.address.schema).tables
    record = run.state.stage("schema")
    gone = [name for name in (record.facts["made"] if record else ()) if name not in there]
    if gone:
        raise StateMismatch(
            f"the schema {run.address.schema} no longer has {', '.join(gone)}, which this run had made",
            hint="drop its tables and start again with `migrate run --fresh`",
        )


def _run(run: RunContext) -> StageResult:
    ddl = target_ddl(run.config)
    if ddl is None or not is_empty(run.connection, run.address.schema):
        return StageResult("the target has its tables already", {"made": []})
    made = make_tables(run.connection, run.address.schema, ddl)
    hit("schema:made")
    return StageResult(
        f"{amount(len(made), 'table')} created from {ddl.path.name}", {"made": made, "file": ddl.digest}
    )


def _undo(_run: RunContext) -> None:
    """Nothing to undo: another program may use the table by now; it is empty, as it was created."""


STAGE = Stage("schema", "create the tables of an empty target", _check, _run, _undo)
