"""Makes the draft of a target, and of the mapping that fills it, from an inspection."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from migrate.introspect.profile.inspection import ColumnReport, Inspection, Reference, TableReport
from migrate.introspect.profile.table_findings import Leftover
from migrate.introspect.scaffold import constraint_names
from migrate.introspect.scaffold.choices.choices import OPEN, Choices
from migrate.introspect.scaffold.choices.chosen_links import choose_links
from migrate.introspect.scaffold.choices.constants import constant_columns
from migrate.introspect.scaffold.choose_key import ROW_ID, Key, key_of
from migrate.introspect.scaffold.column_meaning import Meaning
from migrate.introspect.scaffold.columns import ColumnNames, Drafted, draft_column, targets
from migrate.introspect.scaffold.enums import EnumColumn, name_enums
from migrate.introspect.scaffold.links import Links, find_links, named
from migrate.introspect.scaffold.manual_work import appendix
from migrate.introspect.scaffold.many_to_many import find_pairings
from migrate.introspect.scaffold.model import Default, Draft, Enum, Field, Line, Model, Section, Type
from migrate.introspect.scaffold.naming import Names, database_name, field_name, model_name
from migrate.introspect.scaffold.relations import ModelGraph

_RTREE: Final = (
    "(!) an R-tree, migrated as a table (PostgreSQL searches boxes by a GiST index): its ids stay as they"
    ' are; if they are those of another table: as = "reference", of = "…"'
)


def make_draft(
    inspection: Inspection,
    *,
    enums: bool = False,
    only: Collection[str] | None = None,
    kept: Collection[str] = (),
    choices: Choices = OPEN,
) -> Draft:
    """Return the draft for a source: the same inspection gives the same draft.

    `enums` makes enums of closed sets of values; without it they stay texts. `only` are the tables that an
    existing target can take (None: a target is created for all), `kept` those whose keys stay; `choices` is
    what a person decided.
    """
    lived_in = [one for one in inspection.tables if choices.takes(one) and (only is None or one.name in only)]
    keys = {
        table.name: choices.key(
            table,
            key_of(
                table,
                [one for one in inspection.duplicates if one.table == table.name],
                keep=table.name in kept
                or table.name in inspection.rtrees
                or choices.wishes.keeps(table.name),
            ),
        )
        for table in lived_in
    }
    links = choose_links(find_links(inspection, keys), choices, inspection)
    return _Drafter(inspection, lived_in, links, choices, enums=enums).draft(fresh=only is None)


class _Drafter:
    """One draft while it is made: names are given in the order of the tables."""

    def __init__(
        self,
        inspection: Inspection,
        tables: list[TableReport],
        links: Links,
        choices: Choices,
        *,
        enums: bool,
    ) -> None:
        self._inspection, self._tables, self._links = inspection, tables, links
        self._choices = choices
        #: tables, keys and indexes share one namespace in PostgreSQL
        self._relations, self._models = Names(), Names()
        self._target = {
            table.name: self._relations.take_database_name(
                choices.target(table.name) or database_name(table.name)
            )
            for table in tables
        }
        self._model = {table.name: self._models.take(self._model_name(table.name)) for table in tables}
        self._meaning = Meaning(inspection, links, self._name_enums(enums=enums), choices)

    def _model_name(self, table: str) -> str:
        """Return the name of a table's model: by its name in the target if a person chose that."""
        target = self._target[table]
        return model_name(table if target == database_name(table) else target)

    def draft(self, *, fresh: bool) -> Draft:
        """Return the draft; `fresh` is false for a target that is there."""
        pairings = find_pairings(self._tables, self._links, self._model, self._target)
        graph = ModelGraph(self._inspection, self._links, self._relations, pairings)
        sections = []
        for table in self._tables:
            key, names = self._links.keys[table.name], ColumnNames()
            made = self._columns(table, key, names)
            if table.name not in pairings:
                model = self._draft_model(table, key, made)
                graph.add(table, model, targets(made), names.fields)
            sections.append(self._section(table, key, made))
        models, remarks = graph.related(fresh=fresh)
        sections = [replace(one, remarks=(*one.remarks, *remarks.get(one.source, ()))) for one in sections]
        sections = [_with_pairs(one, graph.pairs.get(one.source, ())) for one in sections]
        sections += [
            _left_out(one)
            for one in self._inspection.leftovers
            if one.copied and one.name not in self._links.keys
        ]
        sections += [
            _without_target(one, self._choices.wishes.why_not(one.name))
            for one in self._inspection.tables
            if self._has_no_target(one)
        ]
        return Draft(
            source=self._inspection.source,
            sections=tuple(sorted(sections, key=lambda section: section.source)),
            models=tuple(models),
            enums=_enums(models),
            pairings=graph.pairings,
            appendix=appendix(self._inspection),
        )

    def _has_no_target(self, table: TableReport) -> bool:
        return not table.leftover and table.name not in self._links.keys

    def _name_enums(self, *, enums: bool) -> Mapping[tuple[str, str], str]:
        """Return a name for the enum of every column that gets one: that refers to nothing."""
        types = {pair.table: pair.type_column for pair in self._inspection.polymorphic}
        taken = Names((*self._target.values(), *self._model.values()))
        columns = [
            EnumColumn(
                table.name, self._model[table.name], column.name, self._choices.labels(table.name, column)
            )
            for table in self._tables
            for column in table.columns
            if self._is_enum(table, column, enums=enums, types=types)
        ]
        return name_enums(columns, taken)

    def _is_enum(
        self, table: TableReport, column: ColumnReport, *, enums: bool, types: Mapping[str, str]
    ) -> bool:
        line = self._choices.line(table.name, column.name)
        if line is not None:
            return line.to is not None and line.kind == "enum"
        return (
            enums
            and bool(column.values)
            and not column.generated
            and column.name not in self._links.keys[table.name].columns
            and self._links.link(table.name, column.name) is None
            and types.get(table.name) != column.name
        )

    def _columns(self, table: TableReport, key: Key, names: ColumnNames) -> list[Drafted]:
        made = [] if key.rowid is None else [self._row_id(table, key, key.rowid, names)]
        made += [draft_column(self._meaning, table, column, key, names) for column in table.columns]
        return made + constant_columns(self._choices.table(table.name), names)

    def _row_id(self, table: TableReport, key: Key, rowid: str, names: ColumnNames) -> Drafted:
        chosen = self._choices.to(table.name, rowid)
        return _row_id(table, rowid, names, chosen, keep=key.ids == "keep")

    def _draft_model(self, table: TableReport, key: Key, made: list[Drafted]) -> Model:
        name = self._target[table.name]
        to = targets(made)
        of_key = tuple(to[column] for column in key.columns or (made[0].line.column,))
        usual = constraint_names.primary_key(name)
        constraint = self._relations.take_database_name(usual)
        return Model(
            name=self._model[table.name],
            table=name,
            fields=tuple(one.field for one in made if one.field is not None),
            key=of_key,
            constraint=constraint,
            map=constraint != usual,
        )

    def _section(self, table: TableReport, key: Key, made: list[Drafted]) -> Section:
        options: dict[str, object] = {"target": self._target[table.name], "key": list(key.columns)}
        options["ids"] = self._links.ids(table.name)
        remarks = [key.why] if key.why else []
        if table.name in self._inspection.rtrees:
            remarks.append(_RTREE)
        remarks += [
            f"(!) named like a {one.kind} of {one.of or 'nothing'}, but with rows of its own: it is migrated"
            for one in self._inspection.lookalikes
            if one.name == table.name
        ]
        return Section(
            table.name, table.rows, options, tuple(one.line for one in made),
            (*remarks, *self._links.remarks.get(table.name, ())),
        )  # fmt: skip


