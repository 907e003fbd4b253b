"""The parts of a source that are not rows of a table: reported before a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate.introspect.profile.manual_work import ManualWork
from migrate.pipeline.plan.target_checks import Finding
from migrate.runtime.amount import amount
from migrate.source.model import Catalogue


def find_not_migrated(catalogue: Catalogue, by_hand: Sequence[ManualWork]) -> Iterator[Finding]:
    """Yield a note for every object of the source that is not migrated and is not a table."""
    for left in catalogue.left_out:
        if left.reason.startswith("virtual"):
            yield Finding("note", f"the source table {left.name} is not copied ({left.reason})")
        elif left.kind == "collation":
            yield Finding("note", f"{left.name}: {left.reason}")
    for one in by_hand:
        if one.lost:
            yield Finding("note", f"the text in {one.name} is in no other table: save it by hand")
        elif one.kind in ("view", "trigger"):
            yield Finding(
                "note", f"the {one.kind} {one.name} is not migrated: rewrite it by hand for PostgreSQL"
            )
    checks = len([one for one in by_hand if one.kind == "CHECK"])
    if checks:
        yield Finding("note", f"not migrated: {amount(checks, 'CHECK constraint')}; the report lists them")
