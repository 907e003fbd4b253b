"""One source column: its entry in the mapping file and its field in the target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from migrate.introspect.profile.declared_type import is_vector, vector_size
from migrate.introspect.profile.inspection import ColumnReport, HiddenReference, Polymorphic, TableReport
from migrate.introspect.profile.names import words
from migrate.introspect.scaffold import defaults
from migrate.introspect.scaffold.choose_key import Key
from migrate.introspect.scaffold.column_meaning import Meaning
from migrate.introspect.scaffold.links import Link
from migrate.introspect.scaffold.model import Default, Field, Line, Type
from migrate.introspect.scaffold.naming import Names, database_name, field_name, stem

#: The remark on a required column whose blanks are no values.
_NO_LONGER: Final = (
    "declared NOT NULL, now optional: NULL stands for what is no value; with a default it stays"
)
#: The remark on a text that SQLite compares without case.
WITHOUT_CASE: Final = 'compared without case (NOCASE): in queries of Prisma mode: "insensitive"'
#: Names of columns that Prisma's client sets whenever a row changes.
_UPDATED: frozenset[tuple[str, ...]] = frozenset({("updated", "at"), ("modified", "at")})
#: Names of columns that a client fills when a row is made.
_CREATED: frozenset[tuple[str, ...]] = frozenset({
    ("created", "at"), ("inserted", "at"), ("created", "on"), ("date", "created"), ("date", "joined"),
    ("created",),
})  # fmt: skip


def draft_column(
    meaning: Meaning, table: TableReport, column: ColumnReport, key: Key, names: ColumnNames
) -> Drafted:
    """Return the entry of a column and, if it is migrated, its field."""
    if meaning.choices.drops(table.name, column.name):
        return Drafted(Line(column.name, {"drop": "not in the mapping"}), None)
    if column.generated:
        why = "computed by the database from other columns"
        remark = "Prisma has no computed columns: recreate it by hand, or in the application"
        return Drafted(Line(column.name, {"drop": why}, f"{_declared(column)}; {remark}", review=True), None)
    draft = _Column(meaning, table, column, key)
    chosen = meaning.choices.to(table.name, column.name)
    to = names.column(column.name) if chosen is None else names.chosen(chosen)
    type_ = meaning.type(table.name, column.name)
    default = draft.default(type_)
    updated = type_.scalar == "DateTime" and (column.touched or words(column.name) in _UPDATED)
    field = Field(draft.field(names), to, type_, draft.required, default, updated)
    return Drafted(draft.line(to, default), field)


@dataclass(frozen=True)
class Drafted:
    """A column's entry and field; the field is None if the column is not migrated."""

    line: Line
    field: Field | None


def targets(made: Iterable[Drafted]) -> dict[str, str]:
    """Return the target's column of each source column that is migrated."""
    return {one.line.column: one.field.column for one in made if one.field is not None}


class ColumnNames:
    """The names of one table's columns and fields: each once."""

    def __init__(self) -> None:
        self._columns, self.fields = Names(), Names()

    def column(self, source: str) -> str:
        """Return the target's name of a source column."""
        return self._columns.take_database_name(database_name(source))

    def chosen(self, name: str) -> str:
        """Return a column's name that a person chose."""
        return self._columns.take_database_name(name)

    def field(self, name: str) -> str:
        """Return Prisma's name of a column: `name` if it is free."""
        return self.fields.take(name)


