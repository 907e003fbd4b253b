"""Which run of the work folder a command opens, and what it needs of it."""

from __future__ import annotations

from enum import Enum


class RunMode(Enum):
    """What a command wants of the work folder's run."""

    #: begin a run, or resume the one that is not finished
    START = "start"
    #: give up a run that is not finished, and begin a new one
    FRESH = "fresh"
    #: replace the rows of a published run by those that the source has now, or resume that
    REFRESH = "refresh"
    #: open the recorded run, whatever became of it; begin none
    RECORDED = "recorded"
    #: like RECORDED, but without its state file, its source or its mapping: these may be gone
    ROLLBACK = "rollback"

    @property
    def begins(self) -> bool:
        """Whether a run may be begun."""
        return self in (RunMode.START, RunMode.FRESH, RunMode.REFRESH)
