"""What a stage is: a name, a check, a run, an undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrate.pipeline.context import RunContext
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from migrate.pipeline.state import Artifact

Facts = dict[str, Any]


@dataclass
class StageResult:
    """What a stage left: one line for a person, facts for the state file, files with their digests."""

    line: str
    facts: Facts = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)


class Step(Protocol):
    """A function of a run, such as a stage's three."""

    def __call__(self, run: RunContext) -> Any:
        """Do it."""
        ...


@dataclass(frozen=True)
class Stage:
    """A stage, a value with its way back; it knows nothing of its neighbours.

    `check` raises StateMismatch where what the finished stage left no longer
    holds, `run` does the work and may be called again after any interruption,
    `undo` removes what it left. `ahead` is called before each earlier stage,
    with the number of stages until its turn, and may begin in `run.beside`
    what need not wait for it.
    """

    name: str
    does: str
    check: Callable[[RunContext], None]
    run: Callable[[RunContext], StageResult]
    undo: Callable[[RunContext], None]
    always: bool = False
    ahead: Callable[[RunContext, int], None] = lambda _run, _distance: None
