"""What no migration can move: views, triggers, CHECKs and full-text search must be written again by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate.introspect.profile.check_constraints import expressions
from migrate.introspect.profile.full_text import full_text_tables
from migrate.source.model import Catalogue


@dataclass(frozen=True)
class ManualWork:
    """One thing to be done by hand: the source's SQL, and what replaces it if that is known.

    `lost` names text that is stored nowhere else and would be lost.
    """

    kind: str
    name: str
    sql: str
    instead: str = ""
    lost: bool = False


def find_manual_work(catalogue: Catalogue) -> Iterator[ManualWork]:
    """Yield everything in a source that is not a row."""
    for name, sql in catalogue.views:
        yield ManualWork("view", name, sql)
    for name, sql in catalogue.triggers:
        yield ManualWork("trigger", name, sql)
    for table in catalogue.tables:
        for expression in expressions(table.sql):
            yield ManualWork("CHECK", table.name, f"CHECK ({expression})")
    for one in full_text_tables(catalogue.virtual):
        yield ManualWork("full-text table", one.name, one.sql, one.instead, one.holds_text)
