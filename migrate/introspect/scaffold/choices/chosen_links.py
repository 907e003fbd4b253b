"""The references that a mapping file follows, in the place of those that a draft would follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mappers.declarative.mapping_file import KeyReference, TableMapping
from migrate.introspect.profile.inspection import Inspection, Reference
from migrate.introspect.scaffold.choices.choices import Choices
from migrate.introspect.scaffold.links import Link, Links, to_whole_key


def choose_links(links: Links, choices: Choices, inspection: Inspection) -> Links:
    """Return the links of a draft with those of the mapping file for the tables that it maps.

    A reference gets a foreign key unless its values stay although they refer to no row (`dangling = "keep"`).
    """
    for name in links.keys:
        table = choices.table(name)
        if table is not None:
            _of_columns(links, name, table, inspection)
            _of_several(links, name, table, inspection)
    return links


def _of_columns(links: Links, name: str, table: TableMapping, inspection: Inspection) -> None:
    for column, line in table.columns.items():
        found = links.link(name, column)
        of = line.of if line.to is not None and line.kind == "reference" else None
        if not isinstance(of, str) or of not in links.keys:
            if found is not None:
                _forget(links, name, column)
            continue
        firm = line.dangling != "keep"
        if found is None or found.to != of:
            _forget(links, name, column)
            reference = _known(inspection, name, (column,), of, links.keys[of].columns)
            found = Link(name, column, of, firm, reference)
            links.relations += [reference] if firm else []
        elif found.firm != firm:
            links.relations = [one for one in links.relations if not _is_of(links, one, name, column)]
            links.relations += [found.reference] if firm else []
        links.by_column[name, column] = replace(found, firm=firm, guessed=False)


def _forget(links: Links, name: str, column: str) -> None:
    links.by_column.pop((name, column), None)
    links.relations = [one for one in links.relations if not _is_of(links, one, name, column)]


def _is_of(links: Links, reference: Reference, name: str, column: str) -> bool:
    """Return whether a relation is that of one column to a key."""
    return (reference.table, reference.columns) == (name, (column,)) and to_whole_key(links, reference)


def _of_several(links: Links, name: str, table: TableMapping, inspection: Inspection) -> None:
    """Let the references of several columns, or to columns that are no key, be those of the file."""
    wanted = [one for one in table.references if one.dangling != "keep" and one.of in links.keys]
    kept = [
        one
        for one in links.relations
        if one.table != name or to_whole_key(links, one) or any(_same(one, each) for each in wanted)
    ]
    there = [one for one in kept if one.table == name]
    links.relations = kept + [
        _known(inspection, name, each.columns, each.of, each.to)
        for each in wanted
        if not any(_same(one, each) for one in there)
    ]


def _same(reference: Reference, wanted: KeyReference) -> bool:
    ends = (reference.columns, reference.to_table, reference.to_columns)
    return ends == (wanted.columns, wanted.of, wanted.to)


def _known(
    inspection: Inspection, name: str, columns: tuple[str, ...], of: str, to: tuple[str, ...]
) -> Reference:
    """Return the reference that an inspection found, or one of which nothing but its ends is known."""
    return next(
        _found(inspection, name, columns, of, to),
        Reference(name, columns, of, to, False, None, None, None, 0, 0),
    )


def _found(
    inspection: Inspection, name: str, columns: tuple[str, ...], of: str, to: tuple[str, ...]
) -> Iterator[Reference]:
    for one in inspection.references:
        if (one.table, one.columns, one.to_table) == (name, columns, of) and one.to_columns in (to, ()):
            yield one
