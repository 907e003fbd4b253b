"""A source cell in a batch, and the result of a cast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from mappers.base import Cast as Reads
from mappers.declarative.mapping_columns import Kind, Scalar
from mappers.declarative.source_table import MappedColumn
from mappers.declarative.target_columns import family
from mappers.reasons import Code, Reason
from mappers.sqlite_sql import literal

#: Storage classes, by the first letter of what typeof() calls them.
INTEGER: Final = "i"
REAL: Final = "r"
TEXT: Final = "t"
BLOB: Final = "b"
NULL: Final = "n"

#: A float as SQLite prints it if that is the same float again, otherwise in 17 digits.
_PRINTED: Final = (
    "CASE typeof({c}) WHEN 'real' THEN CASE WHEN CAST(printf('%!.15g', {c}) AS REAL) = {c}"
    " THEN printf('%!.15g', {c}) ELSE printf('%!.17g', {c}) END ELSE {c} END"
)
#: The exact digits of a float; other values unchanged.
_ROUNDED: Final = "CASE typeof({c}) WHEN 'real' THEN printf('%!.15g', {c}) ELSE {c} END"
_HEX: Final = "hex(CAST({c} AS BLOB))"
_WHOLE: Final = "CASE typeof({c}) WHEN 'blob' THEN NULL ELSE {c} END"
_VALID: Final = (
    "CASE WHEN typeof({c}) <> 'blob' THEN json_valid({c})"
    " WHEN instr({c}, x'00') = 0 THEN json_valid(CAST({c} AS TEXT)) END"
)

#: SQL for the parts of a list, in their order: pairs of JSON type and text in a JSON array. What begins like
#: JSON and is no array of it has no parts.
_PARTS: Final = (
    "CASE WHEN typeof({c}) = 'text' AND json_valid({c}) AND json_type({c}) = 'array' THEN"
    " (SELECT json_group_array(json_array(part.type, CASE WHEN part.type IN ('true', 'false') THEN part.type"
    " ELSE CAST(part.atom AS TEXT) END))"
    " FROM json_each({c}) AS part)"
    " WHEN {c} IS NOT NULL AND typeof({c}) <> 'blob' AND substr(ltrim({c}), 1, 1) NOT IN ('[', '{{') THEN"
    " (SELECT json_group_array(json_array('text', trim(part.value))) FROM"
    " json_each('[' || replace(json_quote(CAST({c} AS TEXT)), {between}, '\",\"') || ']') AS part"
    " WHERE trim(part.value) <> '') END"
)


@dataclass(frozen=True)
class Cell:
    """One source cell as expressions over the columns of a batch.

    `text` is its printed form (as hex if the target holds bytes), `storage` the letter of its class;
    `whole` its integer if it is exactly one, `real` its float if it is one, `valid` 1 if SQLite accepts it as
    JSON; `made` is the result of its cast, once the batch holds it; `parts` are those of a list.
    """

    text: pl.Expr
    storage: pl.Expr
    whole: pl.Expr
    real: pl.Expr
    valid: pl.Expr
    made: pl.Expr
    parts: pl.Expr


@dataclass(frozen=True)
class Cast:
    """The result of a cast: `value` is null if the cell is null or does not fit, for the `reason`.

    `rules` are (condition, rule) of values that are changed during the migration, if there is a value; they
    read it from the cell's `made`. `now` marks the cells that hold a word such as CURRENT_TIMESTAMP instead
    of a timestamp.
    """

    value: pl.Expr
    reason: Reason
    rules: tuple[tuple[pl.Expr, Code], ...] = ()
    now: pl.Expr | None = None


def cell_of(line: MappedColumn) -> Cell:
    """Return the cell of a mapped column in a batch that `cell_columns` describes."""
    at = line.at
    return Cell(
        pl.col(f"v{at}"),
        pl.col("classes").str.slice(at, 1),
        pl.col(f"n{at}"),
        pl.col(f"f{at}"),
        pl.col(f"g{at}"),
        pl.col(f"w{at}"),
        pl.col(f"l{at}"),
    )


def failed(line: MappedColumn) -> pl.Expr:
    """Return which cells of a batch have no value because their expression fails on the row."""
    return pl.col(f"e{line.at}") == 1 if line.failed else pl.lit(False)


def cell_columns(line: MappedColumn, alias: str) -> Iterator[tuple[str, str, Reads]]:
    """Yield the columns (name, SQL, how it is read) that a batch needs for a mapped column."""
    c, at, kind = line.cell(alias), line.at, line.mapping.kind
    form = (
        _HEX
        if kind in ("bytes", "vector") or family(line.to) == "bytes"
        else {"decimal": _ROUNDED}.get(kind, _PRINTED)
    )
    yield f"v{at}", form.format(c=c), "text"
    if line.failed:
        yield f"e{at}", line.fails(alias), "integer"
    if kind in ("integer", "id"):
        yield f"n{at}", _WHOLE.format(c=c), "integer"
    if kind == "real":
        yield f"f{at}", c, "real"
    if kind == "json":
        yield f"g{at}", _VALID.format(c=c), "integer"
    if kind == "list":
        between = literal(json.dumps(line.mapping.separator, ensure_ascii=False)[1:-1])
        yield f"l{at}", _PARTS.format(c=c, between=between), "text"


def storage_classes(cells: list[str]) -> str:
    """Return SQL for the storage classes of cells, one letter each."""
    return " || ".join(f"substr(typeof({cell}), 1, 1)" for cell in cells) or "''"


def constant_cell(value: Scalar, kind: Kind) -> pl.DataFrame:
    """Return a batch of one row, whose column 0 holds a value of the mapping file."""
    text = str(int(value)) if isinstance(value, bool) else str(value)
    storage = {bool: INTEGER, int: INTEGER, float: REAL, str: TEXT}[type(value)]
    if kind == "bytes":
        text = text.encode().hex()
    whole = int(value) if isinstance(value, (bool, int)) else None
    real = value if isinstance(value, float) else None
    columns = {"v0": [text], "classes": [storage], "n0": [whole], "f0": [real], "g0": [_is_json(text)]}
    types = {"v0": pl.String, "classes": pl.String, "n0": pl.Int64, "f0": pl.Float64, "g0": pl.Int64}
    return pl.DataFrame(columns, schema=types)


def _is_json(text: str) -> int:
    try:
        json.loads(text)
    except ValueError:
        return 0
    return 1
