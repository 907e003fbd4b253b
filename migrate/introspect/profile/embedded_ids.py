"""References that no constraint can declare: ids inside JSON, lists and URLs, found by containment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from migrate.introspect.profile import names
from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.ids_after_words import ids_after_words
from migrate.introspect.profile.inspection import Basis, ColumnReport, HiddenReference, Place
from migrate.introspect.profile.references import ALMOST_ALL, UNGUESSABLE, Target, Targets
from migrate.introspect.profile.value_patterns import shape_of
from migrate.source.sql import quote

#: How many paths in the JSON of one column are checked, those with the most values first.
MOST_PATHS: Final = 200
#: How keys are read that are numbers.
_NUMBERS: Final = ("integer_id", "integer", "boolean")
#: No id is longer.
_ID_LENGTH: Final = 64
_ATOMS: Final = "CREATE TABLE s.atoms (place TEXT, path TEXT, before TEXT, v, n INTEGER)"
#: What parts the ids of a list, the first that no text of the column contradicts.
_SEPARATORS: Final = (",", ";", "|")
#: Keys in JSON that name the table of the id next to it, and those of that id, in lower case.
_TABLE_KEYS: Final = ("relationto", "collection", "entity", "model", "kind", "type", "__typename")
_ID_KEYS: Final = ("value", "id", "item", "key", "ref")


def hidden_references(
    database: InspectedDatabase, table: str, column: ColumnReport, targets: Targets
) -> list[HiddenReference]:
    """Return the references inside the cells of one column."""
    shapes = {count.name for count in column.shapes}
    found: list[HiddenReference] = []
    if shapes & {"json_object", "json_array"}:
        pairs = list(_json_pairs(database, table, column.name, targets))
        paths = {one.path for one in pairs}
        atoms = _search(database, table, column.name, targets, _json_atoms(table, column.name))
        found += [*pairs, *(one for one in atoms if one.path not in paths)]
    if "text" in shapes and column.reading in ("text", "mixed", "closed_set"):
        found += _search(database, table, column.name, targets, _list_atoms(database, table, column.name))
    if "url" in shapes or ("text" in shapes and _has_path(database, table, column.name)):
        found += _search(database, table, column.name, targets, _url_atoms(table, column.name))
    if "text" in shapes:
        found += ids_after_words(database, table, column, targets)
    return found


def _has_path(database: InspectedDatabase, table: str, column: str) -> bool:
    """Return whether a text is the path of a page, such as `/projects/42`."""
    found = f"SELECT count(*) FROM (SELECT 1 FROM {quote(table)} WHERE {quote(column)} GLOB ? LIMIT 1)"  # noqa: S608
    return bool(database.number(found, ("/[A-Za-z]*",)))


def _documents(table: str, column: str) -> str:
    """Return the SQL for every part `j` of the documents of a column."""
    cell, shape = quote(column), shape_of(quote(column))
    return (
        f"FROM (SELECT {cell} AS d FROM {quote(table)} WHERE {shape} IN ('json_object', 'json_array')"  # noqa: S608
        " LIMIT -1) t, json_tree(t.d) j"
    )


def _json_atoms(table: str, column: str) -> list[str]:
    rows = _documents(table, column)
    return [
        "INSERT INTO s.atoms SELECT 'json', path_of(j.fullkey) AS p, NULL, j.atom, count(*)"
        f" {rows} WHERE j.type IN ('integer', 'text') AND length(j.atom) BETWEEN 1 AND {_ID_LENGTH}"
        " GROUP BY p, j.atom",
        "INSERT INTO s.atoms SELECT 'json key', path_of(j.fullkey) AS p, NULL, j.key, count(*)"
        f" {rows} WHERE typeof(j.key) = 'text' AND length(j.key) BETWEEN 1 AND {_ID_LENGTH}"
        " AND path_of(j.fullkey) LIKE '%.*' GROUP BY p, j.key",
    ]


def _json_pairs(
    database: InspectedDatabase, table: str, column: str, targets: Targets
) -> Iterable[HiddenReference]:
    """Yield the references of objects that name a table next to an id, as Payload's do: `{"relationTo":
    "users", "value": 1}`.
    """
    tables, ids = (", ".join(f"'{key}'" for key in keys) for keys in (_TABLE_KEYS, _ID_KEYS))
    _fill(
        database,
        "INSERT INTO s.atoms SELECT k.key || char(0) || k.atom, path_of(j.fullkey || '.' || i.key) AS p,"
        f" NULL, i.atom, count(*) {_documents(table, column)}, json_each(j.value) k, json_each(j.value) i"
        f" WHERE j.type = 'object' AND k.type = 'text' AND lower(k.key) IN ({tables})"
        f" AND i.type IN ('integer', 'text') AND lower(i.key) IN ({ids}) AND k.key <> i.key"
        f" AND length(k.atom) <= {_ID_LENGTH} AND length(i.atom) BETWEEN 1 AND {_ID_LENGTH}"
        " GROUP BY 1, p, i.atom",
    )
    groups = database.rows(
        "SELECT DISTINCT place, path FROM s.atoms ORDER BY path, place LIMIT ?", (MOST_PATHS,)
    )
    for place, path in groups:
        key, _, word = place.partition("\0")
        target = targets.of_class(word)
        if target is None:
            continue
        found, dangling = _count(database, target, "place = ? AND path = ?", (place, path))
        if found > dangling:
            one = _hidden(table, column, "json", path, target, "name and values", found, dangling)
            yield replace(one, by=key)


def _list_atoms(database: InspectedDatabase, table: str, column: str) -> list[str]:
    """Return the statement that splits lists; none if the column is prose or holds no list."""
    cell = quote(column)
    tests = ", ".join(
        f"sum({cell} GLOB '*[^-0-9A-Za-z_{separator} ]*'), sum(instr({cell}, '{separator}') > 0)"
        for separator in _SEPARATORS
    )
    counts = database.row(f"SELECT {tests} FROM {quote(table)} WHERE {cell} <> ''")  # noqa: S608
    for separator, prose, lists in zip(_SEPARATORS, counts[::2], counts[1::2], strict=True):
        if lists and not prose:
            parts = f"'[\"' || replace(replace(t.{cell}, ' ', ''), '{separator}', '\",\"') || '\"]'"
            return [
                f"INSERT INTO s.atoms SELECT 'list', '{separator}', NULL, j.value, count(*)"  # noqa: S608
                f" FROM {quote(table)} t, json_each({_valid_json(parts)}) j"
                f" WHERE t.{cell} <> '' AND length(j.value) BETWEEN 1 AND {_ID_LENGTH} GROUP BY j.value"
            ]
    return []


def _url_atoms(table: str, column: str) -> list[str]:
    cell = quote(column)
    cut = cell
    for sign in "?&=#":
        cut = f"replace({cut}, '{sign}', '/')"
    unsafe = f"{cell} GLOB '*[\"\\' || char(1) || '-' || char(31) || ']*'"
    return [
        "INSERT INTO s.atoms SELECT 'url', '', json_extract(t.parts, '$[' || (j.key - 1) || ']') AS b,"  # noqa: S608
        " CASE WHEN instr(j.value, '.') > 1 THEN substr(j.value, 1, instr(j.value, '.') - 1) ELSE j.value END"
        " AS w, count(*)"
        f" FROM (SELECT '[\"' || replace({cut}, '/', '\",\"') || '\"]' AS parts FROM {quote(table)}"
        f" WHERE (lower({cell}) GLOB 'http*://*' OR {cell} GLOB '/*') AND NOT ({unsafe})"
        f" AND instr({cell}, char(0)) = 0 LIMIT -1) t, json_each({_valid_json('t.parts')}) j"
        f" WHERE j.key > 0 AND length(w) BETWEEN 1 AND {_ID_LENGTH} GROUP BY b, w"
    ]


def _valid_json(json: str) -> str:
    """Return the expression of a document; an empty document if a NUL or the like makes it invalid."""
    return f"CASE WHEN json_valid({json}) THEN {json} ELSE '[]' END"


def _search(
    database: InspectedDatabase, table: str, column: str, targets: Targets, fill: Iterable[str]
) -> list[HiddenReference]:
    statements = list(fill)
    if not statements:
        return []
    _fill(database, *statements)
    if statements[0].startswith("INSERT INTO s.atoms SELECT 'url'"):
        return list(_in_urls(database, table, column, targets))
    places = database.rows(
        "SELECT place, path FROM s.atoms GROUP BY place, path ORDER BY sum(n) DESC, path LIMIT ?",
        (MOST_PATHS,),
    )
    found = [_at(database, table, column, place, path, targets) for place, path in sorted(places)]
    return [reference for reference in found if reference is not None]


def _fill(database: InspectedDatabase, *statements: str) -> None:
    for statement in ("DROP TABLE IF EXISTS s.atoms", _ATOMS, *statements):
        database.run(statement)


def _at(
    database: InspectedDatabase, table: str, column: str, place: Place, path: str, targets: Targets
) -> HiddenReference | None:
    """Return what the atoms at one path refer to: what the name there means, otherwise what contains them."""
    where = "place = ? AND path = ?"
    named = [part for part in path.replace("[*]", "").split(".")[1:] if part != "*"]
    name = named[-1] if named else column
    best: HiddenReference | None = None
    for meant in targets.meant_by(name, table) or (targets.meant_by(column, table) if named else []):
        ids, dangling = _count(database, meant, where, (place, path))
        share = 0.0 if names.is_id(name) or names.is_id(column) else ALMOST_ALL
        if ids - dangling >= max(1, ids * share) and (best is None or dangling < best.dangling):
            best = _hidden(table, column, place, path, meant, "name and values", ids, dangling)
    if best is not None:
        return best
    for target in targets.textual:
        ids, dangling = _count(database, target, where, (place, path))
        if ids - dangling >= max(1, ids * (0.5 if target.reading in UNGUESSABLE else ALMOST_ALL)) and (
            best is None or dangling < best.dangling
        ):
            best = _hidden(table, column, place, path, target, "values", ids, dangling)
    bare = place == "list" or (path == "$[*]" and not names.suggests_count(column))
    return _numbers(database, table, column, place, path, targets) if best is None and bare else best


def _numbers(
    database: InspectedDatabase, table: str, column: str, place: Place, path: str, targets: Targets
) -> HiddenReference | None:
    """Return what a list of numbers may refer to, whatever its name: a table that has them all, one of
    people before others.
    """
    if database.number("SELECT count(*) FROM s.atoms WHERE path = ? AND v GLOB '*[^0-9]*'", (path,)):
        return None
    for target in sorted(targets.all, key=lambda one: names.fold(one.table) not in names.PEOPLE):
        ids, dangling = _count(database, target, "place = ? AND path = ?", (place, path))
        if target.reading in _NUMBERS and ids and not dangling:
            return _hidden(table, column, place, path, target, "values", ids, dangling)
    return None


def _in_urls(
    database: InspectedDatabase, table: str, column: str, targets: Targets
) -> Iterable[HiddenReference]:
    """Yield a reference for each table whose keys occur in URLs, after its name or unmistakably."""
    seen = set()
    for (before,) in database.rows(
        "SELECT before FROM s.atoms WHERE before IS NOT NULL GROUP BY before ORDER BY sum(n) DESC, before"
        " LIMIT 10000"
    ):
        target = targets.named(before) or next(iter(targets.meant_by(before, table)), None)
        if target is None or target.table in seen:
            continue
        ids, dangling = _count(database, target, "before = ?", (before,))
        if ids > dangling:
            seen.add(target.table)
            named = f"SELECT count(*) FROM {quote(table)} WHERE instr({quote(column)}, ?) > 0"  # noqa: S608
            asked = database.number(named, (f"{before}=",)) > database.number(named, (f"/{before}/",))
            pattern = f"{before}={{id}}" if asked else f"/{before}/{{id}}"
            yield _hidden(table, column, "url", pattern, target, "name and values", ids, dangling)
    for target in targets.unguessable:
        ids, dangling = _count(database, target, f"{shape_of('v')} = ?", (target.reading,))
        if target.table not in seen and ids > dangling:
            yield _hidden(table, column, "url", "", target, "values", ids, dangling)


def _count(
    database: InspectedDatabase, target: Target, where: str, parameters: Iterable[object]
) -> tuple[int, int]:
    key = quote(target.column)
    # An id in JSON may be written as text if the key is a number, and the other way round.
    ids, dangling = database.row(
        "SELECT coalesce(sum(n), 0), coalesce(sum(CASE WHEN CAST(v AS TEXT) NOT IN"  # noqa: S608
        f" (SELECT CAST({key} AS TEXT) FROM {quote(target.table)} WHERE {key} IS NOT NULL) THEN n END), 0)"
        f" FROM s.atoms WHERE {where}",
        tuple(parameters),
    )
    return int(ids), int(dangling)


def _hidden(
    table: str, column: str, place: Place, path: str, target: Target, basis: Basis, ids: int, dangling: int
) -> HiddenReference:
    return HiddenReference(table, column, place, path, target.table, target.column, basis, ids, dangling)
