"""The page of an inspection."""

from __future__ import annotations

from migrate import __version__
from migrate.introspect.profile.attention import list_attention, verdict
from migrate.introspect.profile.inspection import Inspection
from migrate.introspect.profile.text_tables import NUMBERS, findings, tables
from migrate.report import page
from migrate.runtime.clock import now


def render(inspection: Inspection) -> str:
    """Return an inspection as a page in the report's style."""
    found = list_attention(inspection)
    return page.render(
        "inspection.html",
        script="search.js",
        attention=found,
        verdict=verdict(inspection, found),
        inspection=inspection,
        tables=list(tables(inspection)),
        findings=list(findings(inspection)),
        numbers=NUMBERS,
        made=now(),
        code=__version__,
    )
