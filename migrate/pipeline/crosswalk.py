"""The crosswalk of a run: what needs a whole table at once, settled in a file next to the snapshot."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Final

from mappers.base import BoundMapping
from migrate.pipeline.context import RunContext
from migrate.pipeline.mapping import digests
from migrate.pipeline.stage import BackgroundTask
from migrate.runtime.background import Cancellation, Work
from migrate.runtime.failpoints import hit
from migrate.snapshot import crosswalk_file
from migrate.snapshot.workspace import Workspace

_MAKING: Final = threading.Lock()


def open_workspace(run: RunContext) -> Workspace:
    """Open the snapshot with its crosswalk, which is made first if none fits; the caller closes it."""
    run.background.result(TASK.name, lambda: None)
    _make(run, run.mapping, Cancellation())
    return Workspace.open_readonly(
        run.snapshot_path, run.crosswalk_path, batch_keys=run.config.load.batch_rows
    )


def _plan(run: RunContext) -> Work[None] | None:
    if not run.live.tables:
        return None
    mapping = run.mapping  # read here: the run's session is not for two threads
    return lambda cancellation: _make(run, mapping, cancellation)


#: It needs the snapshot alone, and is made while the target is backed up.
TASK: Final = BackgroundTask("crosswalk", after="snapshot", plan=_plan)


def _make(run: RunContext, mapping: BoundMapping, cancellation: Cancellation) -> None:
    with _MAKING:
        identity = _identity(run)
        if crosswalk_file.fits(run.crosswalk_path, identity):
            return
        with (
            crosswalk_file.build(run.snapshot_path, run.crosswalk_path, identity) as workspace,
            cancellation.interrupting(workspace.interrupt),
        ):
            mapping.prepare(workspace)
            hit("crosswalk:prepared")


def _identity(run: RunContext) -> str:
    """Return a digest of everything that the crosswalk is made from."""
    snapshot = run.state.stage("snapshot")
    return hashlib.sha256(
        json.dumps(
            [
                snapshot.artifacts["snapshot"].sha256 if snapshot else None,
                run.config.mappers.model_dump(mode="json", exclude={"mapping"}),
                digests(run.config),
                run.state.document.code,
            ]
        ).encode()
    ).hexdigest()
