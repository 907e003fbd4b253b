"""Reading the legacy database: over HTTP, over WebSocket, from a file or a dump."""

from __future__ import annotations

from migrate.source.base import Catalogue, Column, Progress, Source, Table, TableForecast
from migrate.source.facts import SnapshotFacts
from migrate.source.opening import open_source
from migrate.source.settings import SourceSettings
from migrate.source.snapshot import forecast, take_snapshot

__all__ = [
    "Catalogue",
    "Column",
    "Progress",
    "SnapshotFacts",
    "Source",
    "SourceSettings",
    "Table",
    "TableForecast",
    "forecast",
    "open_source",
    "take_snapshot",
]
