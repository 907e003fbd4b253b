"""Casts to vectors of the extension pgvector, from the bytes that libSQL stores."""

from __future__ import annotations

from typing import Final

import polars as pl

from mappers.declarative.casts.cell import BLOB, Cast, Cell
from mappers.reasons import Reason

#: Bytes of one number of F32_BLOB; libSQL writes the type of other vectors as one byte behind the numbers,
#: so that their length is odd (libSQL, "Vector Storage Format").
_WIDTH: Final = 4


def vector(cell: Cell, dimensions: int | None) -> Cast:
    """Return vectors as pgvector reads them: `[1,0.5]`.

    What does not fit: bytes that are no 32-bit floats, another number of them than the column takes, and
    NaN or infinite ones.
    """
    written = cell.text.map_batches(
        lambda texts: _written(texts, dimensions), return_dtype=pl.String, is_elementwise=True
    )
    return Cast(pl.when(cell.storage == BLOB).then(written), Reason.INVALID_VECTOR)


def _written(hexes: pl.Series, dimensions: int | None) -> pl.Series:
    """Return vectors in hex as text, null for what is none."""
    sizes = hexes.str.len_chars() // 2
    whole = hexes.str.len_chars() % (_WIDTH * 2) == 0
    found = pl.Series(hexes.name, [None] * len(hexes), dtype=pl.String)
    for size in sizes.filter(whole & (sizes > 0)).unique().drop_nulls().sort():
        number = size // _WIDTH
        if dimensions in (None, number):
            of_size = hexes.zip_with(whole & (sizes == size), pl.Series([None], dtype=pl.String))
            floats = of_size.str.decode("hex").bin.reinterpret(dtype=pl.Array(pl.Float32, number))
            found = _joined(floats).zip_with(floats.is_not_null(), found)
    return found


def _joined(floats: pl.Series) -> pl.Series:
    """Return arrays of numbers as texts, null if one of the numbers is not finite."""
    finite = floats.arr.to_list().list.eval(pl.element().is_finite()).list.all()
    texts = floats.arr.to_list().cast(pl.List(pl.String)).list.join(",")
    plain = texts.str.replace_all(r"\.0(,|$)", "$1")
    return ("[" + plain + "]").zip_with(finite, pl.Series([None], dtype=pl.String))
