"""Pairs of columns of which one names a table and the other a row of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from migrate.introspect.profile import names
from migrate.introspect.profile.columns import is_word
from migrate.introspect.profile.database import Ground
from migrate.introspect.profile.model import Polymorphic, PolymorphicArm
from migrate.introspect.profile.references import ALMOST_ALL, UNGUESSABLE, Target, Targets, contained
from migrate.introspect.profile.tables import TableShape
from migrate.source.sql import quote

#: A column that names tables names no more of them.
MOST_ARMS: Final = 50
_TYPE_WORDS: Final = frozenset({"type", "kind", "table", "entity", "model"})


def pairs(shape: TableShape) -> list[tuple[str, str]]:
    """Return the pairs such as `item_type` and `item_id`, whose id no constraint holds."""
    constrained = {column for constraint in shape.constraints for column in constraint.columns}
    ids: dict[tuple[str, ...], str] = {}
    for column in shape.columns:
        found = names.words(column.name)
        if len(found) > 1 and found[-1] == "id" and column.name not in constrained:
            ids[found[:-1]] = column.name
    return [
        (column.name, ids[found[:-1]])
        for column in shape.columns
        if (found := names.words(column.name)) and found[-1] in _TYPE_WORDS and found[:-1] in ids
    ]


def polymorphic_reference(
    ground: Ground,
    shape: TableShape,
    pair: tuple[str, str],
    targets: Targets,
) -> Polymorphic | None:
    """Return what a pair refers to, arm by arm; None where no type names a table that holds its ids."""
    type_column, id_column = pair
    if targets.meant_by(id_column, shape.name):
        return None
    kind, ident, table = quote(type_column), quote(id_column), quote(shape.name)
    listed = ground.rows(
        f"SELECT {kind}, count(*) FROM {table} WHERE {ident} IS NOT NULL AND {ident} <> ''"  # noqa: S608
        f" AND typeof({kind}) = 'text' GROUP BY {kind} ORDER BY 2 DESC, 1 LIMIT {MOST_ARMS + 1}"
    )
    if not listed or len(listed) > MOST_ARMS:
        return None
    arms = []
    for value, rows in sorted(listed):
        target, dangling = _arm(ground, shape.name, pair, value, targets)
        shown = value if is_word(value, known=True) else None
        arms.append(
            PolymorphicArm(
                value=shown,
                to_table=target.table if target else None,
                to_column=target.column if target else None,
                rows=rows,
                dangling=dangling if target else rows,
            )
        )
    if not any(arm.to_table for arm in arms):
        return None
    return Polymorphic(shape.name, type_column, id_column, tuple(arms))


def _arm(
    ground: Ground, table: str, pair: tuple[str, str], value: str, targets: Targets
) -> tuple[Target | None, int]:
    type_column, id_column = pair
    literal = "'" + value.replace("'", "''") + "'"
    where = f"{quote(type_column)} = {literal}" if "\0" not in value else "0"
    named: Sequence[Target] = [target] if (target := targets.named(value)) else targets.textual
    best: tuple[Target | None, int] = (None, 0)
    for candidate in named:
        rows, dangling = contained(ground, table, id_column, candidate, where)
        share = 0.0 if target else 0.5 if candidate.reading in UNGUESSABLE else ALMOST_ALL
        fits = rows > dangling and rows - dangling >= rows * share
        if fits and (best[0] is None or dangling < best[1]):
            best = candidate, dangling
    if best[0] is None and target is not None:
        return target, contained(ground, table, id_column, target, where)[1]
    return best
