"""What no file can move: views, triggers, CHECKs, full-text search. It must be done by hand."""

from __future__ import annotations

from collections.abc import Mapping

from migrate.introspect.profile.model import CheckReport, Inspection


def appendix(inspection: Inspection) -> Mapping[str, tuple[str, ...]]:
    """Return headings with their lines; none if nothing must be done by hand."""
    found = {
        "Views, to be written anew": tuple(view.sql for view in inspection.views),
        "Triggers, to be written anew": tuple(trigger.sql for trigger in inspection.triggers),
        "CHECK constraints, which Prisma does not know": tuple(map(_check, inspection.checks)),
        "Full-text search, in PostgreSQL by the legacy names": tuple(
            f"{one.name}\n{one.instead}" for one in inspection.full_text
        ),
        "Tables of SQLite's own and of full-text search, which no snapshot holds": tuple(
            f"{one.name}: {one.reason}" for one in inspection.leftovers if not one.copied
        ),
    }
    return {heading: lines for heading, lines in found.items() if lines}


def _check(check: CheckReport) -> str:
    broken = (
        "not known how many rows break it" if check.broken is None else f"broken by {check.broken:,} rows"
    )
    return f"{check.table}: CHECK ({check.sql}) {broken if check.broken != 0 else 'every row meets it'}"
