"""Tables that the application does not use any more: copies, records of migrations, shadows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.names import fold
from migrate.introspect.profile.table_findings import Leftover, LeftoverKind
from migrate.introspect.profile.tables import TableShape
from migrate.source.model import LeftOut
from migrate.source.sql import quote

#: Tables in which tools record the migrations they have applied.
BOOKKEEPING: Final = frozenset({
    "__drizzle_migrations", "_prisma_migrations", "alembic_version", "ar_internal_metadata", "d1_migrations",
    "__diesel_schema_migrations", "django_migrations", "flyway_schema_history", "goose_db_version",
    "knex_migrations", "knex_migrations_lock", "kysely_migration", "kysely_migration_lock", "migrations",
    "schema_migrations", "sequelizemeta", "_sqlx_migrations", "_sqlite_migrations", "typeorm_metadata",
    "payload_migrations", "directus_migrations", "strapi_migrations", "strapi_database_schema", "phinxlog",
    "__efmigrationshistory", "refinery_schema_history", "atlas_schema_revisions", "mikro_orm_migrations",
    "umzug_migrations", "doctrine_migration_versions", "schemaversion", "schema_version", "ghost_migrations",
})  # fmt: skip

#: Names of copies, and whether only a tool gives such a name.
_COPIES: Final[tuple[tuple[re.Pattern[str], LeftoverKind, bool], ...]] = (
    (re.compile(r"__old_(?:push_)?(?P<of>\w.*)", re.I), "old", True),
    (re.compile(r"__new_(?:push_)?(?P<of>\w.*)", re.I), "new", True),
    (re.compile(r"_alembic_tmp_(?P<of>\w.*)", re.I), "new", True),
    (re.compile(r"(?P<of>.*\w)_{1,2}(?:backup|bak|bkp)(?:_?\d[\d_]*)?", re.I), "backup", False),
    (re.compile(r"(?:backup|bak)_(?:\d+_)?(?P<of>\w.*)", re.I), "backup", False),
    (re.compile(r"(?P<of>.*\w)_{1,2}(?:old|orig|deprecated)(?:_?\d[\d_]*)?", re.I), "old", False),
    (re.compile(r"(?P<of>.*\w)_{1,2}(?:new|tmp|temp)", re.I), "new", False),
    (re.compile(r"(?:old|tmp|temp)_(?P<of>\w.*)", re.I), "old", False),
    (re.compile(r"(?P<of>.*\w)_copy\d*", re.I), "backup", False),
    (re.compile(r"(?P<of>.*\w)_(?:19|20)\d{6}", re.I), "backup", False),
)


_CELL: Final = (
    "CASE WHEN typeof({c}) = 'real' AND {c} = CAST({c} AS INTEGER) THEN quote(CAST({c} AS INTEGER))"
    " ELSE quote({c}) END"
)
#: Columns compared in one expression; SQLite's parser accepts only a few hundred.
_SIDE_BY_SIDE: Final = 100


@dataclass(frozen=True)
class _Suspect:
    """A table whose name says that it is a copy; `by_tool` if only a tool gives such a name."""

    name: str
    kind: LeftoverKind
    of: str | None
    reason: str
    by_tool: bool = False


def find_leftovers(
    database: InspectedDatabase,
    shapes: Sequence[TableShape],
    rows: Mapping[str, int],
    left_out: Sequence[LeftOut],
) -> tuple[tuple[Leftover, ...], tuple[Leftover, ...]]:
    """Return the left-over tables, and those whose names suggest it but that are in use.

    A name is a hint: it counts only if the rows confirm it. A copy has most columns of the table it was
    copied from and a row that is the same there, or all columns and a row of the same key; a table with a
    tool's name is a copy without this. Of two tables whose names differ only in form, one is left over if all
    its rows are in the other, with the same value in every column.
    """
    by_name = {shape.name: shape for shape in shapes}
    wanted = {constraint.to_table for shape in shapes for constraint in shape.constraints}
    suspects = [_by_name(shape.name, by_name) for shape in shapes if shape.name not in wanted]
    named = {one.name: one for one in suspects if one is not None}
    for name, of in _variants([shape for shape in shapes if shape.name not in named], wanted, rows):
        named[name] = _Suspect(name, "case variant", of, f"its name is a variant of {of}")
    leftovers: list[Leftover] = []
    own: list[Leftover] = []
    for suspect in named.values():
        copy = by_name[suspect.name]
        base = None if suspect.of is None else by_name[suspect.of]
        found = Leftover(
            suspect.name, suspect.kind, suspect.of, suspect.reason, rows[suspect.name],
            None if base is None else _only_here(database, base, copy),
            None if base is None else _differing(database, base, copy),
            copied=True,
        )  # fmt: skip
        (leftovers if _is_copy(suspect, found, base, copy) else own).append(found)
    leftovers += [_left_out(item, left_out) for item in left_out]
    return tuple(sorted(leftovers, key=_name)), tuple(sorted(own, key=_name))


def _name(leftover: Leftover) -> str:
    return leftover.name


def _is_copy(suspect: _Suspect, found: Leftover, base: TableShape | None, copy: TableShape) -> bool:
    """Return whether a table is what its name says."""
    if suspect.kind == "bookkeeping":
        return True
    if base is None:
        return False
    rows, columns, shared = found.rows or 0, len(copy.columns), len(_shared(base, copy))
    same = rows if found.differing is None else rows - found.differing
    if suspect.kind == "case variant":
        return shared == columns and same == rows
    if suspect.by_tool or not rows:
        return suspect.by_tool or shared * 2 > columns
    known = found.only_here is not None and found.only_here < rows
    return shared * 2 > columns and (same > 0 or (shared == columns and known))


def _by_name(name: str, known: Mapping[str, TableShape]) -> _Suspect | None:
    if name.lower() in BOOKKEEPING:
        return _Suspect(name, "bookkeeping", None, "history of a migration tool")
    folded = {fold(other): other for other in sorted(known) if other != name}
    for pattern, kind, by_tool in _COPIES:
        match = pattern.fullmatch(name)
        if match:
            of = match["of"] if match["of"] in known else folded.get(fold(match["of"]))
            if of is not None or by_tool or kind == "backup":
                remarks = "its name says so" + ("" if of else ", but there is no table of that name")
                return _Suspect(name, kind, of, remarks, by_tool)
    return None


def _variants(
    shapes: Sequence[TableShape], wanted: set[str], rows: Mapping[str, int]
) -> list[tuple[str, str]]:
    """Return pairs of a table and the one that it may be a variant of."""
    groups: dict[str, list[TableShape]] = {}
    for shape in shapes:
        groups.setdefault(fold(shape.name), []).append(shape)
    pairs = []
    for group in groups.values():
        group.sort(key=lambda shape: (-_weight(shape, wanted), -rows[shape.name], shape.name))
        pairs += [(shape.name, group[0].name) for shape in group[1:] if shape.name not in wanted]
    return pairs


def _weight(shape: TableShape, wanted: set[str]) -> int:
    """Return how important the schema makes a table: references to it, a key, constraints, indexes."""
    return (
        8 * (shape.name in wanted) + 4 * bool(shape.key) + 2 * bool(shape.constraints) + bool(shape.indexes)
    )


def _shared(base: TableShape, copy: TableShape) -> list[tuple[str, str]]:
    """Return the columns that two tables have in common, in any form of their names."""
    exact = {column.name for column in base.columns}
    folded = {fold(column.name): column.name for column in base.columns}
    found = []
    for column in copy.columns:
        theirs = column.name if column.name in exact else folded.get(fold(column.name) or column.name)
        if theirs is not None:
            found.append((theirs, column.name))
    return found


def _only_here(database: InspectedDatabase, base: TableShape, copy: TableShape) -> int | None:
    """Return how many rows of a copy have a key that is not in its base, None if a query cannot tell."""
    names = dict(_shared(base, copy))
    if base.identity is None or base.identity not in names:
        return None
    here, there = quote(names[base.identity]), quote(base.identity)
    return database.number(
        f"SELECT count(*) FROM {quote(copy.name)} WHERE {here} IS NOT NULL AND {here} NOT IN"  # noqa: S608
        f" (SELECT {there} FROM {quote(base.name)} WHERE {there} IS NOT NULL)"
    )


def _differing(database: InspectedDatabase, base: TableShape, copy: TableShape) -> int | None:
    """Return how many rows of a copy are not in its base, the same in all common columns."""
    shared = _shared(base, copy)
    if not shared:
        return None
    here, there = _as_text(mine for _, mine in shared), _as_text(theirs for theirs, _ in shared)
    return database.number(
        f"SELECT count(*) FROM {quote(copy.name)} WHERE {here} NOT IN"  # noqa: S608  quoted names
        f" (SELECT {there} FROM {quote(base.name)})"
    )


def _as_text(columns: Iterable[str]) -> str:
    """Return SQL for a row's cells as one text; a float without a fraction is the integer that it equals."""
    cells = [_CELL.format(c=quote(column)) for column in columns]
    groups = [cells[start : start + _SIDE_BY_SIDE] for start in range(0, len(cells), _SIDE_BY_SIDE)]
    return " || ',' || ".join(f"({' || char(44) || '.join(group)})" for group in groups)


def _left_out(item: LeftOut, all_items: Sequence[LeftOut]) -> Leftover:
    kind: LeftoverKind = "internal" if item.reason.startswith("internal") else "full text"
    owners = [
        other.name
        for other in all_items
        if other.reason.startswith("virtual") and item.name.startswith(f"{other.name}_")
    ]
    return Leftover(
        item.name, kind, max(owners, default=None, key=len), item.reason, None, None, None, copied=False
    )
