"""Casts to scalar lists: a JSON array, or a text with a separator, as an array of PostgreSQL's."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers.cleaning.text import without_nul
from mappers.declarative.casts.cell import BLOB, Cast, Cell
from mappers.declarative.casts.text_casts import as_uuid
from mappers.declarative.target_columns import TargetColumn, element_type, integer_range
from mappers.reasons import Reason

#: What PostgreSQL writes in quotes inside an array.
_QUOTED: Final = r'^$|^(?i:null)$|[{}",\\ \t\n\x0b\f\r]'
_TRUE: Final = ("true", "t", "yes", "y", "on", "1")
_FALSE: Final = ("false", "f", "no", "n", "off", "0")
_NUMBER: Final = r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$"
_SCALARS: Final = ("text", "integer", "real", "true", "false")


def scalars(cell: Cell, to: TargetColumn) -> Cast:
    """Return lists as PostgreSQL prints arrays; one that holds a part of another type does not fit.

    null and lists inside a list are of no type.
    """
    written = cell.parts.map_batches(lambda found: _written(found, to), return_dtype=pl.String)
    return Cast(pl.when(cell.storage != BLOB).then(written), Reason.INVALID_LIST)


def as_array(element: pl.Expr) -> pl.Expr:
    """Return texts as they stand in an array."""
    inside = element.str.replace_all(r'(["\\])', r"\${1}")
    return pl.when(element.str.contains(_QUOTED)).then('"' + inside + '"').otherwise(element)


def _written(found: pl.Series, to: TargetColumn) -> pl.Series:
    """Return the arrays of a batch of parts, null for those that do not fit."""
    lists = found.str.json_decode(pl.List(pl.List(pl.String))).alias("pair").to_frame().with_row_index("row")
    parts_ = (
        lists.explode("pair")
        .drop_nulls("pair")
        .select("row", pl.col("pair").list.get(0).alias("type"), pl.col("pair").list.get(1).alias("text"))
        .with_columns(pl.when(pl.col("type").is_in(_SCALARS)).then(_element(to)).alias("value"))
    )
    arrays = parts_.group_by("row", maintain_order=True).agg(
        pl.when(pl.col("value").is_not_null().all()).then(pl.col("value").str.join(",")).alias("value")
    )
    out = lists.join(arrays, on="row", how="left", maintain_order="left")
    empty = pl.col("pair").list.len() == 0
    value = pl.when(empty).then(pl.lit("{}")).otherwise("{" + pl.col("value") + "}")
    return out.select(value.alias("value"))["value"]


def _element(to: TargetColumn) -> pl.Expr:
    """Return the parts of a list as elements of the target's type, null for what is none."""
    text, kind = pl.col("text"), pl.col("type")
    match element_type(to):
        case "integer" | "bigint" | "smallint":
            number = pl.when(text.str.contains(r"^-?[0-9]{1,19}$")).then(text).cast(pl.Int64, strict=False)
            low, high = integer_range(to)
            return pl.when(number.is_between(low, high) & kind.is_in(["integer", "text"])).then(
                number.cast(pl.String)
            )
        case "double precision" | "real" | "numeric":
            return pl.when(kind.is_in(["integer", "real", "text"]) & text.str.contains(_NUMBER)).then(text)
        case "boolean":
            word = text.str.to_lowercase()
            return pl.when(word.is_in(_TRUE)).then(pl.lit("t")).when(word.is_in(_FALSE)).then(pl.lit("f"))
        case "uuid":
            return as_uuid(text)
        case _:
            plain = without_nul(text)
            most = to.max_length
            return as_array(plain if most is None else pl.when(plain.str.len_chars() <= most).then(plain))
