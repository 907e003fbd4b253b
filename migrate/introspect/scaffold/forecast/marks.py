"""A draft with its forecast in it: each line says what becomes of its values, and bears its mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from mappers.declarative.mapping_file import MappingFile
from mappers.reasons import LEFT_OUT, Reason, left_out
from migrate.introspect.scaffold import constraint_names
from migrate.introspect.scaffold.forecast.outcomes import (
    MERGING,
    Collision,
    Forecast,
    make_forecast,
    may_merge,
)
from migrate.introspect.scaffold.model import Draft, Index, Line, Model, Outcome, Section, Type
from migrate.postgres.catalog import LiveSchema
from migrate.runtime.amount import amount
from migrate.runtime.config import Checks

#: What is said of rows that are not migrated, by the ledger's reason; of another they "do not fit".
_REASONS: Final[Mapping[str, str]] = {
    Reason.REQUIRED: "NULL in a required column, their rows are rejected",
    Reason.DANGLING: "refer to no row, their rows are rejected",
    Reason.CURRENT_TIMESTAMP_TEXT: "words for the clock, their rows are rejected",
    Reason.SAME_KEY: "have the key of another row, are rejected",
    Reason.NUL_IN_KEY: "NUL in the key, their rows are rejected",
}
#: What is said of values that are not what they were, by the ledger's rule.
_RULES: Final[Mapping[str, str]] = {
    left_out(Reason.DANGLING): "refer to no row, become NULL",
    Reason.DANGLING_KEPT: "refer to no row, kept as they are",
    left_out(Reason.CURRENT_TIMESTAMP_TEXT): "CURRENT_TIMESTAMP as text, become NULL",
    Reason.EMPTY_AS_NULL: "'' becomes NULL",
    Reason.NUMBER_AS_TEXT: "numbers, become text",
    Reason.BYTES_AS_TEXT: "bytes, read as UTF-8",
    Reason.NUL_REMOVED: "NUL characters, removed",
    Reason.INVALID_UTF8: "no UTF-8, read as Windows-1252",
    Reason.WRAPPED_AS_JSON_STRING: "no JSON, become strings",
    Reason.NAME_TWICE_LAST_KEPT: "objects with a name twice, the last is kept",
    Reason.UNKNOWN_ID_KEPT: "ids in it of no row, left as they are",
    Reason.UNKNOWN_ID_LEFT_OUT: "ids in it of no row, left out",
    Reason.PLACEHOLDER: "dangling, rows are made for them",
    Reason.ROUNDED_TO_SCALE: "more digits behind the point than declared, rounded",
    Reason.MASKED: "masked",
    Reason.ROUNDED_TO_MILLISECONDS: "finer than milliseconds, rounded",
}
#: What a person expects, so that it is said without a mark.
_EXPECTED: Final = frozenset({Reason.EMPTY_AS_NULL, Reason.ROUNDED_TO_MILLISECONDS, Reason.MASKED})


def foresee(
    draft: Draft,
    snapshot: Path,
    crosswalk: Path,
    live: LiveSchema | None = None,
    mapping: MappingFile | None = None,
) -> Draft:
    """Return a draft that says what a run of it does; see `make_forecast`.

    A unique key that values break once they are converted becomes an index, marked; of a primary key that
    they break, what was converted stays text, if no other table refers to it.
    """
    forecast = make_forecast(draft, snapshot, crosswalk, live, mapping)
    kept = _with_keys_as_text(draft, forecast) if live is None and mapping is None else draft
    if kept is not draft:
        draft, again = kept, crosswalk.with_name(f"{crosswalk.stem}-again.db")
        forecast = make_forecast(draft, snapshot, again)
    broken = [one for one in forecast.collisions if not one.primary]
    models = tuple(_without_unique(model, broken, draft) for model in draft.models)
    sections = tuple(_with_outcomes(section, forecast) for section in draft.sections)
    mistakes = () if draft.problems else forecast.mistakes
    broken_keys = map(_broken_key, _primary(forecast))
    broken_live = () if live is None else map(_broken_live_key, forecast.collisions)
    problems = (*draft.problems, *mistakes, *broken_keys, *broken_live, *_too_many(draft, forecast))
    return replace(
        draft,
        models=models,
        sections=sections,
        problems=tuple(dict.fromkeys(problems)),
        forecast=forecast.outcomes,
    )


def _with_keys_as_text(draft: Draft, forecast: Forecast) -> Draft:
    """Return the draft in which keys stay text that would be equal once they are converted."""
    for one in _primary(forecast):
        section = next(each for each in draft.sections if each.source == one.table)
        model = next(each for each in draft.models if each.table == section.options["target"])
        named = {relation.to_model for each in draft.models for relation in each.relations}
        if model.name not in named:
            draft = _as_text(draft, section, model, set(one.columns))
    return draft


def _as_text(draft: Draft, section: Section, model: Model, columns: set[str]) -> Draft:
    lines = tuple(
        replace(
            line,
            options={"to": line.options["to"], "as": "text"},
            remark=f"{line.remark}; text, since keys would be equal as {line.options['as']}",
            review=True,
        )
        if line.options.get("to") in columns and line.options.get("as") in MERGING
        else line
        for line in section.lines
    )
    text = {line.options["to"] for line in lines if line.options.get("as") == "text"} & columns
    fields = tuple(
        replace(field, type=Type(), default=None, updated_at=False) if field.column in text else field
        for field in model.fields
    )
    sections = (replace(section, lines=lines) if each is section else each for each in draft.sections)
    models = (replace(model, fields=fields) if each is model else each for each in draft.models)
    return replace(draft, sections=tuple(sections), models=tuple(models))


def _primary(forecast: Forecast) -> list[Collision]:
    return [one for one in forecast.collisions if one.primary]


def _broken_key(one: Collision) -> str:
    columns = ", ".join(one.columns)
    return (
        f"{one.table}: {amount(one.rows, 'row has', 'rows have')} {amount(one.groups, 'key')} "
        f"once ({columns}) is converted: make what"
        ' is converted text (as = "text", and in schema.prisma String, in init.sql TEXT)'
    )


def _broken_live_key(one: Collision) -> str:
    values = amount(one.groups, "value")
    return (
        f"{one.table}: {amount(one.rows, 'row has', 'rows have')} {values} of "
        f"({', '.join(one.columns)}) under the target's key"
        f" {one.key}, and a run stops at its checks: make them differ in the source, leave rows out with"
        " `where`, or drop the key"
    )


def _too_many(draft: Draft, forecast: Forecast) -> Iterable[str]:
    """Yield the tables of which a run would reject more rows than its limits let pass."""
    limits = Checks()
    for section in draft.sections:
        found = [one for one in forecast.outcomes if one.table == section.source and one.fate == "rejected"]
        rejected = sum(one.rows for one in found)
        if rejected > max(limits.max_reject_share * section.rows, limits.max_reject_rows):
            named = ", ".join(f"{one.column} ({one.rule} {one.rows:,})" for one in found)
            yield (
                f"{section.source}: {rejected:,} of {amount(section.rows, 'row')} would be "
                f"rejected, and a run stops:"
                f' {named}; edit the lines of these columns (otherwise or dangling = "null", or as = "text"),'
                " or accept it with [verification] max_reject_shares"
            )


def _with_outcomes(section: Section, forecast: Forecast) -> Section:
    """Return a section whose lines say what becomes of their values."""
    if forecast.mistakes:
        return section  # nothing was mapped
    own = [one for one in forecast.outcomes if one.table == section.source]
    columns = {line.column for line in section.lines}
    merged = [one for one in forecast.collisions if one.table == section.source and not one.primary]
    lines = tuple(
        _line(line, [one for one in own if one.column == line.column], list(_same(line, merged)))
        for line in section.lines
    )
    remarks = [f"(!) {one.column}: {_words(one)}: {one.rows:,}" for one in own if one.column not in columns]
    return replace(section, lines=lines, remarks=(*section.remarks, *remarks))


def _same(line: Line, merged: list[Collision]) -> Iterable[str]:
    """Yield what is said of a column whose values are unique no more once they are converted."""
    for one in merged:
        if line.options.get("to") in one.columns and may_merge(line):
            way = (
                'as = "text" (schema.prisma: String, init.sql: TEXT) keeps them apart'
                if line.options.get("as") in MERGING
                else "make them differ in the source to keep the key"
            )
            yield (
                f"unique ({', '.join(one.columns)}) no more: "
                f"{amount(one.rows, 'row has', 'rows have')} {amount(one.groups, 'value')}"
                f" once converted; {way}"
            )


def _line(line: Line, outcomes: list[Outcome], merged: list[str]) -> Line:
    if "drop" in line.options:
        return line
    remarks = [f"{_words(one)}: {one.rows:,}" for one in outcomes]
    strict = ", not null" in line.remark.partition(":")[0]
    odd = bool(merged) or any(
        one.rule not in _EXPECTED or (one.rule == Reason.EMPTY_AS_NULL and strict) for one in outcomes
    )
    return replace(
        line, remark="; ".join([line.remark, *remarks, *merged]), review=line.review or odd, counts=()
    )


def _words(one: Outcome) -> str:
    if one.fate == "merged":
        return "the same as another row, merged into it"
    if one.fate is not None:
        return _REASONS.get(one.rule, "do not fit, their rows are rejected")
    if one.rule in _RULES:
        return _RULES[one.rule]
    return "do not fit, become NULL" if one.rule.endswith(LEFT_OUT) else "do not fit, get the default"


def _without_unique(model: Model, broken: list[Collision], draft: Draft) -> Model:
    """Return a model whose broken unique keys are plain indexes."""
    sources = {str(one.options.get("target")): one.source for one in draft.sections}
    lost = {one.columns for one in broken if one.table == sources.get(model.table)}
    return replace(
        model,
        indexes=tuple(
            _plain(model, one) if one.unique and one.columns in lost else one for one in model.indexes
        ),
        relations=tuple(replace(one, one=False) if one.columns in lost else one for one in model.relations),
    )


def _plain(model: Model, index: Index) -> Index:
    name = constraint_names.index(model.table, index.columns)
    free = name not in {one.name for one in model.indexes}
    return replace(index, unique=False, name=name if free else index.name, map=not free)
