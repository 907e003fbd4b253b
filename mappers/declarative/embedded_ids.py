"""Ids inside JSON documents, lists and texts such as URLs: each is replaced by the new one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from mappers.base import HiddenIds as Described
from mappers.base import Ids
from mappers.declarative.casts.column_expr import ColumnExpr
from mappers.declarative.json_path import jsonpath, replace_at, steps
from mappers.declarative.mapping_columns import HiddenIds
from mappers.declarative.references import ID_LETTERS, References
from mappers.declarative.source_table import MappedColumn, SourceTable
from mappers.declarative.target_columns import family
from mappers.reasons import Code, Reason

#: Written before a number that is kept as it is; no document that jsonb accepts holds the character.
_AS_WRITTEN: Final = "\x00"
_WRITTEN: Final = re.compile(r'"\\u0000([^"]*)"')
#: The most digits that int() accepts.
_DIGITS: Final = 4000
_RESULT: Final = {"value": pl.String, "unknown": pl.Boolean}


@dataclass(frozen=True)
class _Place:
    """One path of a mapped column: the rows its ids refer to, and the batch column with the ids found."""

    hidden: HiddenIds
    parent: SourceTable
    found: str


def places(line: MappedColumn, references: References) -> list[_Place]:
    """Return the paths of a mapped column that can be followed."""
    return [
        _Place(hidden, parent, f"h{line.at}_{number}")
        for number, hidden in enumerate(line.mapping.ids)
        if (parent := references.table(hidden.of)) is not None
    ]


def described(table: SourceTable, references: References) -> Iterator[Described]:
    """Yield where new ids are inside the cells of a table's target."""
    for line in table.lines:
        inside: list[tuple[str | None, SourceTable]] = [
            (jsonpath(place.hidden.path), place.parent)
            for place in places(line, references)
            if place.hidden.path
        ]
        if line.mapping.kind == "references":
            inside += [(None, parent) for _, parent in references.parents(line)]
        separator = "" if family(line.to) == "texts" else line.mapping.separator
        for path, parent in inside:
            key = parent.key_line
            if key is not None and references.root(parent).entity is not None:
                yield Described(
                    table.target, line.to.name, path, separator, parent.name, parent.target, key.to.name
                )


def with_new_ids(
    rows: pl.DataFrame, line: MappedColumn, references: References, ids: Ids
) -> tuple[pl.DataFrame, ColumnExpr]:
    """Return the batch with the new ids in the documents of a mapped column (`t…`), and the warnings.

    Each document with an id in it is parsed separately: only for columns with such paths, and only the cells
    in which SQLite found a value there.
    """
    column = f"t{line.at}"
    warnings: list[tuple[pl.Expr, Code]] = []
    for place in places(line, references):
        found_text = rows.select(column, place.found)
        new = _new_ids(found_text[place.found], place, references, ids)
        unknown = f"u{place.found}"
        found = _replaced(found_text, place, new, line.to.max_length)
        rows = rows.with_columns(found["value"].alias(column), found["unknown"].alias(unknown))
        rule = Reason.UNKNOWN_ID_KEPT if place.hidden.dangling == "keep" else Reason.UNKNOWN_ID_LEFT_OUT
        warnings.append((pl.col(unknown), rule))
    return rows, ColumnExpr(pl.col(column), (), tuple(warnings))


def _new_ids(found: pl.Series, place: _Place, references: References, ids: Ids) -> Mapping[str, str]:
    """Return the new ids of a batch by the old keys found."""
    pairs = found.drop_nulls().str.json_decode(pl.List(pl.List(pl.String))).explode().drop_nulls()
    keys = pairs.list.get(1).drop_nulls().unique().sort().to_frame("key")
    entity = references.root(place.parent).entity
    if entity is None:
        return dict(zip(keys["key"], keys["key"], strict=True))
    return dict(keys.select("key", ids.expr(entity, pl.col("key")).alias("id")).rows())


def _replaced(
    found_text: pl.DataFrame, place: _Place, new: Mapping[str, str], most: int | None
) -> pl.DataFrame:
    """Return `value` and `unknown` for a batch's documents, from the ids found in them."""
    path = steps(place.hidden.path) if place.hidden.path else None
    written = [
        (text, False)
        if not found or found == "[]" or text is None
        else _reworded(text, found, place.hidden.pattern, new, most)
        if path is None
        else _rewritten(text, found, path, place, new)
        for text, found in found_text.rows()
    ]
    return pl.DataFrame(written, schema=_RESULT, orient="row")


def _rewritten(
    text: str, found_text: str, path: Any, place: _Place, new: Mapping[str, str]
) -> tuple[str, bool]:
    """Return one document with its new ids, and whether an id in it refers to no row."""
    known = dict(json.loads(found_text))
    unknown = False

    def change(value: Any) -> Any:
        nonlocal unknown
        if isinstance(value, bool) or not isinstance(value, (str, int)) or str(value).startswith(_AS_WRITTEN):
            return value
        key = known.get(str(value))
        if key is not None:
            return new[key]
        unknown = True
        return value if place.hidden.dangling == "keep" else None

    found = json.loads(text, parse_float=_as_written, parse_int=_whole)
    changed = json.dumps(replace_at(found, path, change), ensure_ascii=False, separators=(",", ":"))
    return _WRITTEN.sub(r"\1", changed), unknown


def _reworded(
    text: str, found_text: str, pattern: str, new: Mapping[str, str], most: int | None
) -> tuple[str, bool]:
    """Return one text with its new ids, and whether a number in their place names no row.

    A text that would be longer than `most` letters stays as it is.
    """
    known = {word: key for word, key in json.loads(found_text) if key is not None}
    before, _, behind = pattern.partition("{id}")
    unknown = False

    def change(found: re.Match[str]) -> str:
        nonlocal unknown
        key = known.get(found[1])
        if key is None:
            unknown = unknown or found[1].isdigit()
            return found[0]
        return f"{before}{new[key]}"

    ends = f"(?={re.escape(behind)})" if behind else ""
    changed = re.sub(f"{re.escape(before)}([{ID_LETTERS}]+){ends}", change, text)
    return (text, True) if most is not None and len(changed) > most else (changed, unknown)


def _as_written(number: str) -> str:
    return _AS_WRITTEN + number


def _whole(number: str) -> int | str:
    return int(number) if len(number) < _DIGITS else _AS_WRITTEN + number
