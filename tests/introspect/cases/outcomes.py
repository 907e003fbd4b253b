"""What a draft foresees and what the ledger holds of its run, in one shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.tools.commands import query

#: rows by source table, column, fate (None: migrated) and reason or rule
Outcomes = dict[tuple[str, str, str | None, str], int]


def foreseen(forecast: Iterable[Mapping[str, Any]]) -> Outcomes:
    """Return the forecast of `migrate init --json`."""
    return {(one["table"], one["column"], one["fate"], one["rule"]): one["rows"] for one in forecast}


def happened(url: str, changed: Iterable[Mapping[str, Any]]) -> Outcomes:
    """Return what a run did; `changed` is its summary's, for what is counted and not named by value."""
    fates = query(
        url,
        "SELECT source_table, coalesce(detail, ''), fate, reason, count(*)::int FROM migrate_ledger.fate"
        " GROUP BY 1, 2, 3, 4",
    )
    warnings = query(
        url,
        "SELECT source_table, column_name, NULL, rule, count(*)::int FROM migrate_ledger.warning"
        " GROUP BY 1, 2, 4",
    )
    counted = {
        (one["table"], one["column"], None, one["rule"]): one["rows"]
        for one in changed
        if one["rule"] == "rounded_to_milliseconds"
    }
    return {tuple(place): rows for *place, rows in (*fates, *warnings)} | counted
