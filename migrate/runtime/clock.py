"""The current time, for records about a run (never for a mapped value)."""

from __future__ import annotations

import datetime as dt


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second; for records, never for mapped values."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
