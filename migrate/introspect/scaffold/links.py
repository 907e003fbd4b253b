"""Which references of the source become relations, which are only mapped, which only get a remark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mappers.declarative.mapping_columns import IdStrategy
from migrate.introspect.profile.inspection import Inspection, Reference
from migrate.introspect.profile.names import (
    fold,
    is_id,
    is_id_in,
    is_upward,
    meant_tables,
    names_key,
    words,
)
from migrate.introspect.scaffold.choose_key import Key


@dataclass(frozen=True)
class Link:
    """One column whose values are keys of the rows of `to`.

    `firm` is true if a foreign key guarantees it in the target, `guessed` if the column is called as the
    table and holds numbers that are all keys there, and nothing else speaks for it.
    """

    table: str
    column: str
    to: str
    firm: bool
    reference: Reference
    guessed: bool = False


@dataclass
class Links:
    """The references of the tables that are migrated.

    `by_column` are those that the mapping follows, `relations` those that get a foreign key, in the source's
    order; `remarks` are texts about the others, by table.
    """

    keys: Mapping[str, Key]
    by_column: dict[tuple[str, str], Link] = field(default_factory=dict)
    relations: list[Reference] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)

    def link(self, table: str, column: str) -> Link | None:
        """Return what a column refers to, None if nothing is mapped."""
        return self.by_column.get((table, column))

    def follows(self, table: str) -> str | None:
        """Return the table whose keys a table uses as its own key, None if its key is its own."""
        sole = self.keys[table].sole
        link = self.link(table, sole) if sole else None
        return link.to if link else None

    def owner(self, table: str) -> str:
        """Return the table at the end of the chain of keys that belong to another table."""
        while (parent := self.follows(table)) is not None:
            table = parent
        return table

    def ids(self, table: str) -> IdStrategy:
        """Return what happens to a table's key; a key that belongs to another table gets that table's ids."""
        return "keep" if self.follows(table) is not None else self.keys[table].ids

    def renewed(self, table: str) -> bool:
        """Return whether the keys of a table's rows are new ids."""
        return self.keys[self.owner(table)].ids == "cuid"

    def add_remark(self, table: str, remark: str) -> None:
        """Add a remark on a reference of a table."""
        self.remarks.setdefault(table, []).append(remark)


def find_links(inspection: Inspection, keys: Mapping[str, Key]) -> Links:
    """Return the references between the tables that have a key in `keys`.

    A declared reference to a key becomes a relation. A likely reference becomes one only if its name and all
    of its values confirm it. One that some values contradict is mapped without a foreign key, so that it gets
    new ids. A reference to several columns, or to a unique column that is not a key, keeps its values and
    becomes a relation.
    """
    links = Links(keys)
    for reference in inspection.references:
        if reference.table not in keys:
            continue
        if reference.malformed:
            links.add_remark(
                reference.table,
                f"(!) foreign key {named(reference)} is malformed, {reference.malformed}: not carried",
            )
        elif reference.to_table not in keys:
            where = (
                "is left out"
                if any(one.name == reference.to_table for one in inspection.tables)
                else ("is not there")
            )
            links.add_remark(reference.table, f"{named(reference)}: {reference.to_table} {where}")
        elif (
            reference.to_columns
            and reference.to_columns == keys[reference.to_table].columns
            and (len(reference.columns) == 1)
        ):
            _to_key(links, reference, inspection)
        elif reference.declared:
            _to_columns(links, reference, inspection)
        else:
            links.add_remark(reference.table, f"{named(reference)}: likely, by {reference.basis}; not mapped")
    _follow_parts(links)
    return links


def to_whole_key(links: Links, reference: Reference) -> bool:
    """Return whether a reference of one column is to the key of the other table, so that its entry follows
    it.
    """
    return len(reference.columns) == 1 and reference.to_columns == links.keys[reference.to_table].columns


