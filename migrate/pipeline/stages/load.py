"""The mapper stages: read a batch, map its columns, COPY it; the ledger records the progress."""

from __future__ import annotations

from collections.abc import Collection, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import polars as pl

from mappers.base import MappedBatch, Mapper, Repeatable, begin
from migrate.pipeline import crosswalk
from migrate.pipeline.context import RunContext
from migrate.pipeline.mapping import mapped_entities
from migrate.pipeline.stage import Stage, StageResult
from migrate.pipeline.written_columns import written_columns
from migrate.postgres.connection import async_commit
from migrate.postgres.connection import translate_errors as errors_of
from migrate.postgres.sequences import NumberedColumn, numbered_columns
from migrate.runtime.errors import StateMismatch
from migrate.runtime.failpoints import hit
from migrate.runtime.memory import return_memory
from migrate.snapshot.workspace import Workspace
from migrate.staging import ledger_queries
from migrate.staging.batch import Batch, commit_batch, encode_batch
from migrate.staging.numbering import Numbering
from migrate.staging.take_over import Unchanged, take_over
from verification.sums.batch_sums import BatchSums
from verification.sums.cell_sums import hash_of

Item = TypeVar("Item")


@dataclass(frozen=True)
class _Mapping:
    """The functions of one mapper stage; `name` is its name in the mapping."""

    name: str

    def run(self, run: RunContext) -> StageResult:
        stage = next(stage for stage in run.mapping.stages if stage.name == self.name)
        with crosswalk.open_workspace(run) as workspace:
            _expect_rows(run, workspace, stage.mappers)
            numbered = _numbered_columns(run, stage.mappers)
            for mapper in stage.mappers:
                _run_mapper(run, workspace, self.name, mapper, numbered)
        counts = ledger_queries.staged_rows(run.connection, run.ledger, run.id, self.name)
        rows = ", ".join(f"{table} {count:,}" for table, count in sorted(counts.items()))
        return StageResult(rows or "nothing to map", {"rows": counts})

    def check(self, run: RunContext) -> None:
        """Compare the state file with the ledger, which is the authority on batches."""
        finished = ledger_queries.finished_mappers(run.connection, run.ledger, run.id)
        if self.name not in (stage for stage, _ in finished):
            raise StateMismatch(
                f"the state file says that {self.name} are staged, but the target's ledger does not",
                hint="start again with `migrate run --fresh`; the live tables are unchanged",
            )

    def undo(self, run: RunContext) -> None:
        """Nothing to undo: undoing cleanup drops the staging."""


def _expect_rows(run: RunContext, workspace: Workspace, mappers: tuple[Mapper, ...]) -> None:
    total = sum(int(str(workspace.scalar(mapper.reads.count) or 0)) for mapper in mappers)
    run.report.begin(mappers[0].name if mappers else "", total)


def _numbered_columns(run: RunContext, mappers: Collection[Mapper]) -> list[NumberedColumn]:
    """Return the columns of these mappers' tables that PostgreSQL numbers and no mapper fills."""
    tables = {
        table
        for mapper in mappers
        for table in mapper.writes
        if any(column.is_numbered for column in run.live.tables[table].columns)
    }
    if not tables:
        return []
    written = written_columns(run.mapping)
    return [
        column
        for column in numbered_columns(run.connection, run.address.schema, tables)
        if column.column not in written.get(column.table, ())
        and any(
            one.name == column.column and one.is_numbered for one in run.live.tables[column.table].columns
        )
    ]