def _row_id(table: TableReport, rowid: str, names: ColumnNames, chosen: str | None, *, keep: bool) -> Drafted:
    """Return the key of a table that has none, with a name that none of its columns has."""
    own = Names(database_name(column.name) for column in table.columns)
    to = names.chosen(chosen) if chosen else names.column(own.take_database_name(ROW_ID))
    line = Line(rowid, {"to": to, "as": "id"}, "the number that SQLite gives every row")
    kind = Type("BigInt") if keep else Type()
    default = Default("autoincrement" if keep else "cuid")
    return Drafted(line, Field(names.field(field_name(to)), to, kind, required=True, default=default))


def _with_pairs(section: Section, pairs: Sequence[tuple[Reference, bool]]) -> Section:
    """Return a section with its references of several columns, or to columns that are not a key."""
    if not pairs:
        return section
    references = [
        {
            "columns": list(one.columns), "of": one.to_table, "to": list(one.to_columns),
            "dangling": "null" if optional else "reject",
        }
        for one, optional in pairs
    ]  # fmt: skip
    remarks = [
        f"(!) {named(one)}: {'become NULL' if optional else 'their rows are rejected'}"
        for one, optional in pairs
        if one.dangling
    ]
    options = {**section.options, "references": references}
    return replace(section, options=options, remarks=(*section.remarks, *remarks))


def _left_out(leftover: Leftover) -> Section:
    reason = f"{leftover.kind}: {leftover.reason}"
    remarks = (f"(!) {what}. Check them before you run",) if (what := own_rows(leftover)) else ()
    return Section(leftover.name, leftover.rows or 0, {"left_out": reason}, remarks=remarks)


def own_rows(leftover: Leftover) -> str:
    """Return the rows of a left-over table that are not in the table it was copied from;

    '' if there are none.
    """
    only_here, differing = leftover.only_here or 0, leftover.differing or 0
    parts = (
        (only_here, f"of its rows are not in {leftover.of}"),
        (differing - only_here, f"differ from those of {leftover.of}"),
    )
    return ", ".join(f"{rows:,} {what}" for rows, what in parts if rows > 0)


def _without_target(table: TableReport, why: str | None) -> Section:
    if why is not None:
        return Section(table.name, table.rows, {"left_out": why})
    return Section(
        table.name, table.rows, {"left_out": "the target has no table for it"},
        remarks=("(!) the target has no table for it. Give it a `target`, or keep `left_out`",),
    )  # fmt: skip


def _enums(models: list[Model]) -> tuple[Enum, ...]:
    """Return the enums of all fields, in their order, each once."""
    found: dict[str, Enum] = {}
    for model in models:
        for field in model.fields:
            if field.type.enum is not None:
                found.setdefault(field.type.enum.name, field.type.enum)
    return tuple(found.values())
