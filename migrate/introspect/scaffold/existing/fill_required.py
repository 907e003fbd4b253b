"""What a target requires and no source column gives: new ids next to a key, timestamps, other columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from migrate.introspect.profile.names import words
from migrate.introspect.scaffold.existing.column_pairs import kind_for
from migrate.introspect.scaffold.existing.match_existing import Match
from migrate.introspect.scaffold.model import Line
from migrate.introspect.scaffold.types.shape_fit import misfits
from migrate.postgres.catalog import Column

#: Words that begin the names of timestamps that a client fills, in the order in which they stand for another.
_WRITTEN: Final = ("created", "inserted", "joined", "added", "updated", "modified")
#: How a timestamp is read, which holds for whatever else it fills.
_READ: Final = ("unit", "zone", "format", "otherwise", "empty")


def must_be_filled(column: Column) -> bool:
    """Return whether a column of the target needs a value with every row."""
    automatic = (
        column.default is not None or column.generated or column.identity is not None or column.sequence
    )
    return column.not_null and not automatic


def new_id(match: Match) -> Column | None:
    """Return the target's key if it can hold new ids next to the key of the source's table; None if not."""
    key = match.target.primary_key
    free = {column.name: column for column in match.free}
    if len(key) != 1 or key[0] not in free or not match.source.key:
        return None
    column = free[key[0]]
    text = kind_for(column) == "text" and column.type != "uuid"
    return column if text and must_be_filled(column) else None


def fill_times(match: Match, lines: Sequence[Line], missing: Sequence[Column]) -> list[Line]:
    """Return entries for required timestamps of a row's making or change, from another of the row's."""
    named = {line.column: line for line in lines}
    found = []
    for column in missing:
        if kind_for(column) != "timestamp" or words(column.name)[:1] not in [(word,) for word in _WRITTEN]:
            continue
        known = sorted(_timestamps(match, lines), key=lambda name: (_rank(name), name))
        if not known:
            continue
        read = {key: value for key, value in named[known[0]].options.items() if key in _READ}
        options = {"to": column.name, "as": "timestamp", **read, "from": [known[0]]}
        remark = f"required, and the source has no column for it: as {known[0]}"
        found.append(Line(entry_name(match, column), options, remark, review=True))
    return found


def entry_name(match: Match, column: Column) -> str:
    """Return the name of an entry that is no column of the source."""
    taken = {one.name for one in match.source.columns}
    name = column.name
    while name in taken:
        name += "_new"
    return name


def what_is_missing(match: Match, lines: Sequence[Line], missing: Sequence[Column]) -> Iterator[str]:
    """Yield a sentence for each required column that nothing fills, with the ways to fill it."""
    source = match.source.name
    for column in missing:
        perhaps = [line.column for line in lines if "drop" in line.options and _fits(match, line, column)]
        near = f" (perhaps {' or '.join(perhaps)}, whose values all fit)" if perhaps else ""
        yield (
            f"{match.target.name}.{column.name} is required and has no default: map a column of {source} to"
            f" it with `to`{near}, make it of others with `from` or `sql`, or give it a value under"
            f" [tables.{source}.constants]"
        )


def _timestamps(match: Match, lines: Sequence[Line]) -> Iterator[str]:
    """Yield the source's columns that hold a timestamp in every row."""
    reports = {one.name: one for one in match.source.columns}
    for line in lines:
        report = reports.get(line.column)
        if report is not None and line.options.get("as") == "timestamp":
            full = not report.classes.nulls + report.classes.empty
            if full and not misfits(report, "timestamp"):
                yield line.column


def _rank(name: str) -> int:
    first = words(name)[:1]
    return _WRITTEN.index(first[0]) if first and first[0] in _WRITTEN else len(_WRITTEN)


def _fits(match: Match, line: Line, column: Column) -> bool:
    report = next((one for one in match.source.columns if one.name == line.column), None)
    kind = kind_for(column)
    if report is None or kind in (None, "enum") or not report.filled or column.type == "uuid":
        return False
    assert kind is not None
    return not report.classes.nulls + report.classes.empty + misfits(report, kind)
