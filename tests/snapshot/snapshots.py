"""Taking snapshots in tests."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from migrate.runtime.settings.source import SourceSettings
from migrate.snapshot.manifest import SnapshotFacts
from migrate.snapshot.take import take_snapshot
from migrate.source.open import open_source

SMALL = SourceSettings(first_page_rows=2, attempts=3, longest_wait=0.05)


def take(url: str, work: Path, settings: SourceSettings = SMALL, **options: Any) -> SnapshotFacts:
    """Take the snapshot of the database at `url` into the folder `work`."""
    with closing(open_source(url, settings=settings)) as source:
        return take_snapshot(source, work, settings, **options)
