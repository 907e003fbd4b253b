"""Lists of keys in one text: each part is replaced by the new key."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers.base import Ids
from mappers.declarative.references import References
from mappers.declarative.source_table import MappedColumn
from mappers.declarative.target_columns import family

#: A list as its column holds it, and whether a part of it refers to no row.
LIST: Final = pl.Struct({"value": pl.String, "missing": pl.Boolean})


def new_lists(cells: pl.Series, line: MappedColumn, references: References, ids: Ids) -> pl.Series:
    """Return lists shaped as `LIST` for cells of `text` and `keys`, a JSON array of the old keys found.

    Blanks around a part are removed, parts without a key in them stay.
    """
    mapping = line.mapping
    parts = (
        cells.to_frame("c")
        .unnest("c")
        .select(
            pl.col("text")
            .str.split(mapping.separator)
            .list.eval(pl.element().str.strip_chars())
            .alias("part"),
            pl.col("keys").str.json_decode(pl.List(pl.String)).alias("key"),
        )
        .with_row_index("row")
        .explode("part", "key")
    )
    new = parts.with_columns(references.new_key(line, ids, pl.col("key"), None).cast(pl.String).alias("new"))
    missing = pl.col("new").is_null() & (pl.col("part") != "")
    stays = pl.col("part") if mapping.dangling == "keep" else pl.when(~missing).then("part")
    written = new.with_columns(missing.alias("missing"), pl.coalesce("new", stays).alias("new"))
    if family(line.to) == "texts":
        inside = pl.col("new").str.replace_all(r'(["\\\\])', r"\\$1")
        written = written.filter(pl.col("new") != "").with_columns('"' + inside + '"')
    lists = written.group_by("row", maintain_order=True).agg(
        pl.col("new")
        .drop_nulls()
        .str.join("," if family(line.to) == "texts" else mapping.separator)
        .alias("value"),
        pl.col("missing").any(),
    )
    out = cells.to_frame("c").with_row_index("row").select("row").join(lists, on="row", how="left")
    if family(line.to) == "texts":
        out = out.with_columns("{" + pl.col("value").fill_null("") + "}")
    return out.select(pl.struct("value", pl.col("missing").fill_null(False)).alias("c"))["c"]
