"""Copies the source into a local SQLite file and freezes it."""

from __future__ import annotations

from migrate.pipeline.context import RunContext
from migrate.pipeline.stage import Stage, StageResult
from migrate.runtime.amount import amount
from migrate.runtime.failpoints import hit
from migrate.snapshot import crosswalk_file
from migrate.snapshot.manifest import remove_snapshot
from migrate.snapshot.take import take_snapshot
from migrate.source.model import Progress
from migrate.source.private_copy import remove_returned


def _check(run: RunContext) -> None:
    run.state.prove_file("snapshot", "snapshot")


def _run(run: RunContext) -> StageResult:
    source = run.source.open()
    seen = 0

    def show(progress: Progress) -> None:
        nonlocal seen
        run.report.advance(max(progress.rows - seen, 0))
        seen = progress.rows
        hit("snapshot:page")

    try:
        facts = take_snapshot(source, run.work, run.config.source, show, run.should_stop)
    finally:
        source.close()
        remove_returned()
    tables = len(facts.tables)
    billed = f"; {amount(facts.rows_read, 'row')} billed" if facts.rows_read else ""
    return StageResult(
        f"{amount(facts.rows, 'row')}, {amount(tables, 'table')}, {facts.bytes:,} bytes{billed}",
        {"rows": facts.rows, "tables": tables, "bytes": facts.bytes, "rows_read": facts.rows_read},
        {"snapshot": run.state.record_file(run.snapshot_path, facts.sha256)},
    )


def _undo(run: RunContext) -> None:
    remove_snapshot(run.work)
    crosswalk_file.remove(run.work)


STAGE = Stage("snapshot", "copy the source into a local file and freeze it", _check, _run, _undo)
