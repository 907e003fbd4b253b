"""Values that occur twice in a unique key, or in a column that looks like one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from migrate.introspect.profile import names
from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.inspection import ColumnReport
from migrate.introspect.profile.table_findings import Duplicates, Equality
from migrate.introspect.profile.tables import TableShape
from migrate.source.sql import quote

#: Columns whose values an application expects to be unique, if they are in a table of their own things.
_UNIQUE: Final = frozenset({"email", "username", "slug", "uuid", "token", "key", "handle", "login"})
#: Columns that people type: values that differ only in case and outer blanks mean the same.
_TYPED: Final = frozenset({"email", "username", "slug", "handle", "login", "name"})


def duplicates(
    database: InspectedDatabase,
    shape: TableShape,
    columns: Mapping[str, ColumnReport],
    references: Iterable[tuple[str, ...]],
) -> list[Duplicates]:
    """Return the values that occur twice in a table, and the NULLs in its primary key.

    SQLite checks a unique key by its own equality: 1 and '1' may both be in it, and so may an e-mail in two
    cases. `references` are the columns of the table's references: two of them and nothing else are a link,
    which is expected to be unique.
    """
    found = []
    declared = shape.unique
    for key in sorted(declared):
        if any(columns[name].classes.texts for name in key):
            mixed = any(_classes(columns[name]) > 1 for name in key)
            found += _find(database, shape.name, key, "as text", declared=True) if mixed else []
            if len(key) == 1 and _TYPED & set(names.words(key[0])):
                found += _find(database, shape.name, key, "folded", declared=True)
    if shape.key:
        found += _nulls(database, shape, found)
    for key in _would_be(shape, references):
        if tuple(sorted(key)) in declared:
            continue
        exact = _find(database, shape.name, key, "exact", declared=False)
        typed = len(key) == 1 and _TYPED & set(names.words(key[0])) and columns[key[0]].classes.texts
        folded = _find(database, shape.name, key, "folded", declared=False) if typed else []
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
        # contact_email may be shared; an e-mail, a slug or an invitation's token may not
        shared = {"key", "email", "login"} if len(found) > 1 else set()
        if alone or set(found[-1:]) & (_UNIQUE - shared):
            keys.append((column.name,))
    parts = sorted({column for columns in references for column in columns})
    rest = {column.name for column in shape.columns} - set(parts) - set(shape.key)
    if len(parts) == 2 and all(names.suggests_time(name, "") for name in rest):
        keys.append((parts[0], parts[1]))
    return keys


def _find(
    database: InspectedDatabase, table: str, key: tuple[str, ...], equality: Equality, *, declared: bool
) -> list[Duplicates]:
    wrap = {"exact": "{}", "as text": "CAST({} AS TEXT)", "folded": "lower(trim({}))"}[equality]
    terms = ", ".join(wrap.format(quote(name)) for name in key)
    filled = " AND ".join(f"{quote(name)} IS NOT NULL AND {quote(name)} <> ''" for name in key)
    groups, rows = database.row(
        "SELECT count(*), coalesce(sum(n), 0) FROM (SELECT count(*) AS n"  # noqa: S608
        f" FROM {quote(table)} WHERE {filled} GROUP BY {terms} HAVING count(*) > 1)"
    )
    if not groups:
        return []
    return [
        Duplicates(table, key, equality, declared, int(groups), int(rows), _null_rows(database, table, key))
    ]


def _nulls(database: InspectedDatabase, shape: TableShape, found: Iterable[Duplicates]) -> list[Duplicates]:
    """Return the NULLs in a primary key, which SQLite allows in all but integer keys."""
    if any(one.columns == shape.key for one in found):
        return []
    nulls = _null_rows(database, shape.name, shape.key)
    return [Duplicates(shape.name, shape.key, "exact", True, 0, 0, nulls)] if nulls else []


def _null_rows(database: InspectedDatabase, table: str, key: tuple[str, ...]) -> int:
    missing = " OR ".join(f"{quote(name)} IS NULL" for name in key)
    return database.number(f"SELECT count(*) FROM {quote(table)} WHERE {missing}")  # noqa: S608
