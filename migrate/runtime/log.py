"""The log: JSON lines in the work folder, without personal data and without secrets."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

from migrate.runtime import files

NAME: Final = "log.jsonl"
_HIDDEN: Final = "***"
_SECRET_KEY: Final = re.compile(r"pass|secret|token|auth|cookie|dsn|conninfo", re.IGNORECASE)
_IN_TEXT: Final = (
    # user:password@ of a URL, its token parameters, bearer tokens, JWTs, conninfo words, e-mails
    (re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)"), _HIDDEN),
    (re.compile(r"(?i)((?:authtoken|auth_token|jwt|password|token)=)[^&\s]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"(?i)(bearer\s+)\S+"), rf"\1{_HIDDEN}"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*"), _HIDDEN),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<e-mail>"),
)


def redact(text: str) -> str:
    """Return `text` without credentials and e-mail addresses."""
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        key: _HIDDEN if _SECRET_KEY.search(key) else redact(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def open_log(folder: Path, run_id: str) -> TextIO:
    """Send the log to `<folder>/log.jsonl` (mode 0600, appended to); return the file, to be closed."""
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
    return file


def log() -> Any:
    """Return the logger; before `open_log` it writes nothing."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return structlog.get_logger()
