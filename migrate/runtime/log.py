"""The log: JSON lines in the work folder, without personal data and without secrets."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

from migrate.runtime import files
from migrate.runtime.redaction import redact_value

NAME: Final = "log.jsonl"


def _redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    redacted: MutableMapping[str, Any] = redact_value(event)
    return redacted


@dataclass(frozen=True)
class OpenLog:
    """The log's file; once it is closed, the logger writes nothing again."""

    file: TextIO

    def close(self) -> None:
        """Close the file."""
        structlog.reset_defaults()
        self.file.close()


def open_log(folder: Path, run_id: str) -> OpenLog:
    """Send the log to `<folder>/log.jsonl` (mode 0600, appended to); return it, to be closed."""
    handle = os.open(folder / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, files.FILE_MODE)
    file = os.fdopen(handle, "a", encoding="utf-8", buffering=1)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _redact_event,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(file),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(run=run_id, pid=os.getpid())
    return OpenLog(file)


def log() -> Any:
    """Return the logger; before `open_log` it writes nothing."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return structlog.get_logger()
