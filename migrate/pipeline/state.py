"""The state file: which stages of a run are done, and what they left.

It says where to resume, but it is evidence, not the truth: it is compared with the ledger, the snapshot and
the dump before a run depends on it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from migrate.pipeline.ids import BASE36, HEX, Rule
from migrate.runtime import files
from migrate.runtime.clock import now
from migrate.runtime.errors import StateMismatch

FORMAT: Final = 1
NAME: Final = "state.json"

Status = Literal["running", "done", "failed"]
Outcome = Literal["open", "published", "rolled_back"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Artifact(_Record):
    """A file that a stage left: path relative to the work folder, bytes, SHA-256."""

    path: str
    bytes: int
    sha256: str


class StageRecord(_Record):
    """The record of one stage."""

    status: Status
    started: str
    finished: str | None = None
    seconds: float = 0.0
    facts: dict[str, Any] = {}
    artifacts: dict[str, Artifact] = {}


class ConfigRecord(_Record):
    """The configuration with which a run was begun: its file with its SHA-256, and how to reach the target.

    `target` holds no secret: of the URL only the variable that has it.
    """

    file: str | None
    sha256: str | None
    target: dict[str, Any]


class Document(_Record):
    """The content of the state file."""

    format: int
    run_id: str
    code: str
    created: str
    binding: dict[str, Any]
    id_secret: str
    #: of a state file of version 0.1, which does not name it
    id_rule: Rule = BASE36
    outcome: Outcome = "open"
    publication: int | None = None
    stages: dict[str, StageRecord] = {}
    config: ConfigRecord | None = None
    #: the run whose published rows this one replaces
    refreshes: str | None = None


class State:
    """The state file of one work folder; every change is written before the call returns."""

    def __init__(self, folder: Path, document: Document) -> None:
        self.folder = folder
        self.document = document

    @classmethod
    def begin(
        cls,
        folder: Path,
        *,
        run_id: str,
        code: str,
        binding: dict[str, Any],
        id_secret: str,
        id_rule: Rule = HEX,
        config: ConfigRecord | None = None,
        refreshes: str | None = None,
    ) -> State:
        """Write the state file of a new run and return it."""
        document = Document(
            format=FORMAT, run_id=run_id, code=code, created=now(), binding=binding, id_secret=id_secret,
            id_rule=id_rule, config=config, refreshes=refreshes,
        )  # fmt: skip
        state = cls(folder, document)
        state.save()
        return state

    @classmethod
    def load(cls, folder: Path) -> State | None:
        """Return the state stored in `folder`, None if there is none.

        Raises StateMismatch if the file is damaged or of another version.
        """
        path = folder / NAME
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateMismatch(f"cannot read {path}: {error.strerror}") from error
        return cls(folder, _parse(path, raw))

    def save(self) -> None:
        """Write the whole file: temporary name, fsync, rename, fsync of the folder."""
        body = self.document.model_dump(mode="json")
        with files.write_atomically(self.folder / NAME) as file:
            file.write(json.dumps({"checksum": _checksum(body), **body}, indent=1).encode())

    # ---- stages ------------------------------------------------------------------

    def stage(self, name: str) -> StageRecord | None:
        """Return the record of a stage, None if it was never started."""
        return self.document.stages.get(name)

    def done(self, name: str) -> bool:
        """Return whether the stage is recorded as done."""
        record = self.stage(name)
        return record is not None and record.status == "done"

    def start(self, name: str) -> None:
        """Record that a stage starts, or starts again; time spent before is kept."""
        before = self.stage(name)
        self.document.stages[name] = StageRecord(
            status="running",
            started=before.started if before else now(),
            seconds=before.seconds if before else 0.0,
        )
        self.save()

    def finish(
        self, name: str, seconds: float, facts: dict[str, Any], artifacts: dict[str, Artifact]
    ) -> None:
        """Record that a stage is done and what it left."""
        record = self.document.stages[name]
        record.status, record.finished = "done", now()
        record.seconds = round(record.seconds + seconds, 3)
        record.facts, record.artifacts = facts, artifacts
        self.save()

    def fail(self, name: str, seconds: float) -> None:
        """Record that a stage stopped before its end."""
        record = self.document.stages[name]
        record.status = "failed"
        record.seconds = round(record.seconds + seconds, 3)
        self.save()

    def forget(self, *names: str) -> None:
        """Delete the records of stages, so that they run again."""
        for name in names:
            self.document.stages.pop(name, None)
        self.save()

    def conclude(self, outcome: Outcome) -> None:
        """Record how the run ended."""
        self.document.outcome = outcome
        self.save()

    # ---- evidence ----------------------------------------------------------------

    def record_file(self, path: Path, sha256: str | None = None) -> Artifact:
        """Return the artifact that describes a file of the work folder, with its digest if it is known."""
        return Artifact(
            path=str(path.relative_to(self.folder)),
            bytes=path.stat().st_size,
            sha256=sha256 or files.digest_file(path),
        )

    def prove_file(self, stage: str, name: str) -> Path:
        """Return the path of a recorded artifact after comparing its digest.

        Raises StateMismatch if it is missing or was changed.
        """
        record = self.stage(stage)
        if record is None or name not in record.artifacts:
            raise StateMismatch(
                f"the state file records no {name} of stage {stage}",
                hint="start again with `migrate run --fresh`",
            )
        artifact = record.artifacts[name]
        path = self.folder / artifact.path
        if not path.is_file():
            raise StateMismatch(
                f"{path}, a file of stage {stage}, is missing",
                hint="restore the right one, or start again with `migrate run --fresh`",
            )
        if path.stat().st_size != artifact.bytes or files.digest_file(path) != artifact.sha256:
            raise StateMismatch(
                f"{path} was changed since stage {stage} wrote it: its SHA-256 differs",
                hint="restore it from a copy, or start again with `migrate run --fresh`",
            )
        return path


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _parse(path: Path, raw: bytes) -> Document:
    hint = (
        f"restore {path} from a copy; or type `migrate run --fresh` to start a new run (the live tables are "
        "untouched until publish); or `migrate rollback`, which finds the run in the target's ledger"
    )
    try:
        body = json.loads(raw)
        checksum = body.pop("checksum")
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise StateMismatch(
            f"the state file {path} is damaged: it is not a complete JSON document", hint=hint
        ) from error
    if not isinstance(body.get("format"), int) or body["format"] != FORMAT:
        raise StateMismatch(
            f"the state file {path} has format {body.get('format')!r}; this version reads {FORMAT}",
            hint="use the version of migrate that started this run, or another --work folder",
        )
    if checksum != _checksum(body):
        raise StateMismatch(f"the state file {path} is damaged: its checksum does not match", hint=hint)
    try:
        return Document(**body)
    except ValidationError as error:
        raise StateMismatch(
            f"the state file {path} is damaged: {error.error_count()} fields are wrong", hint=hint
        ) from error


REHEARSAL = "rehearsal"
