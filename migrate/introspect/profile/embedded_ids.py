"""References that no constraint can declare: ids inside JSON, lists and URLs, found by containment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from migrate.introspect.profile import names
from migrate.introspect.profile.database import InspectedDatabase
from migrate.introspect.profile.inspection import Basis, ColumnReport, HiddenReference, Place
from migrate.introspect.profile.references import ALMOST_ALL, UNGUESSABLE, Target, Targets
from migrate.introspect.profile.value_patterns import shape_of
from migrate.source.sql import quote

#: How many paths in the JSON of one column are checked, those with the most values first.
MOST_PATHS: Final = 200
#: No id is longer.
_ID_LENGTH: Final = 64
_ATOMS: Final = "CREATE TABLE s.atoms (place TEXT, path TEXT, before TEXT, v, n INTEGER)"
_LISTED: Final = "*[^-0-9A-Za-z_, ]*"


def hidden_references(
    database: InspectedDatabase, table: str, column: ColumnReport, targets: Targets
) -> list[HiddenReference]:
    """Return the references inside the cells of one column."""
    shapes = {count.name for count in column.shapes}
    found: list[HiddenReference] = []
    if shapes & {"json_object", "json_array"}:
        found += _search(database, table, column.name, targets, _json_atoms(table, column.name))
    if "text" in shapes and column.reading in ("text", "mixed", "closed_set"):
        found += _search(database, table, column.name, targets, _list_atoms(database, table, column.name))
    if "url" in shapes or ("text" in shapes and _has_path(database, table, column.name)):
        found += _search(database, table, column.name, targets, _url_atoms(table, column.name))
    return found


def _has_path(database: InspectedDatabase, table: str, column: str) -> bool:
    """Return whether a text is the path of a page, such as `/projects/42`."""
    found = f"SELECT count(*) FROM (SELECT 1 FROM {quote(table)} WHERE {quote(column)} GLOB ? LIMIT 1)"  # noqa: S608
    return bool(database.number(found, ("/[A-Za-z]*",)))


def _json_atoms(table: str, column: str) -> list[str]:
    cell, shape = quote(column), shape_of(quote(column))
    rows = (
        f"FROM (SELECT {cell} AS d FROM {quote(table)} WHERE {shape} IN ('json_object', 'json_array')"  # noqa: S608
        " LIMIT -1) t, json_tree(t.d) j"
    )
    return [
        "INSERT INTO s.atoms SELECT 'json', path_of(j.fullkey) AS p, NULL, j.atom, count(*)"
        f" {rows} WHERE j.type IN ('integer', 'text') AND length(j.atom) BETWEEN 1 AND {_ID_LENGTH}"
        " GROUP BY p, j.atom",
        "INSERT INTO s.atoms SELECT 'json key', path_of(j.fullkey) AS p, NULL, j.key, count(*)"
        f" {rows} WHERE typeof(j.key) = 'text' AND length(j.key) BETWEEN 1 AND {_ID_LENGTH}"
        " AND path_of(j.fullkey) LIKE '%.*' GROUP BY p, j.key",
    ]


def _list_atoms(database: InspectedDatabase, table: str, column: str) -> list[str]:
    """Return the statement that splits lists; none if the column is prose or holds no list."""
    cell = quote(column)
    prose, lists = database.row(
        f"SELECT sum({cell} GLOB ?), sum(instr({cell}, ',') > 0) FROM {quote(table)}"  # noqa: S608
        f" WHERE {cell} <> ''",
        (_LISTED,),
    )
    if prose or not lists:
        return []
    parts = f"'[\"' || replace(replace(t.{cell}, ' ', ''), ',', '\",\"') || '\"]'"
    return [
        "INSERT INTO s.atoms SELECT 'list', '', NULL, j.value, count(*)"  # noqa: S608
        f" FROM {quote(table)} t, json_each({_valid_json(parts)}) j"
        f" WHERE t.{cell} <> '' AND length(j.value) BETWEEN 1 AND {_ID_LENGTH} GROUP BY j.value"
    ]


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
    database.run("DROP TABLE IF EXISTS s.atoms")
    database.run(_ATOMS)
    for statement in statements:
        database.run(statement)
    if statements[0].startswith("INSERT INTO s.atoms SELECT 'url'"):
        return list(_in_urls(database, table, column, targets))
    places = database.rows(
        "SELECT place, path FROM s.atoms GROUP BY place, path ORDER BY sum(n) DESC, path LIMIT ?",
        (MOST_PATHS,),
    )
    found = [_at(database, table, column, place, path, targets) for place, path in sorted(places)]
    return [reference for reference in found if reference is not None]


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
    return best


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
