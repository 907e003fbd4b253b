"""Maps a small database as a mapping file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from mappers.declarative.mapping import DeclarativeMapping
from mappers.declarative.mapping_file import read_mapping
from mappers.declarative.target_columns import TargetColumn
from migrate.snapshot.workspace import Workspace
from tests.mappers.studio.runner import Outcome, legacy_file, run

Target = Mapping[str, Sequence[TargetColumn]]


def bind(snapshot: Path, mapping: str, target: Target | None = None) -> DeclarativeMapping:
    with closing(Workspace(snapshot, snapshot.with_name("tables.db"))) as workspace:
        return DeclarativeMapping(read_mapping("version = 1\n" + mapping), workspace.tables(), target=target)


def migrated(
    folder: Path, source: str, mapping: str, target: Target | None = None, *, batch_keys: int = 1000
) -> Outcome:
    """Return what becomes of a database that `source` (SQL) makes."""
    snapshot = folder / "snapshot.db"
    if not snapshot.exists():
        legacy_file(snapshot, source)
    return run(snapshot, mapping=bind(snapshot, mapping, target), batch_keys=batch_keys)
