"""The draft of a mapping onto an existing target: the target's names and types are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Final

from mappers.declarative.mapping_columns import Kind
from migrate.introspect.profile.inspection import ColumnReport, Inspection
from migrate.introspect.profile.names import says_minor
from migrate.introspect.scaffold.choices.choices import Choices
from migrate.introspect.scaffold.choices.wishes import Wishes
from migrate.introspect.scaffold.columns import WITHOUT_CASE
from migrate.introspect.scaffold.draft import make_draft
from migrate.introspect.scaffold.existing.column_pairs import kind_for
from migrate.introspect.scaffold.existing.fill_required import (
    entry_name,
    fill_times,
    must_be_filled,
    new_id,
    what_is_missing,
)
from migrate.introspect.scaffold.existing.match_existing import PRISMA, Match, match_tables
from migrate.introspect.scaffold.model import Draft, Line, Section
from migrate.introspect.scaffold.types.choose_type import GUESSES
from migrate.introspect.scaffold.types.shape_fit import misfits, timestamp_misfits, unit_of
from migrate.postgres.catalog import Column, ForeignKey, LiveSchema

#: Nothing is wished.
_NONE: Final = Wishes()
_RANGES: Final = {"smallint": 2**15, "integer": 2**31}


def draft_onto(inspection: Inspection, live: LiveSchema, wishes: Wishes = _NONE) -> Draft:
    """Return the draft of a mapping from a source onto the tables of a target.

    A table or a column without a counterpart is left out, with a remark. `problems` names each required
    column of the target that nothing would fill: with these no run can succeed. Raises UsageError if the
    target has no table or column that `wishes` name.
    """
    matched = match_tables(inspection, live, wishes)
    matches = matched.found
    kept = {name for name, match in matches.items() if not _takes_new_ids(match) or new_id(match)}
    choices = Choices(wishes=replace(wishes, tables={}, columns={}))
    base = make_draft(inspection, only=matches.keys(), kept=kept, choices=choices)
    fitting = _Fitter(matches, live)
    sections = tuple(_with_likely(fitting.section(section), matched.doubtful) for section in base.sections)
    nothing = sorted(set(live.tables) - {match.target.name for match in matches.values()} - {PRISMA})
    heading = "Target tables that are not filled (if they refer to others, list them in [target] empty)"
    return Draft(
        source=base.source,
        sections=sections,
        appendix={**base.appendix, **({heading: tuple(nothing)} if nothing else {})},
        problems=tuple(fitting.problems),
    )


def _with_likely(section: Section, doubtful: Mapping[str, Sequence[str]]) -> Section:
    """Return a section with the target tables that it may have become."""
    if section.migrated or section.source not in doubtful:
        return section
    meant = " or ".join(doubtful[section.source])
    remark = f"(!) perhaps {meant}, by its columns: --rename {section.source}=NAME"
    return replace(section, remarks=(*section.remarks, remark))


def _takes_new_ids(match: Match) -> bool:
    """Return whether the target's key is text, as new ids are."""
    key = match.target.primary_key
    column = match.target.column(key[0]) if len(key) == 1 else None
    return column is not None and kind_for(column) == "text" and column.type != "uuid"


