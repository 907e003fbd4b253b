"""Whether the work folder has space for what a run writes there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from migrate.pipeline.plan.target_checks import Finding

#: The disk space of snapshot and crosswalk, a high estimate: the sample's rows take about 220 bytes.
_BYTES_PER_ROW: Final = 500


def find_too_little_space(work: Path, rows: int) -> list[Finding]:
    """Return an error if so many source rows need more space than the disk of the work folder has."""
    folder = next(path for path in [work, *work.parents] if path.exists())
    free = shutil.disk_usage(folder).free
    needed = rows * _BYTES_PER_ROW
    if free >= needed:
        return []
    return [
        Finding(
            "error",
            f"the work folder {work} has {free:,} bytes free; about {needed:,} are needed",
            "give a folder with more space with --work",
        )
    ]
