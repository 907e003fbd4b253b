"""Values that stand twice under what is, or would be, a unique key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from migrate.introspect.profile import names
from migrate.introspect.profile.database import Ground
from migrate.introspect.profile.model import ColumnReport, Duplicates, Equality
from migrate.introspect.profile.tables import TableShape
from migrate.source.sql import quote

#: Columns whose values an application takes for unique, where they stand in a table of their own things.
_UNIQUE: Final = frozenset({"email", "username", "slug", "uuid", "token", "key", "handle", "login"})
#: Columns that people type, so that case and outer blanks differ where the same is meant.
_TYPED: Final = frozenset({"email", "username", "slug", "handle", "login", "name"})


def duplicates(
    ground: Ground,
    shape: TableShape,
    columns: Mapping[str, ColumnReport],
    references: Iterable[tuple[str, ...]],
) -> list[Duplicates]:
    """Return what stands twice in a table, and the NULLs in its primary key.

    SQLite keeps a unique key by its own equality: 1 and '1' may both stand in it, and so may two
    cases of one e-mail. `references` are the columns of the table's references: two of them and
    nothing else are a link, which is thought of as unique.
    """
    found = []
    declared = shape.unique
    for key in sorted(declared):
        if any(columns[name].classes.texts for name in key):
            mixed = any(_classes(columns[name]) > 1 for name in key)
            found += _look(ground, shape.name, key, "as text", declared=True) if mixed else []
            if len(key) == 1 and _TYPED & set(names.words(key[0])):
                found += _look(ground, shape.name, key, "folded", declared=True)
    if shape.key:
        found += _nulls(ground, shape, found)
    for key in _would_be(shape, references):
        if tuple(sorted(key)) in declared:
            continue
        exact = _look(ground, shape.name, key, "exact", declared=False)
        typed = len(key) == 1 and _TYPED & set(names.words(key[0])) and columns[key[0]].classes.texts
        folded = _look(ground, shape.name, key, "folded", declared=False) if typed else []
        found += exact
        found += [one for one in folded if not exact or one.rows > exact[0].rows]
    return found


def _classes(column: ColumnReport) -> int:
    held = column.classes
    return sum(bool(rows) for rows in (held.integers, held.reals, held.texts, held.blobs))


def _would_be(shape: TableShape, references: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = []
    for column in shape.columns:
        found = names.words(column.name)
        alone = column.name.lower() == "id" and not shape.key
        # contact_email may be shared; an e-mail, a slug or an invitation's token is one's own
        shared = {"key", "email", "login"} if len(found) > 1 else set()
        if alone or set(found[-1:]) & (_UNIQUE - shared):
            keys.append((column.name,))
    parts = sorted({column for columns in references for column in columns})
    rest = {column.name for column in shape.columns} - set(parts) - set(shape.key)
    if len(parts) == 2 and all(names.says_time(name, "") for name in rest):
        keys.append((parts[0], parts[1]))
    return keys


def _look(
    ground: Ground, table: str, key: tuple[str, ...], equality: Equality, *, declared: bool
) -> list[Duplicates]:
    wrap = {"exact": "{}", "as text": "CAST({} AS TEXT)", "folded": "lower(trim({}))"}[equality]
    terms = ", ".join(wrap.format(quote(name)) for name in key)
    filled = " AND ".join(f"{quote(name)} IS NOT NULL AND {quote(name)} <> ''" for name in key)
    groups, rows = ground.row(
        "SELECT count(*), coalesce(sum(n), 0) FROM (SELECT count(*) AS n"  # noqa: S608
        f" FROM {quote(table)} WHERE {filled} GROUP BY {terms} HAVING count(*) > 1)"
    )
    if not groups:
        return []
    return [
        Duplicates(table, key, equality, declared, int(groups), int(rows), _null_rows(ground, table, key))
    ]


def _nulls(ground: Ground, shape: TableShape, found: Iterable[Duplicates]) -> list[Duplicates]:
    """Return the NULLs in a primary key, which SQLite allows in all but integer ones."""
    if any(one.columns == shape.key for one in found):
        return []
    nulls = _null_rows(ground, shape.name, shape.key)
    return [Duplicates(shape.name, shape.key, "exact", True, 0, 0, nulls)] if nulls else []


def _null_rows(ground: Ground, table: str, key: tuple[str, ...]) -> int:
    missing = " OR ".join(f"{quote(name)} IS NULL" for name in key)
    return ground.number(f"SELECT count(*) FROM {quote(table)} WHERE {missing}")  # noqa: S608
