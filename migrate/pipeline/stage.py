"""A stage: a name, a check, a run, an undo, and its background tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from migrate.pipeline.state import Artifact
from migrate.runtime.background import Work

if TYPE_CHECKING:
    from migrate.pipeline.context import RunContext

Facts = dict[str, Any]


@dataclass
class StageResult:
    """What a stage left: one line for a person, facts for the state file, files with their digests."""

    line: str
    facts: Facts = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)


@dataclass(frozen=True)
class BackgroundTask:
    """Work that the pipeline may start before its turn, and that runs while other stages do.

    `after` names the stage that must be done first. From then on `plan` is called in the run's thread before
    each stage that starts, until the task's own turn. It reads what it needs from the run and returns the
    work, None if there is nothing to do yet. The work runs in its own thread and never uses the run's
    session, which belongs to the stage that runs. Its result is in `run.background` under `name`; if nothing
    asks for it, `dispose` gets it. With `repeats`, `plan` is called again for more work after the first.
    """

    name: str
    after: str
    plan: Callable[[RunContext], Work[Any] | None]
    dispose: Callable[[Any], None] = lambda _result: None
    repeats: bool = False


@dataclass(frozen=True)
class Stage:
    """A stage, a value with its own undo; it does not know its neighbours, and can be between any two.

    `check` raises StateMismatch if what the finished stage left is not valid any more, `run` does the work
    and may be called again after any interruption, `undo` removes what it left. A stage with `always` runs
    also if it is done. Only mappers write staged rows.
    """

    name: str
    does: str
    check: Callable[[RunContext], None]
    run: Callable[[RunContext], StageResult]
    undo: Callable[[RunContext], None]
    always: bool = False
    background: tuple[BackgroundTask, ...] = ()
