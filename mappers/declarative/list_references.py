"""Lists of keys in one text: each part is replaced by the new key."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers.base import Ids
from mappers.declarative.casts.list_cast import as_array
from mappers.declarative.references import References
from mappers.declarative.source_table import MappedColumn
from mappers.declarative.target_columns import family

#: A list as its column holds it, and whether a part of it refers to no row.
LIST: Final = pl.Struct({"value": pl.String, "missing": pl.Boolean})


def new_lists(cells: pl.Series, line: MappedColumn, references: References, ids: Ids) -> pl.Series:
    """Return lists shaped as `LIST` for cells of `text`, `parts` and `keys`.

    `parts` is a JSON array of the parts, for a list that becomes an array; `keys` one of the old keys found.

    Blanks around a part are removed, parts without a key in them stay.
    """
    mapping = line.mapping
    array = family(line.to) == "texts"
    split = pl.col("text").str.split(mapping.separator).list.eval(pl.element().str.strip_chars())
    parts = (
        cells.to_frame("c")
        .unnest("c")
        .select(
            (pl.col("parts").str.json_decode(pl.List(pl.String)) if array else split).alias("part"),
            pl.col("keys").str.json_decode(pl.List(pl.String)).alias("key"),
        )
        .with_row_index("row")
        .explode("part", "key")
    )
    new = parts.with_columns(references.new_key(line, ids, pl.col("key"), None).cast(pl.String).alias("new"))
    missing = pl.col("new").is_null() & (pl.col("part") != "")
    stays = pl.col("part") if mapping.dangling == "keep" else pl.when(~missing).then("part")
    written = new.with_columns(missing.alias("missing"), pl.coalesce("new", stays).alias("new"))
    if array:
        filled = pl.when(pl.col("new") != "").then(as_array(pl.col("new")))
        written = written.with_columns(filled.alias("new"))
    lists = written.group_by("row", maintain_order=True).agg(
        pl.col("new").drop_nulls().str.join("," if array else mapping.separator).alias("value"),
        pl.col("missing").any(),
    )
    out = cells.to_frame("c").with_row_index("row").select("row").join(lists, on="row", how="left")
    if array:
        inside = pl.col("value").fill_null("")
        out = out.with_columns(pl.concat_str(pl.lit("{"), inside, pl.lit("}")).alias("value"))
    return out.select(pl.struct("value", pl.col("missing").fill_null(False)).alias("c"))["c"]
