"""Notes and events on standard error: as text, or as JSON lines for a program that collects them."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import Any, Final

from migrate.runtime.next_command import complete

#: The variable that asks for lines, also set by the option `--log-format`.
VARIABLE: Final = "MIGRATE_LOG_FORMAT"
VERSION: Final = 1


def wants_json_lines() -> bool:
    """Return whether progress and errors are written as JSON lines."""
    return os.environ.get(VARIABLE) == "json"


def line(event: str, **facts: Any) -> bytes:
    """Return one line: `version`, `at` (UTC), `event` and the fields, without control characters in texts."""
    from migrate.runtime.redaction import redact_value, terminal_safe

    shown = {
        key: terminal_safe(value) if isinstance(value, str) else value
        for key, value in ((key, redact_value(value)) for key, value in facts.items())
    }
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"version": VERSION, "at": at, "event": event, **shown}).encode() + b"\n"


def write_line(event: str, **facts: Any) -> None:
    """Write one line to standard error."""
    sys.stderr.write(line(event, **facts).decode())
    sys.stderr.flush()


def write_note(text: str) -> None:
    """Write a note to standard error, as a line or as text."""
    from migrate.runtime.redaction import redact, terminal_safe

    text = complete(text)
    if wants_json_lines():
        write_line("note", text=text)
    else:
        sys.stderr.write(f"note: {terminal_safe(redact(text))}\n")
        sys.stderr.flush()
