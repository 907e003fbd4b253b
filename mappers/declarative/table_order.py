"""The order of the stages: parents first, unless their references form a circle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mappers.declarative.mapping_file import MappingFile, TableMapping

#: Stages of every run, for any mapping.
FIXED: Final = ("preflight", "snapshot", "backup", "cleanup", "verify", "publish")


def in_order(file: MappingFile) -> list[str]:
    """Return the migrated source tables, each after those that it refers to, if possible.

    Of tables that refer to one another in a circle the first by name comes first. Keys are derived and
    constraints are created last, so the rows do not depend on the order.
    """
    waiting = {
        name: _named(table) - {name}
        for name, table in sorted(file.tables.items())
        if table.target is not None
    }
    ordered: list[str] = []
    while waiting:
        free = [name for name, parents in waiting.items() if not parents & waiting.keys()]
        for name in free or [next(iter(waiting))]:
            ordered.append(name)
            del waiting[name]
    return ordered


def stage_name(target: str) -> str:
    """Return the stage of a target table."""
    return f"table {target}" if target in FIXED else target


def _named(table: TableMapping) -> set[str]:
    found: set[str] = {reference.of for reference in table.references}
    for line in table.columns.values():
        if isinstance(line.of, Mapping):
            found |= set(line.of.values())
        elif line.of is not None:
            found.add(line.of)
        found |= {hidden.of for hidden in line.ids}
    return found