class _Fitter:
    """Fits the entries of a draft to the columns of the target."""

    def __init__(self, matches: Mapping[str, Match], live: LiveSchema) -> None:
        self._matches = matches
        self._source_of = {match.target.name: name for name, match in matches.items()}
        self._foreign = {
            (key.table, key.columns[0]): key
            for key in live.foreign_keys
            if key.schema == key.ref_schema == live.schema and len(key.columns) == 1
        }
        self.problems: list[str] = []

    def section(self, section: Section) -> Section:
        """Return a section with the target's names, without what the target does not have."""
        match = self._matches.get(section.source)
        if match is None:
            return section
        lines = [self._line(match, line) for line in section.lines]
        options = {**section.options, "target": match.target.name}
        if match.ends:
            options |= {"key": list(match.ends), "ids": "keep"}
        if (fresh := new_id(match)) is not None:
            options["ids"] = "cuid"
            if options["key"]:
                remark = "the rows get new ids, and the key stays"
                lines.insert(0, Line(entry_name(match, fresh), {"to": fresh.name, "as": "id"}, remark))
        lines += fill_times(match, lines, _missing(match, lines))
        self.problems += what_is_missing(match, lines, _missing(match, lines))
        to = {line.column: str(line.options["to"]) for line in lines if "to" in line.options}
        options = _with_references(options, to, match)
        remarks = section.remarks
        if match.alike:
            shared = ", ".join(match.alike)
            remarks = (
                *remarks,
                f"(!) taken for {match.target.name} since both have {shared}; if not: --rename"
                f" {section.source}=NAME, or --leave-out {section.source}",
            )
        return replace(section, options=options, lines=tuple(lines), remarks=remarks)

    def _line(self, match: Match, line: Line) -> Line:
        column = match.columns.get(line.column)
        if column is None and line.options.get("as") == "id":
            column = _free_key(match)
        if "drop" in line.options or column is None:
            why = line.options.get("drop", "the target has no column for it")
            return Line(line.column, {"drop": why}, line.remark, review=True)
        report = next((one for one in match.source.columns if one.name == line.column), None)
        if report is None or line.options["as"] == "id":
            return replace(line, options={**line.options, "to": column.name})
        parent = self._parent(match, column)
        if line.options["as"] == "reference" and parent is None and self._names_key(line):
            return _plain(line, column, report)
        if line.options["as"] in ("reference", "references") or parent is not None:
            return self._reference(match, line, column)
        return _plain(line, column, report)

    def _names_key(self, line: Line) -> bool:
        """Return whether a reference holds a key that stays next to new ids, so that it stays as well."""
        parent = self._matches.get(str(line.options.get("of")))
        return parent is not None and new_id(parent) is not None

    def _parent(self, match: Match, column: Column) -> str | None:
        """Return the source table whose rows a column must reference because of a foreign key of the
        target.
        """
        key: ForeignKey | None = self._foreign.get((match.target.name, column.name))
        source = self._source_of.get(key.ref_table) if key else None
        if key is None or source is None:
            return None
        parent = self._matches[source]
        keys = [parent.columns[name].name for name in parent.source.key if name in parent.columns]
        if (fresh := new_id(parent)) is not None:
            keys = [fresh.name] * len(parent.source.key)
        return source if keys == [key.ref_columns[0]] else None

    def _reference(self, match: Match, line: Line, column: Column) -> Line:
        """Return a reference; if the target has a foreign key for it, that says to which table."""
        options = {
            key: value
            for key, value in line.options.items()
            if key in ("as", "of", "by", "dangling", "empty", "separator")
        }
        parent = self._parent(match, column)
        if parent is not None:
            options = {"as": "reference", "of": parent, "dangling": "reject" if column.not_null else "null"}
            if "empty" in line.options:
                options["empty"] = line.options["empty"]
        return replace(line, options={"to": column.name, **options})


def _with_references(options: Mapping[str, object], to: Mapping[str, str], match: Match) -> dict[str, object]:
    """Return a section's options with those references of several columns whose columns are migrated."""
    kept = []
    given = options.get("references", ())
    assert isinstance(given, list | tuple)
    for one in given:
        columns = [match.target.column(to[name]) for name in one["columns"] if name in to]
        if len(columns) == len(one["columns"]):
            optional = any(column is not None and not column.not_null for column in columns)
            kept.append({**one, "dangling": "null" if optional else "reject"})
    rest = {key: value for key, value in options.items() if key != "references"}
    return {**rest, "references": kept} if kept else rest


