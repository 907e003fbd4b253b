"""The errors of a backup.

    BackupError           a program, a server or the disk refused
    ├── BackupUnavailable transient: the server went away or a lock was not available
    └── BackupDamaged     a dump or its manifest is missing, changed or not of this kind

No message contains a password or the text of a row.
"""

from __future__ import annotations

import psycopg


class BackupError(Exception):
    """A backup could not be made, read or restored.

    `message` says what happened to which thing, `hint` what to do now.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BackupUnavailable(BackupError):
    """The server did not answer, or a lock was not available; worth trying again."""


class BackupDamaged(BackupError):
    """The dump or the manifest on the disk differs from what was written."""


def say(error: psycopg.Error) -> str:
    """Return PostgreSQL's message in one line, without the parts that may quote a row."""
    # Data exceptions (class 22) and broken constraints (class 23) quote the offending value.
    if (error.sqlstate or "")[:2] in ("22", "23"):
        return f"{type(error).__name__} ({error.sqlstate})"
    text = error.diag.message_primary or str(error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__
