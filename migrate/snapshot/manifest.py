"""The facts about a finished snapshot, and the file that records them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from migrate.runtime import files
from migrate.runtime.errors import StateMismatch
from migrate.source.model import LeftOut, TableFacts

SNAPSHOT_NAME = "snapshot.db"
FACTS_NAME = "snapshot.json"
#: The name of the snapshot while it is incomplete.
PARTIAL_NAME = "snapshot.partial.db"


@dataclass(frozen=True)
class SnapshotFacts:
    """A finished snapshot.

    `sha256` is the digest of the file at `path`, `source` the name of the source that may be shown, `mark`
    the version of the source (None if it has none), `version` its SQLite version. `rows_read` is what the
    server billed, `bytes` the size of its responses, `passes` how often tables were read because they had
    changed. These three are sums over all runs that the snapshot took.
    """

    path: Path
    sha256: str
    source: str
    identity: str
    mark: str | None
    version: str
    tables: tuple[TableFacts, ...]
    left_out: tuple[LeftOut, ...]
    rows: int
    bytes: int
    rows_read: int
    passes: int


def write_facts(folder: Path, facts: SnapshotFacts) -> None:
    """Write the facts next to the snapshot, completely or not at all."""
    body = {**asdict(facts), "path": facts.path.name}
    with files.write_atomically(folder / FACTS_NAME) as file:
        file.write(json.dumps(body, indent=1).encode() + b"\n")


def read_facts(folder: Path) -> SnapshotFacts | None:
    """Return the facts in a folder, None if there are none.

    Raises StateMismatch if they are damaged.
    """
    path = folder / FACTS_NAME
    if not path.exists():
        return None
    try:
        body = json.loads(path.read_bytes())
        tables = tuple(TableFacts(one["name"], one["rows"], tuple(one["key"])) for one in body["tables"])
        left_out = tuple(LeftOut(**one) for one in body["left_out"])
        facts = SnapshotFacts(
            **{**body, "path": folder / body["path"], "tables": tables, "left_out": left_out}
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StateMismatch(
            f"{path} is damaged",
            hint=f"delete {path} and the snapshot in its folder, then run the same command again",
        ) from error
    return facts


def finished_snapshot(folder: Path, identity: str) -> SnapshotFacts | None:
    """Return the facts of the finished snapshot in a folder, None if there is none.

    Raises StateMismatch if it is of another source, was changed, or has no facts.
    """
    path = folder / SNAPSHOT_NAME
    if not path.exists():
        return None
    facts = read_facts(folder)
    way_out = f"delete {path} and run the same command again: the snapshot starts again"
    if facts is None:
        raise StateMismatch(f"{folder / FACTS_NAME} is missing, so {path} cannot be trusted", hint=way_out)
    if facts.identity != identity:
        raise StateMismatch(f"{path} was taken from {facts.identity}, not from {identity}", hint=way_out)
    if files.digest_file(path) != facts.sha256:
        raise StateMismatch(f"{path} was changed after it was taken", hint=way_out)
    return replace(facts, path=path)


def remove_snapshot(folder: Path) -> None:
    """Remove the snapshot of a work folder, complete or not, and its facts."""
    for name in (SNAPSHOT_NAME, FACTS_NAME, PARTIAL_NAME):
        (folder / name).unlink(missing_ok=True)