def _plain(line: Line, column: Column, report: ColumnReport) -> Line:
    """Return the entry of a column whose values are read as the target's type needs them."""
    kind = kind_for(column)
    if kind is None:
        remark = f"no kind of value fits the target type {column.type}: {line.remark}"
        return Line(
            line.column, {"drop": f"the target column has the type {column.type}"}, remark, review=True
        )
    if kind == "list" and (of := _ids_of(line)) is not None:
        references = {"to": column.name, "as": "references", "of": of, "dangling": "keep"}
        return Line(line.column, references, line.remark, line.review, line.counts)
    options: dict[str, object] = {"to": column.name, "as": kind}
    line = _without(line, GUESSES | ({WITHOUT_CASE} if column.type == "citext" else frozenset()))
    remarks = list(_unfit(report, column, kind))
    if kind == line.options.get("as"):
        options |= {
            key: line.options[key]
            for key in ("scale", "unit", "invalid", "ids", "now")
            if key in line.options
        }
    elif kind == "timestamp" and report.classes.integers:
        options["unit"] = unit_of(report)
    if kind == "decimal" and column.scale is not None:
        options["scale"] = column.scale
    if kind == "enum":
        values, unknown = _labels(report, column)
        options |= {"values": values} if values else {}
        remarks += [f"not in the enum: {', '.join(unknown)}"] if unknown else []
    if kind != "text" and report.classes.empty:
        options["empty"] = "null"
    if not column.not_null and (kind != "text" or remarks):
        options["otherwise"] = "null"
    remark = "; ".join([line.remark, *remarks])
    return Line(line.column, options, remark, line.review or bool(remarks), line.counts)


def _without(line: Line, gone: Set[str]) -> Line:
    """Return an entry without some remarks; if it loses its last one, it bears no mark either."""
    parts = line.remark.split("; ")
    rest = [part for part in parts if part not in gone]
    if len(rest) == len(parts):
        return line
    return replace(line, remark="; ".join(rest), review=line.review and len(rest) > 1)


def _ids_of(line: Line) -> str | None:
    """Return the table whose ids the arrays of a column hold, None for other arrays."""
    ids = line.options.get("ids")
    found = [one["of"] for one in ids if one.get("path") == "$[*]"] if isinstance(ids, list) else []
    return str(found[0]) if found else None


def _unfit(report: ColumnReport, column: Column, kind: Kind) -> Iterator[str]:
    """Yield the values of a column that the target's type does not hold."""
    no_uuids = column.type == "uuid" and report.reading not in ("uuid", "empty")
    wrong = report.filled if no_uuids else misfits(report, kind)
    if kind == "timestamp":
        wrong = timestamp_misfits(report)
    if kind == "integer" and report.highest is not None and report.lowest is not None:
        limit = _RANGES.get(column.type, 2**63)
        if not -limit <= report.lowest <= report.highest < limit:
            yield f"beyond {column.type}: {report.lowest:,} to {report.highest:,}"
    if wrong:
        yield f"do not fit {column.type}: {wrong:,}"
    if column.max_length is not None and report.longest > column.max_length:
        yield f"longer than {column.type}: up to {report.longest:,} characters"
    decimal = report.decimal
    if (
        kind == "decimal"
        and decimal is not None
        and column.scale is not None
        and decimal.scale > column.scale
    ):
        yield f"more decimals than {column.type}: up to {decimal.scale}"
    if kind == "decimal" and report.classes.integers and says_minor(report.name):
        yield f"hundredths by the name, as they are: divide = 100 if {column.name} holds units"


def _labels(report: ColumnReport, column: Column) -> tuple[dict[str, str], list[str]]:
    """Return the target's label for each value of a closed set, ignoring case, and the values without one."""
    labels = {label.lower(): label for label in column.enum or ()} | {
        label: label for label in column.enum or ()
    }
    found, unknown = {}, []
    for value in report.values:
        label = labels.get(value.name, labels.get(value.name.lower()))
        if label is None:
            unknown.append(value.name)
        else:
            found[value.name] = label
    return found, unknown


def _missing(match: Match, lines: Sequence[Line]) -> list[Column]:
    """Return the columns that the target requires and no entry fills."""
    filled = {line.options.get("to") for line in lines}
    return [one for one in match.free if one.name not in filled and must_be_filled(one)]


def _free_key(match: Match) -> Column | None:
    """Return the target's key if the table has no key and gets one from its rowid."""
    free = {column.name: column for column in match.free}
    key = match.target.primary_key
    return free.get(key[0]) if len(key) == 1 else None
