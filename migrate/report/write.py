"""Makes the report of a run and writes it into the work folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from migrate.report import page
from migrate.report.collect import collect
from migrate.report.report_facts import Document
from migrate.report.sankey import NARROW, WIDE, draw

FILE: Final = "report.html"
#: Holds personal data, so it never replaces the other one.
WITH_SAMPLES: Final = "report-with-samples.html"


def write_report(folder: Path) -> Path:
    """Write `<folder>/report.html` and return its path; see `collect` for what it raises."""
    path = folder / FILE
    page.write(path, render(collect(folder)))
    return path


def render(document: Document) -> str:
    """Return the page of a report."""
    live = {target.table: target.rows for target in document.targets}
    return page.render(
        "run.html",
        document=document,
        live=live,
        pictures={"wide": draw(document.flows, WIDE, live), "narrow": draw(document.flows, NARROW, live)},
    )
