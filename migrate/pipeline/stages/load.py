"""The mapper stages: read a batch, map its columns, COPY it; the ledger says how far they are."""

from __future__ import annotations

from collections.abc import Collection, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import polars as pl

from mappers.base import Mapped, Mapper, begin
from migrate.pipeline.context import Run
from migrate.pipeline.mapping import mapped_entities
from migrate.pipeline.stage import Left, Stage
from migrate.postgres.connection import flushed_later
from migrate.postgres.connection import mapped as errors_of
from migrate.runtime.errors import EvidenceError
from migrate.runtime.failpoints import reach
from migrate.runtime.memory import give_back
from migrate.snapshot.workspace import Bench
from migrate.staging import ledger_queries
from migrate.staging.batch import Batch, commit_batch, encode_batch

Item = TypeVar("Item")


@dataclass(frozen=True)
class _Mapping:
    """The functions of one mapper stage; `name` is what the mapping calls it."""

    name: str

    def run(self, run: Run) -> Left:
        bench = run.bench()
        try:
            project = run.project(bench.tables())
            stage = next(stage for stage in project.stages if stage.name == self.name)
            _expect_rows(run, bench, stage.mappers)
            for mapper in stage.mappers:
                _run_mapper(run, bench, self.name, mapper)
        finally:
            bench.close()
        counts = ledger_queries.staged_rows(run.connection, run.ledger, run.id, self.name)
        rows = ", ".join(f"{table} {count:,}" for table, count in sorted(counts.items()))
        return Left(rows or "nothing to map", {"rows": counts})

    def check(self, run: Run) -> None:
        """Hold the state file against the ledger, which is the truth about batches."""
        finished = ledger_queries.finished_mappers(run.connection, run.ledger, run.id)
        if self.name not in (stage for stage, _ in finished):
            raise EvidenceError(
                f"the state file says that {self.name} are staged, the target's ledger does not",
                hint="type `migrate run --fresh` to start anew; the live tables are untouched",
            )

    def undo(self, run: Run) -> None:
        """Nothing: undoing cleanup drops the staging."""

    def ahead(self, run: Run, _distance: int) -> None:
        """Make the crosswalk as soon as there is a snapshot."""
        if run.state.done("snapshot"):
            run.prepare_ahead()


def _expect_rows(run: Run, bench: Bench, mappers: tuple[Mapper, ...]) -> None:
    total = sum(int(str(bench.scalar(mapper.reads.count) or 0)) for mapper in mappers)
    run.report.begin(mappers[0].name if mappers else "", total)


def _run_mapper(run: Run, bench: Bench, stage: str, mapper: Mapper) -> None:
    cursor = run.ledger.cursor(run.id, mapper.name)
    if cursor.done:
        return
    # While one batch is copied, the next is encoded, the one after it mapped, and another read.
    mapped = _ahead(_map_batches(run, bench, stage, mapper, cursor.batch, cursor.after))
    # Each batch is in whole or not at all, and the ledger with it: only the last commit has to last.
    with (
        errors_of(f"writing the batches of {mapper.name}"),
        flushed_later(run.connection),
        closing(_ahead(_encode_batches(mapped))) as batches,
    ):
        for batch in batches:
            commit_batch(run.connection, run.ledger, run.staging, batch)
            reach(f"{stage}:batch")
            run.report.advance(batch.source_rows)
            give_back()
            if run.should_stop():
                run.stop_if_asked()
    run.ledger.finish(run.id, stage, mapper.name)
    reach(f"{stage}:finished")


def _ahead(steps: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield what `steps` yields; while one is used, the next is made in a thread of its own."""
    with closing(steps), ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        following = pool.submit(next, steps, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, steps, None)
            yield item


def _map_batches(
    run: Run, bench: Bench, stage: str, mapper: Mapper, number: int, after: int | None
) -> Generator[Batch, None, None]:
    wanted = sorted(mapped_entities(run.config, run.outline))
    mapper = begin(mapper, bench, run.ids)
    for rows in _ahead(bench.read(mapper.reads, after=after)):
        number += 1
        keys = rows[mapper.reads.key]
        first, last = int(keys[0]), int(keys[-1])
        mapped = mapper.map(rows, run.ids)
        require_declared(mapper, mapped)
        mapped = replace(mapped, id_map=mapped.id_map.filter(pl.col("entity").is_in(wanted)))
        yield Batch(run.id, stage, mapper.name, number, first, last, rows.height, mapped)


def require_declared(mapper: Mapper, mapped: Mapped) -> None:
    """Raise EvidenceError where a mapper gives rows of a table that is taken for whole without them."""
    if undeclared := sorted(mapped.tables.keys() - set(mapper.writes)):
        raise EvidenceError(
            f"the mapper {mapper.name} gives rows of {', '.join(undeclared)}, not named in its `writes`",
            hint="nothing of the batch was written; name the table in the mapper",
        )


def _encode_batches(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    with closing(batches):
        for batch in batches:
            yield encode_batch(batch)


def make_stage(name: str, taken: Collection[str]) -> Stage:
    """Return the stage that runs the mapping's stage `name`, under a name that is not `taken`."""
    stage = _Mapping(name)
    shown = f"table {name}" if name in taken else name
    return Stage(shown, f"map and stage {name}", stage.check, stage.run, stage.undo, ahead=stage.ahead)