class _Column:
    """One column while its draft is made."""

    def __init__(self, meaning: Meaning, table: TableReport, column: ColumnReport, key: Key) -> None:
        self._meaning, self._table, self._column = meaning, table.name, column
        self._line = meaning.choices.line(table.name, column.name)
        self._key = column.name in key.columns
        self._new_id = self._key and meaning.links.ids(table.name) == "cuid"
        self._link = meaning.links.link(table.name, column.name)
        self._pair = meaning.followed_pair(table.name, column.name)
        self._list = None if self._link else meaning.lists(table.name, column.name)
        self._choice = meaning.choice(table.name, column.name)
        self._remarks: list[str] = []
        self._counts: list[str] = []
        self._review = False

    @property
    def _referring(self) -> bool:
        return self._link is not None or self._pair is not None or self._list is not None

    @property
    def _textual(self) -> bool:
        plain = self._choice.type.scalar == "String" and self._choice.type.enum is None
        return plain and not self._referring

    @property
    def required(self) -> bool:
        """Whether the target refuses NULL: in a key, and if NULL is declared away and none is there.

        A value that does not fit costs its row the place, it does not become NULL.
        """
        if self._key:
            return True
        if self._choice.type.many:
            return False  # Prisma's engine writes no NOT NULL for a list
        line, classes = self._line, self._column.classes
        if line is not None and line.default is not None and line.otherwise != "null":
            return True
        if line is not None and line.kind == "reference" and line.dangling == "null":
            return False
        unset = 0 if self._referring else self._choice.unset
        keyed = self._link is not None and not self._no_key(self._link)
        blank = 0 if self._keeps_blanks or keyed else classes.empty
        return self._column.not_null and not classes.nulls + unset + blank

    @property
    def _keeps_blanks(self) -> bool:
        """Whether '' is a value: of text, and of a required document, which becomes a JSON string."""
        if self._textual:
            return True
        return self._choice.kind == "json" and self._column.not_null and not self._referring

    def field(self, names: ColumnNames) -> str:
        """Return the field's name; for a reference it ends in Id, so that the relation can have the other
        name.
        """
        base = self._meaning.choices.to(self._table, self._column.name) or self._column.name
        name = field_name(base)
        firm = self._link is not None and self._link.firm and not self._key
        others = {field_name(one.name) for one in self._meaning.inspection.table(self._table).columns}
        return names.field(f"{name}Id" if firm and stem(base) == name and f"{name}Id" not in others else name)

    def default(self, type_: Type) -> Default | None:
        """Return the field's default; a new id has Prisma's own, a reference none."""
        if self._new_id:
            return Default("cuid")
        if self._is_counted(type_):
            return Default("autoincrement")
        if self._referring or (self._key and self._column.default is None):
            return None
        column = self._column
        if column.default is None and type_.scalar == "DateTime" and words(column.name) in _CREATED:
            return Default("now") if self.required else None
        return defaults.convert_default(column.default, type_)

    def _is_counted(self, type_: Type) -> bool:
        """Return whether a person keeps the numbers of a key that SQLite counts up."""
        table = self._meaning.inspection.table(self._table)
        return (
            self._meaning.choices.keeps(self._table)
            and table.key == (self._column.name,)
            and self._link is None
            and type_.scalar in ("Int", "BigInt")
            and self._column.declared.upper() == "INTEGER"
            and not table.without_rowid
            and self._table not in self._meaning.inspection.rtrees
        )

    def line(self, to: str, default: Default | None) -> Line:
        """Return the column's entry in the mapping file."""
        options: dict[str, object] = {"to": to}
        if self._new_id:
            options["as"] = "id"
        elif self._link is not None:
            options |= self._reference(self._link)
        elif self._pair is not None:
            options |= {
                "as": "reference", "of": self._meaning.arms(self._pair), "by": self._pair.type_column,
                "dangling": "keep",
            }  # fmt: skip
            self._tell_pair(self._pair)
        elif self._list is not None:
            options |= {"as": "references", "of": self._list.to_table, "dangling": "keep"}
            options |= {"separator": self._list.path} if self._list.path != "," else {}
            self._count(self._list.dangling, "ids of no row, kept as they are")
        else:
            options |= self._plain()
            if (left := self._meaning.unfollowed(self._table, self._column.name)) is not None:
                self._add_remark(left, review=True)
        self._tell_hidden()
        self._mark_collation()
        if self._column.not_null and not self.required and not self._column.classes.nulls:
            self._add_remark(_NO_LONGER, review=True)
        if self._column.default is not None and default is None and self._column.default.upper() != "NULL":
            self._add_remark(f"its default {self._column.default} is not migrated", review=True)
        remark = _joined(_description(self._column), *self._remarks)
        return Line(self._column.name, options, remark, self._review, tuple(self._counts))

    def _tell_pair(self, pair: Polymorphic) -> None:
        """Tell of the ids of a pair that name no row, and of the types that mean no table."""
        strays = self._meaning.strays(pair)
        followed = [arm for arm in pair.arms if arm not in strays]
        self._count(sum(arm.dangling for arm in followed), "refer to no row, kept as they are")
        for arm in strays:
            word = "a word that is not shown" if arm.value is None else repr(arm.value)
            where = (
                "no table was found" if arm.to_table is None else f"{arm.to_table} has no key of one column"
            )
            self._add_remark(f"{word}: {where}, kept as they are: {arm.rows:,}", review=True)

    def _reference(self, link: Link) -> dict[str, object]:
        if link.guessed:
            self._add_remark(f'perhaps no id of {link.to}, by its name alone: as = "integer"', review=True)
        if not link.firm:
            self._count(link.reference.dangling, "refer to no row, kept as they are")
            return {"as": "reference", "of": link.to, "dangling": "keep"} | self._no_key(link)
        if self.required:
            self._count(link.reference.dangling, "refer to no row, their rows are rejected")
            return {"as": "reference", "of": link.to, "dangling": "reject"}
        self._count(link.reference.dangling, "refer to no row, become NULL")
        return {"as": "reference", "of": link.to, "dangling": "null"} | self._no_key(link)

    def _plain(self) -> dict[str, object]:
        choice = self._choice
        options: dict[str, object] = {"as": choice.kind, **choice.options}
        if choice.remark:
            self._add_remark(
                choice.remark, review=choice.guess or choice.kind not in ("timestamp", "decimal", "integer")
            )
        if is_vector(self._column.declared) and choice.kind == "bytes":
            single = vector_size(self._column.declared)
            way = ': as = "vector", if the target has that extension' if single else ""
            self._add_remark(
                f"vectors as the bytes that libSQL stores, which pgvector does not read{way}", review=True
            )
        for what, rows in choice.counts:
            self._count(rows, what)
        if not self._key:
            options |= {} if self._keeps_blanks else self._blank()
            if choice.unset:
                options["now"] = "null"
                self._count(choice.unset, "CURRENT_TIMESTAMP as text, become NULL")
            if not self.required and (choice.misfits or not self._textual):
                options["otherwise"] = "null"
                self._count(choice.misfits, "do not fit, become NULL")
            else:
                self._count(choice.misfits, "do not fit, their rows are rejected")
        else:
            self._count(choice.misfits, "do not fit, their rows are rejected")
        documents = self._meaning.documents(self._table, self._column.name)
        if documents and choice.kind == "json":
            options["ids"] = [{"path": one.path, "of": one.to_table} for one in documents]
            self._count(sum(one.dangling for one in documents), "ids of no row in it, kept as they are")
        return options

    def _no_key(self, link: Link) -> dict[str, object]:
        """Return what becomes of '' in a reference: NULL, unless a row has it for its key."""
        parent = self._meaning.inspection.table(link.to)
        keys = self._meaning.links.keys[link.to].columns
        return {} if any(parent.column(key).classes.empty for key in keys) else self._blank()

    def _blank(self) -> dict[str, object]:
        return {"empty": "null"} if self._column.classes.empty else {}

    def _tell_hidden(self) -> None:
        """Add remarks on ids inside the cells that keep naming legacy rows."""
        mapped = (
            self._meaning.documents(self._table, self._column.name) if self._choice.kind == "json" else []
        )
        links = self._meaning.links
        for one in self._meaning.hidden(self._table, self._column.name):
            if one in mapped or one is self._list or one.to_table not in links.keys:
                continue
            if links.renewed(one.to_table):
                self._add_remark(_kept_ids_remark(one), review=True)

    def _mark_collation(self) -> None:
        """Add a remark on texts that SQLite compares otherwise than PostgreSQL: Ann and ann are the same."""
        if self._textual and self._column.collation == "NOCASE":
            self._add_remark(WITHOUT_CASE, review=True)
        elif self._textual and self._column.collation == "RTRIM":
            self._add_remark(
                "compared without blanks at its end (RTRIM): PostgreSQL counts them", review=True
            )

    def _count(self, rows: int, what: str) -> None:
        if rows:
            self._counts.append(f"{what}: {rows:,}")

    def _add_remark(self, remark: str, *, review: bool) -> None:
        self._remarks.append(remark)
        self._review = self._review or review