def named(reference: Reference) -> str:
    """Return a reference as text for a person, with its dangling rows."""
    there = (
        f"{reference.to_table} ({', '.join(reference.to_columns)})"
        if reference.to_columns
        else reference.to_table
    )
    dangling = f", {reference.dangling:,} of {reference.rows:,} dangling" if reference.dangling else ""
    return f"({', '.join(reference.columns)}) to {there}{dangling}"


def _to_key(links: Links, reference: Reference, inspection: Inspection) -> None:
    table, column = reference.table, reference.columns[0]
    known = links.link(table, column)
    if known is not None:
        links.add_remark(table, f"{named(reference)}: the column already refers to {known.to}")
        return
    if links.keys[table].columns == (column,) and (
        links.owner(reference.to_table) == table or not (reference.declared or _is_shared_key(reference))
    ):
        links.add_remark(table, f"{named(reference)}: not mapped, the column is itself a key")
        return
    proven = reference.basis == "name and values" and not reference.dangling and reference.rows > 0
    reading = inspection.table(table).column(column).reading
    guessed = reading == "integer" and not reference.declared and not _says_id(reference)
    firm = reference.declared or (proven and _names_a_row(reference) and not guessed)
    if not firm and not (links.renewed(reference.to_table) and _names_a_row(reference)):
        links.add_remark(
            table, f"{named(reference)}: likely, by {reference.basis}; the values are kept as they are"
        )
        return
    links.by_column[table, column] = Link(table, column, reference.to_table, firm, reference, guessed)
    if firm:
        links.relations.append(reference)
    else:
        links.add_remark(
            table, f"{named(reference)}: likely, by {reference.basis}; mapped without a foreign key"
        )


def _is_shared_key(reference: Reference) -> bool:
    """Return whether a key is also that of the other table, although no constraint says so.

    Numbers that count the rows of one table are keys of another by chance: its name must be in the column's
    (`party_id`; `nid` for the key `nid` of `node`, but not `uid`), and every row be there.
    """
    column, to = reference.columns[0], reference.to_table
    named_so = is_id(column) and bool(meant_tables(column, [to], by_role=False))
    initials = "".join(word[0] for word in words(to))
    same = column == reference.to_columns[0] and column.lower() == f"{initials}id"
    return (named_so or same) and not reference.dangling and reference.rows > 0


def _names_a_row(reference: Reference) -> bool:
    """Return whether a likely reference's name identifies a row: `cancelled_by_seller` may be a count."""
    return _says_id(reference) or fold(reference.columns[0]) == fold(reference.to_table)


def _says_id(reference: Reference) -> bool:
    column = reference.columns[0]
    return (
        is_id_in(reference.table, column)
        or words(column)[-1:] == ("by",)
        or is_upward(column)
        or names_key(column, reference.to_table, reference.to_columns[0])
    )


def _to_columns(links: Links, reference: Reference, inspection: Inspection) -> None:
    """Add a declared reference to columns that are not a key of one column."""
    parent = inspection.table(reference.to_table)
    unique = [links.keys[parent.name].columns, parent.key] + [
        tuple(str(column) for column in index.columns)
        for index in parent.indexes
        if index.unique and not index.partial and None not in index.columns
    ]
    named_so = next((key for key in unique if frozenset(key) == frozenset(reference.to_columns)), None)
    if named_so is None:
        links.add_remark(
            reference.table, f"{named(reference)}: no foreign key: the referenced column is not unique"
        )
    else:
        there = dict(zip(reference.to_columns, reference.columns, strict=True))
        columns = tuple(there[column] for column in named_so)
        links.relations.append(replace(reference, columns=columns, to_columns=named_so))


def _follow_parts(links: Links) -> None:
    """Let the columns of a reference to several columns refer to what the columns there refer to."""
    for reference in links.relations:
        if to_whole_key(links, reference):
            continue
        for column, there in zip(reference.columns, reference.to_columns, strict=True):
            beyond = links.link(reference.to_table, there)
            if beyond is not None and links.link(reference.table, column) is None:
                links.by_column[reference.table, column] = Link(
                    reference.table, column, beyond.to, firm=True, reference=reference
                )