def _run_mapper(
    run: RunContext, workspace: Workspace, stage: str, mapper: Mapper, numbered: list[NumberedColumn]
) -> None:
    cursor = run.ledger.cursor(run.id, mapper.name)
    if cursor.done:
        return
    found = _find_unchanged(run, mapper) if cursor.batch == 0 and not numbered else None
    if found is not None:
        _take_over(run, found)
        return
    staged = ledger_queries.staged_rows(run.connection, run.ledger, run.id) if numbered else {}
    numbering = Numbering(numbered, staged)
    # While one batch is copied, the next is encoded, the one after it is mapped, and another is read.
    mapped = _ahead(_map_batches(run, workspace, stage, mapper, numbering, cursor.batch, cursor.after))
    # Each batch is committed completely or not at all, together with its ledger row. So only the last commit
    # must be flushed.
    with (
        errors_of(f"writing the batches of {mapper.name}"),
        async_commit(run.connection),
        closing(_ahead(_encode_batches(mapped))) as batches,
    ):
        for batch in batches:
            commit_batch(run.connection, run.ledger, run.staging, batch)
            hit(f"{stage}:batch")
            run.report.advance(batch.source_rows)
            return_memory()
            if run.should_stop():
                run.stop_if_asked()
    run.ledger.finish(run.id, stage, mapper.name)
    hit(f"{stage}:finished")


def _find_unchanged(run: RunContext, mapper: Mapper) -> Unchanged | None:
    """Return what is taken over for a mapper from the published run, None if it must map its rows."""
    if not isinstance(mapper, Repeatable):
        return None
    inputs = mapper.depends_on()
    if inputs is None or not inputs <= run.unchanged:
        return None
    fills = [table for stage in run.mapping.stages for one in stage.mappers for table in one.writes]
    if len(mapper.writes) != 1 or fills.count(mapper.writes[0]) != 1:
        return None
    [table] = mapper.writes
    columns = [one.name for one in run.live.tables[table].columns if not one.generated]
    entities = sorted(mapped_entities(run.config, run.spec) & {table})
    return Unchanged(mapper.name, mapper.source, table, columns, entities)


def _take_over(run: RunContext, found: Unchanged) -> None:
    base = run.state.document.refreshes
    assert base is not None
    rows = take_over(
        run.connection, run.ledger, run_id=run.id, base=base, live=run.address.schema,
        staging=run.staging, found=found,
    )  # fmt: skip
    run.report.advance(rows)
    run.report.note(f"{found.source}: no row has changed since the publication; {found.table} is taken over")
    hit("take_over:committed")


def _ahead(steps: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield what `steps` yields; while one is used, another thread makes the next."""
    with closing(steps), ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        following = pool.submit(next, steps, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, steps, None)
            yield item


def _map_batches(
    run: RunContext,
    workspace: Workspace,
    stage: str,
    mapper: Mapper,
    numbering: Numbering,
    number: int,
    after: int | None,
) -> Generator[Batch, None, None]:
    wanted = sorted(mapped_entities(run.config, run.spec))
    hash_ = hash_of(run.connection)
    mapper = begin(mapper, workspace, run.ids)
    for rows in _ahead(workspace.read(mapper.reads, after=after)):
        number += 1
        keys = rows[mapper.reads.key]
        first, last = int(keys[0]), int(keys[-1])
        mapped = mapper.map(rows, run.ids)
        require_declared(mapper, mapped)
        mapped = numbering.add(mapped)
        mapped = replace(mapped, id_map=mapped.id_map.filter(pl.col("entity").is_in(wanted)))
        sums = BatchSums.of(mapped.tables, mapped.fates, run.live.tables, hash_)
        yield Batch(run.id, stage, mapper.name, number, first, last, rows.height, mapped, sums=sums)


def require_declared(mapper: Mapper, mapped: MappedBatch) -> None:
    """Raise StateMismatch if a mapper gives rows of a table that counts as complete without them."""
    if undeclared := sorted(mapped.tables.keys() - set(mapper.writes)):
        raise StateMismatch(
            f"the mapper {mapper.name} returns rows of {', '.join(undeclared)}, which is not in its `writes`",
            hint="nothing of the batch was written; add the table to the mapper",
        )


def _encode_batches(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    with closing(batches):
        for batch in batches:
            yield encode_batch(batch)


def make_stage(name: str, taken: Collection[str]) -> Stage:
    """Return the stage that runs the mapping's stage `name`, with a name that is not in `taken`."""
    stage = _Mapping(name)
    shown = f"table {name}" if name in taken else name
    return Stage(
        shown, f"map and stage {name}", stage.check, stage.run, stage.undo, background=(crosswalk.TASK,)
    )