def _kept_ids_remark(one: HiddenReference) -> str:
    """Return the remark on ids that are not changed, with the option that gives them new ones."""
    place = {"url": "URL", "text": "text"}.get(one.place) or f"{one.place} {one.path}".strip()
    if one.by:
        return f"ids of {one.to_table}, named by {one.by} ({place}), stay the legacy ids: {one.ids:,}"
    if one.place == "json":
        option = f'ids = [{{ path = "{one.path}", of = "{one.to_table}" }}]'
        return (
            f"perhaps ids of {one.to_table} ({place}): {one.ids:,}, kept as they are; to map them: {option}"
        )
    if one.place == "list":
        option = f'as = "references", of = "{one.to_table}", separator = "{one.path}"'
        return f"perhaps ids of {one.to_table} (list): {one.ids:,}, kept as they are; to map them: {option}"
    remark = f"ids of {one.to_table} in it ({place}) stay the legacy ids: {one.ids - one.dangling:,}"
    if one.place in ("url", "text") and one.path:
        return f'{remark}; to map them: ids = [{{ pattern = "{one.path}", of = "{one.to_table}" }}]'
    return remark


def _description(column: ColumnReport) -> str:
    reading = column.reading + ("" if column.certain or column.reading == "empty" else "?")
    return f"{_declared(column)}: {reading}"


def _declared(column: ColumnReport) -> str:
    return (column.declared or "no type") + (", not null" if column.not_null else "")


def _joined(*remarks: str) -> str:
    return "; ".join(remark for remark in remarks if remark)
