"""What no file can carry over: views, triggers, full-text search. It is listed, to be done by hand."""

from __future__ import annotations

from collections.abc import Mapping

from migrate.inspection.document import Inspection


def appendix(inspection: Inspection) -> Mapping[str, tuple[str, ...]]:
    """Return headings with their lines; none where there is nothing to do by hand."""
    found = {
        "Views, to be written anew": tuple(view.sql for view in inspection.views),
        "Triggers, to be written anew": tuple(trigger.sql for trigger in inspection.triggers),
        "Tables of SQLite's own and of full-text search, which no snapshot holds "
        "(in PostgreSQL: a tsvector column with a GIN index)": tuple(
            f"{one.name}: {one.reason}" for one in inspection.leftovers if not one.copied
        ),
    }
    return {heading: lines for heading, lines in found.items() if lines}
