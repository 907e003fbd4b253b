"""What no migration carries over: views, triggers, CHECKs and full-text search are written anew by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate.introspect.profile.check_constraints import expressions
from migrate.introspect.profile.full_text import full_text_tables
from migrate.source.model import Catalogue


@dataclass(frozen=True)
class ByHand:
    """One thing to be done by hand: the source's SQL, and what takes its place where that is known.

    `lost` tells of text that is nowhere else, and goes with it.
    """

    kind: str
    name: str
    sql: str
    instead: str = ""
    lost: bool = False


def find_by_hand(catalogue: Catalogue) -> Iterator[ByHand]:
    """Yield everything of a source that is no row."""
    for name, sql in catalogue.views:
        yield ByHand("view", name, sql)
    for name, sql in catalogue.triggers:
        yield ByHand("trigger", name, sql)
    for table in catalogue.tables:
        for expression in expressions(table.sql):
            yield ByHand("CHECK", table.name, f"CHECK ({expression})")
    for one in full_text_tables(catalogue.virtual):
        yield ByHand("full-text table", one.name, one.sql, one.instead, one.holds_text)
