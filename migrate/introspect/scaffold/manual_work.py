"""What no file can move: views, triggers, CHECKs, full-text search. It must be done by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from migrate.introspect.profile.inspection import Inspection
from migrate.introspect.profile.table_findings import CheckReport
from migrate.runtime.amount import amount

#: The heading of the tables that no snapshot holds.
SKIPPED: Final = "Skipped"


def appendix(inspection: Inspection) -> Mapping[str, tuple[str, ...]]:
    """Return headings with their lines; none if nothing must be done by hand."""
    found = {
        "Views: rewrite them by hand": tuple(view.sql for view in inspection.views),
        "Triggers: rewrite them by hand": tuple(trigger.sql for trigger in inspection.triggers),
        "CHECK constraints: not in a Prisma schema, add them by hand": tuple(map(_check, inspection.checks)),
        "Full-text search: the same in PostgreSQL, with the names of the source": tuple(
            f"{one.name}\n{one.instead}" for one in inspection.full_text
        ),
        "Indexes of vectors: the same with the extension pgvector, if the column is a vector there": tuple(
            statement for _, statement in inspection.vector_indexes
        ),
        SKIPPED: tuple(f"{one.name} ({one.reason})" for one in inspection.leftovers if not one.copied),
    }
    return {heading: lines for heading, lines in found.items() if lines}


def _check(check: CheckReport) -> str:
    broken = (
        "unknown how many rows break it"
        if check.broken is None
        else f"broken by {amount(check.broken, 'row')}"
    )
    return f"{check.table}: CHECK ({check.sql}) {broken if check.broken != 0 else 'no row breaks it'}"
