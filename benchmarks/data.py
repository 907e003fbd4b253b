"""The legacy databases that are migrated: synthetic, the same on every machine."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Final

#: Users and people with a complete profile for a number of messages.
MESSAGES_PER_USER: Final = 20
MESSAGES_PER_PROFILE: Final = 200


def legacy_file(folder: Path, messages: int) -> Path:
    """Return a legacy database with this number of messages, which is created if it does not exist.

    A user for every 20 messages, one with a complete profile (57 meta rows) for every 200; images and
    connections in proportion. A file made by another version of the sample is not used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"legacy-{messages}-{_version()}.db"
    if not path.exists():
        for old in folder.glob(f"legacy-{messages}-*.db"):
            old.unlink()
        profiles = str(max(1, messages // MESSAGES_PER_PROFILE))
        subprocess.run(
            [sys.executable, "-m", "migrate", "sample", str(path), "--messages", str(messages),
             "--profiles", profiles],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return path


def _version() -> str:
    """Return a digest of the code that makes the sample."""
    digest = hashlib.sha256()
    for file in sorted(resources.files("migrate.source.sample").iterdir(), key=lambda entry: entry.name):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
