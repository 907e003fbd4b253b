"""The page of an inspection."""

from __future__ import annotations

from migrate import __version__
from migrate.inspection.document import Inspection
from migrate.inspection.listings import NUMBERS, findings, tables
from migrate.report import page
from migrate.state import now


def render(inspection: Inspection) -> str:
    """Return an inspection as a page like the report's."""
    return page.render(
        "inspection.html",
        inspection=inspection,
        tables=list(tables(inspection)),
        findings=list(findings(inspection)),
        numbers=NUMBERS,
        made=now(),
        code=__version__,
    )
