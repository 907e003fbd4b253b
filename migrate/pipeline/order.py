"""The order of the stages, and nothing else: each stage is its own value."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from typing import Final

from mappers.base import MappingSpec
from migrate.pipeline.context import RunContext
from migrate.pipeline.mapping import load_spec, target_ddl
from migrate.pipeline.metrics import require_library, write_metrics
from migrate.pipeline.stage import Stage, StageResult
from migrate.pipeline.stages import backup, cleanup, create_tables, load, preflight, publish, snapshot, verify
from migrate.pipeline.summary import snapshot_counts, summary
from migrate.runtime.config import Config
from migrate.runtime.errors import MigrateError
from migrate.runtime.failpoints import hit
from migrate.runtime.log import log
from migrate.runtime.memory import return_memory
from migrate.runtime.system import forget_peak, peak_megabytes

BEFORE: Final = (preflight.STAGE, snapshot.STAGE, backup.STAGE, cleanup.STAGE)
AFTER: Final = (verify.STAGE, publish.STAGE)
#: The stages of every mapping; those between are the mapping's own, and leave nothing to undo.
FIXED: Final = (*BEFORE, *AFTER)
#: What may be done early for the summary, which follows the last stage.
SUMMARY: Final = (snapshot_counts.TASK, summary.TASK)


def make_stages(config: Config, spec: MappingSpec) -> tuple[Stage, ...]:
    """Return the stages of a run in their order: the fixed ones with those of the mapping between them."""
    taken = {stage.name for stage in (create_tables.STAGE, *FIXED)}
    own = [load.make_stage(name, taken) for name in spec.stages]
    made = () if target_ddl(config) is None else (create_tables.STAGE,)
    return (*made, *BEFORE, *own, *AFTER)


def describe_stages(config: Config) -> list[tuple[str, str]]:
    """Return name and purpose of every stage, in order; UsageError if the mapping cannot be read."""
    return [(stage.name, stage.does) for stage in make_stages(config, load_spec(config))]


def run_stages(run: RunContext, stages: Sequence[Stage] | None = None) -> None:
    """Run the stages to their ends, in order, without `stages` those of the configuration.

    Finished ones are checked and skipped. Background tasks of later stages
    are started before each stage. Each stage is recorded in the state file
    when it begins and when it ends. Raises what the stage raised; the record
    then says that it failed, and the same command continues from there.
    """
    if run.config.metrics.textfile is not None:
        require_library()
    try:
        _run_in_order(run, make_stages(run.config, run.spec) if stages is None else stages)
    except BaseException:
        run.background.close()  # before the failure is reported, which may take a while
        raise


def _run_in_order(run: RunContext, stages: Sequence[Stage]) -> None:
    for place, stage in enumerate(stages):
        run.stop_if_asked()
        if run.state.done(stage.name) and not stage.always:
            stage.check(run)
            run.report.note(f"done already: {stage.name}")
            continue
        if not stage.always:
            _start_tasks(run, stages[place + 1 :])
        _run_stage(run, stage)


def _start_tasks(run: RunContext, later: Sequence[Stage]) -> None:
    """Start the background tasks of `later` stages, and of the summary, that need not wait for their turn."""
    waiting = [task for stage in later if not run.state.done(stage.name) for task in stage.background]
    for task in (*waiting, *SUMMARY):
        if run.state.done(task.after) and (task.repeats or not run.background.has_started(task.name)):
            work = task.plan(run)
            if work is not None:
                run.background.start(task.name, work, dispose=task.dispose)


def undo_stages(run: RunContext, stages: Sequence[Stage]) -> None:
    """Undo what the stages left on the target and in the work folder, last first."""
    for stage in reversed(stages):
        if run.state.stage(stage.name) is not None:
            stage.undo(run)


def _run_stage(run: RunContext, stage: Stage) -> StageResult:
    began = time.monotonic()
    return_memory()
    forget_peak()
    run.state.start(stage.name)
    log().info("stage begins", stage=stage.name)
    run.report.begin(stage.name)
    hit(f"{stage.name}:begin")
    try:
        left = stage.run(run)
        hit(f"{stage.name}:end")
    except BaseException as error:
        seconds = time.monotonic() - began
        log().error("stage stopped", stage=stage.name, seconds=round(seconds, 3), error=type(error).__name__,
                    message=error.message if isinstance(error, MigrateError) else None,
                    frames=_frames(error))  # fmt: skip
        run.state.fail(stage.name, seconds)
        _measure(run)
        raise
    seconds = time.monotonic() - began
    facts = {**left.facts, "peak_mb": peak_megabytes()}
    run.state.finish(stage.name, seconds, facts, left.artifacts)
    hit(f"{stage.name}:recorded")
    log().info("stage done", stage=stage.name, seconds=round(seconds, 3), **facts)
    run.report.end(stage.name, seconds, left.line)
    _measure(run)
    return left


def _measure(run: RunContext) -> None:
    if run.config.metrics.textfile is None:
        return
    try:
        write_metrics(run.state.document, run.config.metrics.textfile)
    except MigrateError as error:  # no row waits for a memory figure
        run.report.note(f"{error}; the run continues")


def _frames(error: BaseException) -> list[str]:
    """Return the source lines of an unexpected error; its text may hold personal data."""
    if isinstance(error, MigrateError):
        return []
    return [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
