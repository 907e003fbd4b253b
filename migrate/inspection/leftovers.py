"""Tables that the application no longer lives in: copies, bookkeeping of migrations, shadows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from migrate.inspection.document import Leftover, LeftoverKind
from migrate.inspection.ground import Ground
from migrate.inspection.names import fold
from migrate.inspection.tables import TableShape
from migrate.source.base import LeftOut
from migrate.source.statements import quote

#: Tables in which tools note the migrations they have applied.
BOOKKEEPING: Final = frozenset({
    "__drizzle_migrations", "_prisma_migrations", "alembic_version", "ar_internal_metadata", "d1_migrations",
    "__diesel_schema_migrations", "django_migrations", "flyway_schema_history", "goose_db_version",
    "knex_migrations", "knex_migrations_lock", "kysely_migration", "kysely_migration_lock", "migrations",
    "schema_migrations", "sequelizemeta", "_sqlx_migrations", "_sqlite_migrations", "typeorm_metadata",
})  # fmt: skip

_COPIES: Final[tuple[tuple[re.Pattern[str], LeftoverKind, bool], ...]] = (
    (re.compile(r"__old_(?:push_)?(?P<of>\w.*)", re.I), "old", True),
    (re.compile(r"__new_(?:push_)?(?P<of>\w.*)", re.I), "new", True),
    (re.compile(r"_alembic_tmp_(?P<of>\w.*)", re.I), "new", True),
    (re.compile(r"(?P<of>.*\w)_{1,2}(?:backup|bak|bkp)(?:_?\d[\d_]*)?", re.I), "backup", True),
    (re.compile(r"(?:backup|bak)_(?:\d+_)?(?P<of>\w.*)", re.I), "backup", True),
    (re.compile(r"(?P<of>.*\w)_{1,2}(?:old|orig|deprecated)(?:_?\d[\d_]*)?", re.I), "old", False),
    (re.compile(r"(?P<of>.*\w)_{1,2}(?:new|tmp|temp)", re.I), "new", False),
    (re.compile(r"(?:old|tmp|temp)_(?P<of>\w.*)", re.I), "old", False),
    (re.compile(r"(?P<of>.*\w)_copy\d*", re.I), "backup", False),
    (re.compile(r"(?P<of>.*\w)_(?:19|20)\d{6}", re.I), "backup", False),
)


def find_leftovers(
    ground: Ground, shapes: Sequence[TableShape], rows: Mapping[str, int], left_out: Sequence[LeftOut]
) -> tuple[Leftover, ...]:
    """Return the left-over tables; of two whose names differ in form only, the one that less hangs on.

    What a name alone suggests (`_old`, `_new`, `_copy`) counts only where the table it was copied
    from is there.
    """
    by_name = {shape.name: shape for shape in shapes}
    wanted = {constraint.to_table for shape in shapes for constraint in shape.constraints}
    found = [_by_name(shape.name, by_name) for shape in shapes if shape.name not in wanted]
    named = {one[0]: one for one in found if one is not None}
    for name, of in _variants([shape for shape in shapes if shape.name not in named], wanted, rows):
        named[name] = (name, "case variant", of, f"its name is a form of {of}")
    leftovers = [
        Leftover(name, kind, of, reason, rows[name], _only_here(ground, by_name, name, of), copied=True)
        for name, kind, of, reason in named.values()
    ]
    leftovers += [_left_out(item, left_out) for item in left_out]
    return tuple(sorted(leftovers, key=lambda leftover: leftover.name))


def _by_name(name: str, known: Mapping[str, TableShape]) -> tuple[str, LeftoverKind, str | None, str] | None:
    if name.lower() in BOOKKEEPING:
        return name, "bookkeeping", None, "a tool notes its migrations here"
    folded = {fold(other): other for other in sorted(known) if other != name}
    for pattern, kind, sure in _COPIES:
        match = pattern.fullmatch(name)
        if match:
            of = match["of"] if match["of"] in known else folded.get(fold(match["of"]))
            if of is not None or sure:
                return name, kind, of, f"its name says so{'' if of else ', though nothing is called so'}"
    return None


def _variants(
    shapes: Sequence[TableShape], wanted: set[str], rows: Mapping[str, int]
) -> list[tuple[str, str]]:
    """Return pairs of a left-over table and the one that it is a variant of."""
    groups: dict[str, list[TableShape]] = {}
    for shape in shapes:
        groups.setdefault(fold(shape.name), []).append(shape)
    pairs = []
    for group in groups.values():
        group.sort(key=lambda shape: (-_weight(shape, wanted), -rows[shape.name], shape.name))
        pairs += [(shape.name, group[0].name) for shape in group[1:] if shape.name not in wanted]
    return pairs


def _weight(shape: TableShape, wanted: set[str]) -> int:
    """Return how much the schema cares for a table: references to it, a key, constraints, indexes."""
    return (
        8 * (shape.name in wanted) + 4 * bool(shape.key) + 2 * bool(shape.constraints) + bool(shape.indexes)
    )


def _only_here(ground: Ground, shapes: Mapping[str, TableShape], name: str, of: str | None) -> int | None:
    if of is None:
        return None
    base, copy = shapes[of], shapes[name]
    names = {column.name.lower(): column.name for column in copy.columns}
    if base.identity is None or base.identity.lower() not in names:
        return None
    here, there = quote(names[base.identity.lower()]), quote(base.identity)
    return ground.number(
        f"SELECT count(*) FROM {quote(name)} WHERE {here} IS NOT NULL AND {here} NOT IN"  # noqa: S608
        f" (SELECT {there} FROM {quote(of)} WHERE {there} IS NOT NULL)"
    )


def _left_out(item: LeftOut, all_items: Sequence[LeftOut]) -> Leftover:
    kind: LeftoverKind = "internal" if item.reason.startswith("internal") else "full text"
    owners = [
        other.name
        for other in all_items
        if other.reason.startswith("virtual") and item.name.startswith(f"{other.name}_")
    ]
    return Leftover(
        item.name, kind, max(owners, default=None, key=len), item.reason, None, None, copied=False
    )
